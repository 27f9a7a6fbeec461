"""Payment terms in words, as people write them on the command line and in files.

| words | means |
|---|---|
| `net 30` | 30 days after the day of the invoice |
| `eom 10` | 10 days after the end of the invoice's month; `eom+1 10`: of the month after it |
| `day 15` | the 15th of the next month; `day 15+2`: of the month after that |
| `table 15:31+0 31:15+1` | invoices up to the 15th of a month on its 31st or last day, later ones \
on the 15th of the next |
| `dates 2026-01-01..2026-02-28:2026-06-30 net 30` | invoices of these days on June 30th, others \
after 30 days |

Instalments are shares in percent, parted by semicolons: `50% net 30; 50% net 60`. So are discounts:
`2% net 10; 1% net 20`; `2/10` is short for the first.
"""

import re
from datetime import date
from decimal import Decimal

from creditgate.client._terms_results import (
    WHOLE_BP,
    DateTable,
    DateTableRow,
    DayOfMonth,
    DayTable,
    DayTableRow,
    DueRule,
    EndOfMonth,
    NetDays,
    TermsDiscount,
    TermsInstalment,
)

_RULES = (
    "net 30, eom 10, eom+1 10, day 15, day 15+2, table 15:31+0 31:15+1, or "
    "dates 2026-01-01..2026-02-28:2026-06-30 net 30"
)
_NUMBER = r"[0-9]{1,5}"
_NET = re.compile(rf"net ({_NUMBER})")
_EOM = re.compile(rf"eom(?:\+({_NUMBER}))?(?: ({_NUMBER}))?")
_DAY = re.compile(rf"day ({_NUMBER})(?:\+({_NUMBER}))?")
_DAY_ROW = re.compile(rf"({_NUMBER}):({_NUMBER})(?:\+({_NUMBER}))?")
_DATES = re.compile(rf"dates (.+) net ({_NUMBER})")
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DATE_ROW = re.compile(rf"({_DATE})\.\.({_DATE}):({_DATE})")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,2})?) ?% (.+)")
_SHORT = re.compile(rf"([0-9]{{1,3}}(?:\.[0-9]{{1,2}})?)/({_NUMBER})")


def parse_due(text: str) -> DueRule:
    """One rule. Raises ValueError that says what it must be."""
    words = " ".join(text.lower().split())
    if found := _NET.fullmatch(words):
        return NetDays(int(found[1]))
    if found := _EOM.fullmatch(words):
        return EndOfMonth(months=int(found[1] or 0), days=int(found[2] or 0))
    if found := _DAY.fullmatch(words):
        return DayOfMonth(day=int(found[1]), months=int(found[2] or 1))
    if words.startswith("table "):
        rows = [_DAY_ROW.fullmatch(row) for row in words.removeprefix("table ").split()]
        day_rows = [DayTableRow(int(r[1]), int(r[3] or 1), int(r[2])) for r in rows if r]
        if len(day_rows) == len(rows):
            return DayTable(tuple(day_rows))
    if found := _DATES.fullmatch(words):
        rows = [_DATE_ROW.fullmatch(row) for row in found[1].split()]
        date_rows = [DateTableRow(*map(_date, row.groups())) for row in rows if row]
        if len(date_rows) == len(rows):
            return DateTable(tuple(date_rows), int(found[2]))
    raise ValueError(f"{text!r} is no due date: must be like {_RULES}")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a date: must be like 2026-01-31") from error


def parse_instalments(text: str) -> tuple[TermsInstalment, ...]:
    """A rule for the whole, or shares of it. Raises ValueError that says what it must be."""
    parts = text.split(";")
    if len(parts) == 1 and "%" not in text:
        return (TermsInstalment(parse_due(text)),)
    shares = [_share(part, "an instalment", "50% net 30") for part in parts]
    total = sum(share for share, _ in shares)
    if total != WHOLE_BP:
        raise ValueError(f"{text!r}: instalments must add up to 100 %, not {_percent(total)} %")
    return tuple(TermsInstalment(parse_due(rule), share) for share, rule in shares)


def parse_discounts(text: str) -> tuple[TermsDiscount, ...]:
    """Discounts, none of an empty text. Raises ValueError that says what it must be."""
    if not text.strip():
        return ()
    discounts = []
    for part in text.split(";"):
        if found := _SHORT.fullmatch(part.strip()):
            discounts.append(TermsDiscount(_bp(found[1]), NetDays(int(found[2]))))
        else:
            rate, rule = _share(part, "a discount", "2% net 10 or 2/10")
            discounts.append(TermsDiscount(rate, parse_due(rule)))
    return tuple(discounts)


def _share(text: str, what: str, like: str) -> tuple[int, str]:
    found = _SHARE.fullmatch(" ".join(text.split()))
    if found is None:
        raise ValueError(f"{text.strip()!r} is not {what}: must be like {like}")
    return _bp(found[1]), found[2]


def _bp(percent: str) -> int:
    return int(Decimal(percent) * 100)


def format_due(rule: DueRule | None) -> str:
    """One rule in words that `parse_due` reads."""
    match rule:
        case NetDays(days):
            return f"net {days}"
        case EndOfMonth(months, days):
            return "eom" + (f"+{months}" if months else "") + (f" {days}" if days else "")
        case DayOfMonth(day, months):
            return f"day {day}" + (f"+{months}" if months != 1 else "")
        case DayTable(rows):
            return "table " + " ".join(f"{row.until_day}:{row.day}+{row.months}" for row in rows)
        case DateTable(rows, days):
            dates = (f"{row.from_date}..{row.until_date}:{row.due_date}" for row in rows)
            return f"dates {' '.join(dates)} net {days}"
    return "a rule of a newer server"


def format_instalments(instalments: tuple[TermsInstalment, ...]) -> str:
    """Words that `parse_instalments` reads."""
    if len(instalments) == 1 and instalments[0].share_bp == WHOLE_BP:
        return format_due(instalments[0].due)
    return "; ".join(f"{_percent(part.share_bp)}% {format_due(part.due)}" for part in instalments)


def format_discounts(discounts: tuple[TermsDiscount, ...]) -> str:
    """Words that `parse_discounts` reads."""
    return "; ".join(f"{_percent(offer.rate_bp)}% {format_due(offer.until)}" for offer in discounts)


def _percent(bp: int) -> str:
    whole, rest = divmod(bp, 100)
    return f"{whole}.{rest:02}".rstrip("0").rstrip(".") if rest else str(whole)
