"""TermsService: what it takes and answers, to and from the messages of the contract."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import TypeAlias

import msgspec

from creditgate.client._wire import EnumCodec, Page, date_or_none, date_text
from creditgate.v1 import terms_pb2 as pb

WHOLE_BP = 10_000


class NonWorkingDay(StrEnum):
    """What becomes of a date that is no working day.

    PREVIOUS: it moves to the working day before; to the next, where that lies before the invoice.
    """

    UNKNOWN = "UNKNOWN"
    KEEP = "KEEP"
    NEXT = "NEXT"
    PREVIOUS = "PREVIOUS"


class TermsSource(StrEnum):
    """Where terms come from; ORDER: the order named them."""

    UNKNOWN = "UNKNOWN"
    ORDER = "ORDER"
    CONTRACT = "CONTRACT"
    ACCOUNT = "ACCOUNT"
    SEGMENT = "SEGMENT"


_NON_WORKING_DAY = EnumCodec(NonWorkingDay, pb.NonWorkingDay)
_SOURCE = EnumCodec(TermsSource, pb.TermsSource)


class NetDays(msgspec.Struct, frozen=True):
    """So many days after the day of the invoice, at most 3,660."""

    days: int


class EndOfMonth(msgspec.Struct, frozen=True):
    """So many days after the end of the month that begins `months` after the invoice's."""

    months: int = 0
    days: int = 0


class DayOfMonth(msgspec.Struct, frozen=True):
    """A day of the month that begins `months` after the invoice's, or its last if it is shorter."""

    day: int
    months: int = 1


class DayTableRow(msgspec.Struct, frozen=True):
    """Invoices up to `until_day` of their month, after the row before: due as `DayOfMonth`."""

    until_day: int
    months: int
    day: int


class DayTable(msgspec.Struct, frozen=True):
    """By the day of the month on which an invoice falls; the last row is until day 31."""

    rows: Sequence[DayTableRow]


class DateTableRow(msgspec.Struct, frozen=True):
    """Invoices from one day to another, both included, are due on `due_date`."""

    from_date: date | None
    until_date: date | None
    due_date: date | None


class DateTable(msgspec.Struct, frozen=True):
    """By the date of an invoice, as for a season; else `days` after it."""

    rows: Sequence[DateTableRow]
    days: int = 0


DueRule: TypeAlias = NetDays | EndOfMonth | DayOfMonth | DayTable | DateTable


class TermsInstalment(msgspec.Struct, frozen=True):
    """A share of an invoice in basis points, and when it is due; None: by a rule of a newer server.

    All shares of terms add up to 10,000.
    """

    due: DueRule | None
    share_bp: int = WHOLE_BP


