"""Scores and flags become messages exactly, or are refused with the column, value and rule."""

from datetime import UTC, date, datetime

import pytest

from creditgate.client import HoldKind, Verification, VerificationRecord
from creditgate.loaders import rows
from creditgate.loaders.errors import RowError
from creditgate.loaders.rows.findings import Flag

SCORE = {
    "account_id": "A", "reference": "R1", "source": "bureau", "date": "2026-01-31", "score": "700",
}  # fmt: skip
LIFT = {"account_id": "A", "hold_id": "F1", "action": "lift", "reason": "paid"}
PLACE = LIFT | {"action": "place", "kind": "bureau"}


def test_a_score_is_a_verification_that_has_one() -> None:
    found = Verification(reference="R1", source="bureau", date=date(2026, 1, 31), score=700)
    expected = VerificationRecord(account_id="A", verification=found)
    assert rows.SCORES.message(SCORE) == expected
    assert rows.VERIFICATIONS.message(SCORE) == expected
    assert rows.SCORES.required == tuple(SCORE)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (PLACE, Flag(account_id="A", hold_id="F1", reason="paid", kind=HoldKind.BUREAU)),
        (
            PLACE | {"kind": "fraud", "source": "S", "expire_time": "2030-01-31T16:00:00+02:00"},
            Flag(
                account_id="A",
                hold_id="F1",
                reason="paid",
                kind=HoldKind.FRAUD,
                source="S",
                expire_time=datetime(2030, 1, 31, 14, tzinfo=UTC),
            ),
        ),
        (LIFT, Flag(account_id="A", hold_id="F1", reason="paid", kind=None)),
        (
            LIFT | {"kind": "bureau", "source": "S"},
            Flag(account_id="A", hold_id="F1", reason="paid", kind=None),
        ),
    ],
)
def test_flags(cells: dict[str, str], expected: Flag) -> None:
    assert rows.FLAGS.message(cells) == expected


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (PLACE | {"action": "hold"}, "action 'hold': must be one of lift, place"),
        (PLACE | {"kind": "x"}, "kind 'x': must be one of bureau, fraud, manual"),
        (LIFT | {"action": "place"}, "kind '': must not be empty with action place"),
        (
            LIFT | {"expire_time": "2030-01-31"},
            "expire_time '2030-01-31': must be empty with action lift",
        ),
        (
            PLACE | {"expire_time": "soon"},
            "expire_time 'soon': must be a time like 2026-01-31T16:00:00Z",
        ),
        ({"account_id": "A", "hold_id": "F1", "action": "lift"}, "reason '': must not be empty"),
    ],
)
def test_wrong_flags(cells: dict[str, str], message: str) -> None:
    with pytest.raises(RowError) as caught:
        rows.FLAGS.message(cells)
    assert caught.value.message == message


def test_a_score_must_be_there() -> None:
    with pytest.raises(RowError, match=r"^score '': must not be empty$"):
        rows.SCORES.message({name: cell for name, cell in SCORE.items() if name != "score"})
