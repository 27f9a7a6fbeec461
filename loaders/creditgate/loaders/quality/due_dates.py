"""When an invoice is due by its terms' own words, as the service computes it.

The service is the one that decides; a test holds these dates to its QuoteTerms. Days of calendars
are known to the service alone, so where terms move dates to working days the answer is a span.
"""

import calendar
from datetime import date, timedelta
from typing import Final

from creditgate.client import DateTable, DayOfMonth, DayTable, DueRule, EndOfMonth, NetDays
from creditgate.client.terms import parse_instalments

MOVED_DAYS_MAX: Final = 10
"""How far holidays and weekends in a row may move a date."""


def due_span(
    words: str, issued: date, *, calendar_id: str | None = None, non_working_day: str | None = None
) -> tuple[date, date]:
    """The earliest and the latest day on which all of an invoice is due; mostly the same.

    Raises ValueError for words that are no terms.
    """
    due = max(_date(part.due, issued) for part in parse_instalments(words))
    if not calendar_id or not non_working_day or non_working_day.lower() == "keep":
        return due, due
    moved = timedelta(days=MOVED_DAYS_MAX)
    if non_working_day.lower() == "next":
        return due, _later(due, moved)
    # One that would lie before the invoice moves to the next working day.
    return max(due - moved, issued), _later(due, moved if due - moved < issued else timedelta())


def _date(rule: DueRule | None, issued: date) -> date:
    match rule:
        case NetDays(days):
            found = _later(issued, timedelta(days=days))
        case EndOfMonth(months, days):
            found = _later(_in_month(issued, months, 31), timedelta(days=days))
        case DayOfMonth(day, months):
            found = _in_month(issued, months, day)
        case DayTable(rows):
            row = next((row for row in rows if issued.day <= row.until_day), None)
            found = issued if row is None else _in_month(issued, row.months, row.day)
        case DateTable(spans, days):
            found = _later(issued, timedelta(days=days))
            for span in spans:
                first, last, due = span.from_date, span.until_date, span.due_date
                if first and last and due and first <= issued <= last:
                    found = due
        case _:
            raise ValueError("a rule of a newer version")
    return max(found, issued)


def _in_month(day: date, months: int, day_of_month: int) -> date:
    """A day of the month that begins so many after another's, or its last if it is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year = min(day.year + years, date.max.year)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day_of_month, last))


def _later(day: date, by: timedelta) -> date:
    return day + min(by, date.max - day)