class TermsDiscount(msgspec.Struct, frozen=True):
    """What is taken off, in basis points, for paying all of an invoice by a day."""

    rate_bp: int
    until: DueRule | None


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Named payment terms.

    `discount_grace_days` after its date a discount is still granted; until `grace_days` after its
    due date an invoice is not yet overdue. Dates move as `non_working_day` says by the days of
    `calendar_id`, which is empty where every day is worked; None is KEEP, and only without one.
    """

    terms_id: str
    instalments: Sequence[TermsInstalment]
    discounts: Sequence[TermsDiscount] = ()
    discount_grace_days: int = 0
    grace_days: int = 0
    calendar_id: str = ""
    non_working_day: NonWorkingDay | None = None


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """Which days are worked: none of `weekend` (1 is Monday, 7 Sunday) but `workdays`, none of
    `holidays`.

    Holidays are known from `from_date` to `until_date`; beyond these weekends alone count.
    """

    calendar_id: str
    weekend: Sequence[int]
    from_date: date | None
    until_date: date | None
    holidays: Sequence[date]
    workdays: Sequence[date] = ()


class TermsAssignment(msgspec.Struct, frozen=True, kw_only=True):
    """Terms for a segment, for an account, or for its orders that name a contract.

    An empty `terms_id` takes them away.
    """

    terms_id: str
    segment_id: str = ""
    account_id: str = ""
    contract_id: str = ""


class TermsOf(msgspec.Struct, frozen=True, kw_only=True):
    """Which terms hold, and where they come from; both None: no terms are assigned."""

    terms: Terms | None
    source: TermsSource | None


class Instalment(msgspec.Struct, frozen=True):
    """A part of one invoice, in minor units."""

    due_date: date | None
    amount_minor: int


class Discount(msgspec.Struct, frozen=True):
    """What is taken off one invoice, in minor units, for paying all of it by `discount_date`.

    With the days of grace it is granted until `granted_until`.
    """

    rate_bp: int
    discount_date: date | None
    granted_until: date | None
    amount_minor: int


class InvoiceTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The dates and amounts of one invoice.

    `due_date` is the last instalment's, `overdue_date` the first on which it counts as overdue.
    `source` is None where terms were asked for by name. `beyond_calendar`: a date fell outside of
    the days for which the calendar's holidays are known, and weekends alone counted.
    """

    terms_id: str
    source: TermsSource | None
    invoice_date: date | None
    due_date: date | None
    overdue_date: date | None
    instalments: tuple[Instalment, ...]
    discounts: tuple[Discount, ...]
    beyond_calendar: bool


def _rule_message(rule: DueRule | None) -> pb.DueRule:
    match rule:
        case NetDays(days):
            return pb.DueRule(net=pb.NetDays(days=days))
        case EndOfMonth(months, days):
            return pb.DueRule(end_of_month=pb.EndOfMonth(months=months, days=days))
        case DayOfMonth(day, months):
            return pb.DueRule(day_of_month=pb.DayOfMonth(months=months, day=day))
        case DayTable(rows):
            day_rows = [
                pb.DayTableRow(until_day=row.until_day, months=row.months, day=row.day)
                for row in rows
            ]
            return pb.DueRule(day_table=pb.DayTable(rows=day_rows))
        case DateTable(rows, days):
            date_rows = [
                pb.DateTableRow(
                    from_date=date_text(row.from_date),
                    until_date=date_text(row.until_date),
                    due_date=date_text(row.due_date),
                )
                for row in rows
            ]
            return pb.DueRule(date_table=pb.DateTable(rows=date_rows, days=days))
        case None:
            return pb.DueRule()


def _rule_from(message: pb.DueRule) -> DueRule | None:
    match message.WhichOneof("rule"):
        case "net":
            return NetDays(message.net.days)
        case "end_of_month":
            return EndOfMonth(message.end_of_month.months, message.end_of_month.days)
        case "day_of_month":
            return DayOfMonth(message.day_of_month.day, message.day_of_month.months)
        case "day_table":
            return DayTable(
                tuple(DayTableRow(r.until_day, r.months, r.day) for r in message.day_table.rows)
            )
        case "date_table":
            rows = tuple(
                DateTableRow(
                    date_or_none(row.from_date),
                    date_or_none(row.until_date),
                    date_or_none(row.due_date),
                )
                for row in message.date_table.rows
            )
            return DateTable(rows, message.date_table.days)
    return None


def terms_message(terms: Terms) -> pb.Terms:
    """Writes a message of the contract."""
    return pb.Terms(
        terms_id=terms.terms_id,
        instalments=[
            pb.TermsInstalment(share_bp=part.share_bp, due=_rule_message(part.due))
            for part in terms.instalments
        ],
        discounts=[
            pb.TermsDiscount(rate_bp=discount.rate_bp, until=_rule_message(discount.until))
            for discount in terms.discounts
        ],
        discount_grace_days=terms.discount_grace_days,
        grace_days=terms.grace_days,
        calendar_id=terms.calendar_id,
        non_working_day=_NON_WORKING_DAY.write(terms.non_working_day),
    )


