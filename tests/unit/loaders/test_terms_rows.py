"""Rows of payment terms and of who has them, and calendars of countries and of files."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from creditgate.client import (
    Calendar,
    EndOfMonth,
    NetDays,
    NonWorkingDay,
    Terms,
    TermsAssignment,
    TermsDiscount,
    TermsInstalment,
)
from creditgate.loaders import calendars, rows
from creditgate.loaders.errors import FileError, RowError

TERMS = {"terms_id": "T", "due": "net 30"}
YEARS = (2026, 2027)


def test_a_row_becomes_terms() -> None:
    assert rows.TERMS.message(TERMS) == Terms(
        terms_id="T", instalments=(TermsInstalment(NetDays(30)),)
    )
    full = {
        "due": "50% eom+1 10; 50% net 60",
        "discounts": "2/10; 0.5 % net 20",
        "discount_grace_days": "3",
        "grace_days": "0",
        "calendar_id": "DE",
        "non_working_day": "previous",
    }
    assert rows.TERMS.message(TERMS | full) == Terms(
        terms_id="T",
        instalments=(
            TermsInstalment(EndOfMonth(1, 10), 5_000),
            TermsInstalment(NetDays(60), 5_000),
        ),
        discounts=(TermsDiscount(200, NetDays(10)), TermsDiscount(50, NetDays(20))),
        discount_grace_days=3,
        calendar_id="DE",
        non_working_day=NonWorkingDay.PREVIOUS,
    )


@pytest.mark.parametrize(
    ("cells", "field", "rule"),
    [
        ({"due": "soon"}, "due", "is no due date: must be like net 30"),
        ({"due": "50% net 30; 40% net 60"}, "due", "must add up to 100 %, not 90 %"),
        ({"discounts": "much"}, "discounts", "is not a discount: must be like"),
        ({"grace_days": "3661"}, "grace_days", "whole number from 0 to 3660"),
        ({"grace_days": "-1"}, "grace_days", "whole number from 0 to 3660"),
        ({"calendar_id": "DE"}, "non_working_day", "must not be empty with a calendar_id"),
        ({"non_working_day": "next"}, "non_working_day", "needs a calendar_id"),
        ({"non_working_day": "never"}, "non_working_day", "must be one of keep, next, previous"),
    ],
)
def test_terms_that_break_a_rule(cells: Mapping[str, str], field: str, rule: str) -> None:
    with pytest.raises(RowError) as caught:
        rows.TERMS.message({**TERMS, **cells})
    assert (caught.value.field, caught.value.reason) == (field, "FIELD_INVALID")
    assert rule in caught.value.message


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        ({"segment_id": "S"}, None),
        ({"account_id": "A"}, None),
        ({"account_id": "A", "contract_id": "C"}, None),
        ({}, "segment_id"),
        ({"segment_id": "S", "account_id": "A"}, "segment_id"),
        ({"segment_id": "S", "contract_id": "C"}, "contract_id"),
    ],
)
def test_terms_are_assigned_to_one_of_three(cells: Mapping[str, str], field: str | None) -> None:
    row = {"terms_id": "T", **cells}
    if field is None:
        assert rows.ASSIGNMENTS.message(row) == TermsAssignment(**row)
    else:
        with pytest.raises(RowError) as caught:
            rows.ASSIGNMENTS.message(row)
        assert caught.value.field == field


def test_a_calendar_of_a_country() -> None:
    found = calendars.of_country("BY", "DE", "BY", YEARS)
    assert (found.calendar_id, found.weekend) == ("BY", (6, 7))
    assert (found.from_date, found.until_date) == (date(2026, 1, 1), date(2027, 12, 31))
    # Epiphany is a holiday in Bavaria, not in Berlin.
    assert date(2026, 1, 6) in found.holidays
    assert date(2026, 1, 6) not in calendars.of_country("BE", "DE", "BE", YEARS).holidays
    assert list(found.holidays) == sorted(set(found.holidays))
    # The first of January 2028 is a Saturday: it is observed on the day before.
    assert date(2027, 12, 31) in calendars.of_country("US", "US", None, YEARS).holidays
    assert calendars.of_country("X", "DE", None, YEARS, (7,)).weekend == (7,)


def test_a_weekend_that_is_worked_or_changed_is_taken_day_by_day() -> None:
    # Hungary worked on a Saturday for the Monday before the holiday of 20 August.
    hungary = calendars.of_country("HU", "HU", None, (2024, 2024))
    assert date(2024, 8, 3) in hungary.workdays
    assert date(2024, 8, 19) in hungary.holidays
    assert calendars.of_country("HU", "HU", None, (2024, 2024), (6, 7)).workdays == ()
    # Johor rested on Fridays and Saturdays until 2024, as Kedah does still.
    assert calendars.of_country("K", "MY", "KDH", (2024, 2026)).weekend == (5, 6)
    johor = calendars.of_country("J", "MY", "JHR", (2024, 2026))
    assert johor.weekend == (6, 7)
    friday, sunday = date(2024, 6, 14), date(2024, 6, 16)
    assert (friday in johor.holidays, sunday in johor.workdays) == (True, True)


@pytest.mark.parametrize(
    ("country", "subdivision", "years", "rule"),
    [
        ("XX", None, YEARS, "XX"),
        ("DE", "XX", YEARS, "XX"),
        ("DE", None, (1970, 2026), "1991"),
        ("DE", None, (2026, 2101), "2100"),
    ],
)
def test_what_the_library_does_not_know(
    country: str, subdivision: str | None, years: tuple[int, int], rule: str
) -> None:
    with pytest.raises(ValueError, match=rule):
        calendars.of_country("K", country, subdivision, years)


def test_a_calendar_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "days.csv"
    path.write_text("date,name\n2026-12-24,Works outing\n2026-01-01,\n")
    assert calendars.of_file("K", path, YEARS) == Calendar(
        calendar_id="K",
        weekend=(6, 7),
        from_date=date(2026, 1, 1),
        until_date=date(2027, 12, 31),
        holidays=(date(2026, 1, 1), date(2026, 12, 24)),
    )
    path.write_text("date\n2026-12-24\n2026-02-29\n2025-12-31\n")
    with pytest.raises(FileError) as caught:
        calendars.of_file("K", path, YEARS)
    first, *lines = str(caught.value).splitlines()
    assert "2 lines are wrong" in first
    assert [line.partition(":")[0] for line in lines] == ["line 3", "line 4"]


@pytest.mark.parametrize("text", ["", "2026-", "2030-2026", "1969", "26", "2026-9999"])
def test_years_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="are no years"):
        calendars.parse_years(text)


def test_years_and_weekends() -> None:
    assert calendars.parse_years("2026") == (2026, 2026)
    assert calendars.parse_years("2026-2030") == (2026, 2030)
    assert calendars.parse_weekend("Sun, sat") == (6, 7)
    assert calendars.parse_weekend("none") == ()
    with pytest.raises(ValueError, match="is no weekend"):
        calendars.parse_weekend("holiday")
