"""The scorecard: what it refuses, what figures get, and how far a limit moves."""

from datetime import date
from pathlib import Path

import pytest

from creditgate.loaders.errors import FileError
from creditgate.loaders.scoring import scorecard
from creditgate.loaders.scoring.history import months_before, months_since
from creditgate.loaders.scoring.scorecard import FigureName, Scorecard

TEXT = scorecard.REFERENCE.read_text()


@pytest.fixture
def card() -> Scorecard:
    return scorecard.read(scorecard.REFERENCE)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("weight = 25", "weight = 30", "weights must add up to 100, not 105"),
        ("weight = 25", "weight = 0", "criterion 'days_late': weight is 0: must be 1 to 100"),
        ('figure = "trend"', 'figure = "late_share"', "criterion 'late_share': appears twice"),
        ('figure = "trend"', 'figure = "luck"', "`$.criterion[2].figure`"),
        ("up_to = 5, points = 80", "up_to = 1, points = 80", "bands: 2: up_to is 1: must be above"),
        ("up_to = 5, points = 80", "points = 80", "bands: 2: up_to is missing"),
        ("up_to = 1, points = 100", "up_to = 0.125, points = 100", "at most two decimals"),
        ("up_to = 5, points = 80", "up_to = 5, points = 101", "points is 101: must be 0 to 100"),
        ("    { points = 0 },", "    { up_to = 900, points = 0 },", "must have no up_to"),
        ("points_min = 70", "points_min = 90", "grade: 2: points_min is 90: must be below"),
        ("points_min = 0\n", "points_min = 1\n", "the last one must be from points_min 0"),
        ("months = 3", "months = 61", "grade: 1: months is 61: must be 0 to 60"),
        ('"250000.00 EUR"', '"250000.001 EUR"', "EUR has 2 decimals, not more"),
        ('"250000.00 EUR"', '"1.00 USD"', "USD appears twice"),
        ('"250000.00 EUR"', '"250000.00"', "must be an amount and its currency"),
        ("raise_percent_max = 25", "raise_percent_max = -1", "limit.raise_percent_max is -1"),
        ("digits = 2", "digit = 2", "`digit`"),
        ("history_months_min = 6", "history_months_min = 13", "history_months_min is 13"),
        ('name = "reference"', 'name = ""', "name is ''"),
    ],
)
def test_a_wrong_scorecard_is_refused_by_the_name_of_its_key(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    assert old in TEXT
    path = tmp_path / "card.toml"
    path.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(FileError) as refused:
        scorecard.read(path)
    assert complaint in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_band_includes_its_end_and_what_is_missing_has_points_of_its_own(
    card: Scorecard,
) -> None:
    (days_late, *_) = card.criterion
    assert [days_late.points(value) for value in (0, 1_00, 1_01, 5_00, 30_00, 30_01, None)] == [
        *(100, 100, 80, 80, 20, 0, 50)
    ]
    figures: dict[FigureName, int | None] = {
        "days_late": 0, "late_share": 0, "trend": -5_00, "disputed_share": 0,
        "utilisation": 50_00, "score": 700_00,
    }  # fmt: skip
    assert scorecard.total(card.judge(figures)) == 100_00
    assert scorecard.total(card.judge(dict.fromkeys(figures))) == 48_00


def test_the_target_is_months_of_mean_turnover_up_to_a_maximum(card: Scorecard) -> None:
    year = 12 * 1_000_00
    assert card.target(85_00, year, 12, "USD") == 3_000_00
    assert card.target(84_99, year, 12, "USD") == 2_500_00
    assert card.target(0, year, 12, "USD") == 500_00
    assert card.target(85_00, year, 6, "USD") == 6_000_00
    assert card.target(85_00, 1_000 * year, 12, "USD") == 250_000_00
    assert card.target(85_00, 1_000 * year, 12, "CHF") == 3_000_000_00


@pytest.mark.parametrize(
    ("now", "target", "limit"),
    [
        (1_000_00, 1_049_99, None),  # less than 5 %
        (1_000_00, 1_150_00, 1_100_00),  # rounded towards the limit in force
        (1_000_00, 9_000_00, 1_200_00),  # one step, of which two digits
        (1_000_00, 0, 800_00),
        (1_010_00, 0, 810_00),  # rounded up, so that no step is too long
        (1_010_00, 1_005_00, None),
        (3, 4, None),
        (8, 100, 10),
    ],
)
def test_a_limit_moves_one_rounded_step(
    card: Scorecard, now: int, target: int, limit: int | None
) -> None:
    assert card.step(now, target) == limit


def test_no_step_passes_its_bounds_or_goes_on_for_ever(card: Scorecard) -> None:
    for now in range(1, 5_000, 7):
        for target in (0, now // 2, now, now * 11 // 10, now * 3):
            limit, steps, before = now, 0, now
            while (moved := card.step(limit, target)) is not None:
                assert limit * 80 <= moved * 100 <= limit * 125
                assert min(now, target) <= moved <= max(now, target)
                before, limit, steps = limit, moved, steps + 1
                assert (before < limit) == (now < target)
            assert steps < 60


def test_months_end_where_they_end() -> None:
    assert months_before(date(2026, 3, 31), 1) == date(2026, 2, 28)
    assert months_before(date(2024, 2, 29), 12) == date(2023, 2, 28)
    assert months_before(date(2026, 1, 15), 3) == date(2025, 10, 15)
    assert months_before(date(2026, 1, 1), 12) == date(2025, 1, 1)
    assert months_since(date(2026, 1, 31), date(2026, 1, 31)) == 1
    assert months_since(date(2025, 7, 2), date(2026, 7, 1)) == 12