def terms_from(message: pb.Terms) -> Terms:
    """Reads a message of the contract."""
    return Terms(
        terms_id=message.terms_id,
        instalments=tuple(
            TermsInstalment(_rule_from(part.due), part.share_bp) for part in message.instalments
        ),
        discounts=tuple(
            TermsDiscount(discount.rate_bp, _rule_from(discount.until))
            for discount in message.discounts
        ),
        discount_grace_days=message.discount_grace_days,
        grace_days=message.grace_days,
        calendar_id=message.calendar_id,
        non_working_day=_NON_WORKING_DAY.read(message.non_working_day),
    )


def calendar_message(calendar: Calendar) -> pb.Calendar:
    """Writes a message of the contract."""
    return pb.Calendar(
        calendar_id=calendar.calendar_id,
        weekend=calendar.weekend,
        from_date=date_text(calendar.from_date),
        until_date=date_text(calendar.until_date),
        holidays=[date_text(day) for day in calendar.holidays],
        workdays=[date_text(day) for day in calendar.workdays],
    )


def assignment_message(row: TermsAssignment) -> pb.TermsAssignment:
    """Writes a message of the contract."""
    return pb.TermsAssignment(
        terms_id=row.terms_id,
        segment_id=row.segment_id,
        account_id=row.account_id,
        contract_id=row.contract_id,
    )


def terms_page(message: pb.ListTermsResponse) -> Page[Terms]:
    """Reads a message of the contract."""
    return Page([terms_from(row) for row in message.terms], message.next_page_token)


def calendar_page(message: pb.ListCalendarsResponse) -> Page[Calendar]:
    """Reads a message of the contract."""
    calendars = [
        Calendar(
            calendar_id=row.calendar_id,
            weekend=tuple(row.weekend),
            from_date=date_or_none(row.from_date),
            until_date=date_or_none(row.until_date),
            holidays=tuple(date.fromisoformat(day) for day in row.holidays),
            workdays=tuple(date.fromisoformat(day) for day in row.workdays),
        )
        for row in message.calendars
    ]
    return Page(calendars, message.next_page_token)


def assignment_page(message: pb.ListTermsAssignmentsResponse) -> Page[TermsAssignment]:
    """Reads a message of the contract."""
    assignments = [
        TermsAssignment(
            terms_id=row.terms_id,
            segment_id=row.segment_id,
            account_id=row.account_id,
            contract_id=row.contract_id,
        )
        for row in message.assignments
    ]
    return Page(assignments, message.next_page_token)


def terms_of_result(message: pb.GetTermsOfResponse) -> TermsOf:
    """Reads a message of the contract."""
    terms = terms_from(message.terms) if message.HasField("terms") else None
    return TermsOf(terms=terms, source=_source_from(message.source))


def _source_from(number: int) -> TermsSource | None:
    return _SOURCE.read(number) if number else None


def invoice_terms_from(message: pb.InvoiceTerms) -> InvoiceTerms:
    """Reads a message of the contract."""
    return InvoiceTerms(
        terms_id=message.terms_id,
        source=_source_from(message.source),
        invoice_date=date_or_none(message.invoice_date),
        due_date=date_or_none(message.due_date),
        overdue_date=date_or_none(message.overdue_date),
        instalments=tuple(
            Instalment(date_or_none(part.due_date), part.amount_minor)
            for part in message.instalments
        ),
        discounts=tuple(
            Discount(
                offer.rate_bp,
                date_or_none(offer.discount_date),
                date_or_none(offer.granted_until),
                offer.amount_minor,
            )
            for offer in message.discounts
        ),
        beyond_calendar=message.beyond_calendar,
    )


def quote_result(message: pb.QuoteTermsResponse) -> InvoiceTerms | None:
    """Reads a message of the contract."""
    return invoice_terms_from(message.quote) if message.HasField("quote") else None
