"""Calendars: the holidays of a country, as a library knows them, or of a file.

What the service keeps are days, so that neither it nor a replay of its journal depends on any
version of the library.
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import msgspec

from creditgate.client import Calendar
from creditgate.loaders.errors import FileError, RowError
from creditgate.loaders.fields import typed
from creditgate.loaders.sources import Columns, CsvSource

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKEND_DEFAULT = (6, 7)
YEAR_MIN, YEAR_MAX = 1970, 9998
PROBLEMS_SHOWN_MAX = 20

_YEARS = re.compile(r"([0-9]{4})(?:-([0-9]{4}))?")


class HolidayRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One day that is not worked; `name` is for whoever reads the file."""

    date: date
    name: str | None = None


def parse_years(text: str) -> tuple[int, int]:
    """The first and the last of "2026-2030" or "2026". Raises ValueError."""
    found = _YEARS.fullmatch(text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not YEAR_MIN <= first <= last <= YEAR_MAX:
        raise ValueError(f"{text!r} are no years: must be like 2026-2030, {YEAR_MIN} to {YEAR_MAX}")
    return first, last


def parse_weekend(text: str) -> tuple[int, ...]:
    """Days of the week by ISO 8601, of "sat,sun"; of "none" none. Raises ValueError."""
    if text.strip().lower() == "none":
        return ()
    names = [name.strip().lower() for name in text.split(",")]
    if not all(name in WEEKDAYS for name in names):
        raise ValueError(f"{text!r} is no weekend: must be like sat,sun, or none")
    return tuple(sorted({WEEKDAYS.index(name) + 1 for name in names}))


def of_country(
    calendar_id: str,
    country: str,
    subdivision: str | None,
    years: tuple[int, int],
    weekend: tuple[int, ...] | None = None,
) -> Calendar:
    """The public holidays of a country, by its ISO 3166 code, or of one of its subdivisions.

    `weekend`: None for the country's own. Raises ValueError for a country, a subdivision or years
    that the library does not know.
    """
    # It takes longer to import than all else of the command: only who asks for it waits.
    import holidays

    first, last = years
    try:
        # A holiday of the year after may be observed on the last day of this one.
        known = holidays.country_holidays(country, subdivision, years=range(first, last + 2))
    except NotImplementedError as error:
        raise ValueError(str(error)) from error
    if first < known.start_year or last > known.end_year:
        span = f"{known.start_year} to {known.end_year}"
        raise ValueError(f"the holidays of {country} are known for {span}, not {first} to {last}")
    if weekend is not None:
        return _calendar(calendar_id, known, years, weekend)
    # Weekends have changed over the years, and in some countries a Saturday is worked in place of
    # the day between a holiday and a weekend.
    start, end = date(first, 1, 1), date(last, 12, 31)
    days = [start + timedelta(n) for n in range((end - start).days + 1)]
    # The latest, for it counts beyond the last year too.
    own = tuple(sorted(day.isoweekday() for day in days[-7:] if known.is_weekend(day)))
    idle = (day for day in days if not known.is_working_day(day))
    worked = (day for day in days if known.is_working_day(day) and day.isoweekday() in own)
    calendar = _calendar(calendar_id, idle, years, own)
    named = [day for day in calendar.holidays if day in known or day.isoweekday() not in own]
    return msgspec.structs.replace(calendar, holidays=tuple(named), workdays=tuple(worked))


def of_file(
    calendar_id: str,
    path: Path,
    years: tuple[int, int],
    weekend: tuple[int, ...] | None = None,
) -> Calendar:
    """The days of a CSV file: column `date`, and `name` for people. `weekend`: None for Saturday
    and Sunday. Raises FileError, which names every line at fault: a calendar with a day missing
    would be wrong without a word."""
    first, last = years
    days, problems = [], []
    with CsvSource(path, Columns(("date", "name"), ("date",))) as source:
        for row in source:
            try:
                if row.problem is not None:
                    raise row.problem
                day = typed(source.named(row), HolidayRow).date
            except RowError as error:
                problems.append(f"line {row.line}: {error.message}")
                continue
            if not first <= day.year <= last:
                problems.append(f"line {row.line}: {day} is not in the years {first} to {last}")
            days.append(day)
    if problems:
        shown = "\n".join(problems[:PROBLEMS_SHOWN_MAX])
        raise FileError(f"{path}: {len(problems)} lines are wrong, nothing was sent\n{shown}")
    return _calendar(calendar_id, days, years, WEEKEND_DEFAULT if weekend is None else weekend)


def _calendar(
    calendar_id: str, days: Iterable[date], years: tuple[int, int], weekend: tuple[int, ...]
) -> Calendar:
    start, end = date(years[0], 1, 1), date(years[1], 12, 31)
    return Calendar(
        calendar_id=calendar_id,
        weekend=weekend,
        from_date=start,
        until_date=end,
        holidays=tuple(sorted({day for day in days if start <= day <= end})),
    )
