"""`creditgate terms ...`: by when invoices are to be paid, and whose terms are which."""

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

import click

from creditgate.client import (
    InvoiceTerms,
    NonWorkingDay,
    Terms,
    TermsAssignment,
    UpsertResult,
)
from creditgate.client import terms as words
from creditgate.client.cli._connection import Connection, connected, request_options
from creditgate.client.cli._output import amount, facts, invoice_facts, row_refused, table
from creditgate.client.cli._parameters import DATE, read_amount

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAYS = [day.value.lower() for day in NonWorkingDay if day is not NonWorkingDay.UNKNOWN]

T = TypeVar("T")


@click.group()
def terms() -> None:
    """Payment terms: list, set, assign, quote; and whose are which."""


def _read(parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


@terms.command("list")
@connected
def list_(conn: Connection) -> None:
    """Lists all named terms, in the words that `terms set` takes."""
    found = conn.client.list_terms()
    if conn.json:
        for row in found:
            conn.write_json(row)
        return
    rows = (
        [
            row.terms_id,
            words.format_instalments(tuple(row.instalments)),
            words.format_discounts(tuple(row.discounts)),
            str(row.discount_grace_days or ""),
            str(row.grace_days or ""),
            _calendar(row),
        ]
        for row in found
    )
    columns = ["terms", "due", "discounts", "discount grace", "grace", "calendar"]
    folding = ("terms", "due", "discounts", "calendar")
    conn.console.print(table(conn.console, columns, rows, numbers=columns[3:5], folding=folding))


def _calendar(row: Terms) -> str:
    if not row.calendar_id or row.non_working_day is None:
        return row.calendar_id
    return f"{row.calendar_id}, {row.non_working_day.value.lower()}"


# The backspace tells click to leave the lines after it as they are.
_SET_HELP = """\
Creates TERMS, or sets all of them anew: what is not given is none.

\b
DUE in words:
  "net 30"                 30 days after the invoice
  "eom 10", "eom+1 10"     10 days after the end of its month, of the month after
  "day 15", "day 15+2"     the 15th of the next month, of the month after that
  "table 15:31+0 31:15+1"  up to the 15th: the 31st or last day; else the 15th of the next
  "dates 2026-01-01..2026-02-28:2026-06-30 net 30"
  "50% net 30; 50% net 60" in instalments
"""


@terms.command("set", help=_SET_HELP)
@click.argument("terms_id", metavar="TERMS")
@click.argument("due")
@click.option("--discounts", default="", metavar="DISCOUNTS", help='Such as "2/10; 1% net 20".')
@click.option("--discount-grace", type=click.IntRange(0, 3_660), default=0, metavar="DAYS",
              help="A discount is granted so many days longer.")  # fmt: skip
@click.option("--grace", type=click.IntRange(0, 3_660), default=0, metavar="DAYS",
              help="An invoice counts as overdue so many days later.")  # fmt: skip
@click.option("--calendar", "calendar_id", default="", help="Whose days are worked.")
@click.option("--non-working-day", type=click.Choice(_DAYS), help="Where a date moves that is "
              "none of the calendar's working days.  [default: next, with a calendar]")  # fmt: skip
@request_options
@connected
def set_(
    conn: Connection,
    *,
    terms_id: str,
    due: str,
    discounts: str,
    discount_grace: int,
    grace: int,
    calendar_id: str,
    non_working_day: str | None,
    request_id: str | None,
    channel: str,
) -> None:
    """Creates TERMS, or sets all of them anew."""
    if non_working_day is None and calendar_id:
        non_working_day = "next"
    row = Terms(
        terms_id=terms_id,
        instalments=_read(words.parse_instalments, due),
        discounts=_read(words.parse_discounts, discounts),
        discount_grace_days=discount_grace,
        grace_days=grace,
        calendar_id=calendar_id,
        non_working_day=NonWorkingDay(non_working_day.upper()) if non_working_day else None,
    )
    (result,) = conn.client.upsert_terms([row], request_id=request_id, channel=channel)
    _show_upsert(conn, result, terms_id)


def _whose(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--contract", "contract_id", default="", help="With --account: one of its."),
        click.option("--account", "account_id", default="", help="Of this account."),
        click.option("--segment", "segment_id", default="", help="Of a segment's accounts."),
    ):
        command = option(command)
    return command


@terms.command()
@click.argument("terms_id", metavar="TERMS")
@_whose
@request_options
@connected
def assign(conn: Connection, /, *, terms_id: str, **options: Any) -> None:
    """Assigns TERMS to a segment, to an account, or to the orders of one of its contracts."""
    _assign(conn, terms_id, **options)


@terms.command()
@_whose
@request_options
@connected
def unassign(conn: Connection, /, **options: Any) -> None:
    """Takes terms away again: the next more general ones hold."""
    _assign(conn, "", **options)


def _assign(
    conn: Connection,
    terms_id: str,
    *,
    segment_id: str,
    account_id: str,
    contract_id: str,
    request_id: str | None,
    channel: str,
) -> None:
    if not segment_id and not account_id:
        raise click.UsageError("give a --segment or an --account")
    row = TermsAssignment(
        terms_id=terms_id, segment_id=segment_id, account_id=account_id, contract_id=contract_id
    )
    (result,) = conn.client.assign_terms([row], request_id=request_id, channel=channel)
    whose = segment_id or " ".join(filter(None, (account_id, contract_id)))
    _show_upsert(conn, result, f"{terms_id or 'no terms'} of {whose}")


@terms.command()
@connected
def assignments(conn: Connection) -> None:
    """Lists whose terms are which: those of segments, of accounts, of contracts."""
    found = conn.client.list_terms_assignments()
    if conn.json:
        for row in found:
            conn.write_json(row)
        return
    rows = ([row.terms_id, row.segment_id, row.account_id, row.contract_id] for row in found)
    columns = ["terms", "segment", "account", "contract"]
    conn.console.print(table(conn.console, columns, rows, folding=columns))


@terms.command("of")
@click.argument("account_id", metavar="ACCOUNT")
@click.option("--contract", "contract_id", default="", help="For orders that name it.")
@connected
def of_(conn: Connection, *, account_id: str, contract_id: str) -> None:
    """Which terms hold for ACCOUNT, and where they come from."""
    found = conn.client.get_terms_of(account_id, contract_id=contract_id)
    if conn.json:
        conn.write_json(found)
    elif found.terms is None or found.source is None:
        conn.console.print(f"{account_id} has no terms", markup=False)
    else:
        row = found.terms
        facts(
            conn.console,
            [
                ("terms", row.terms_id),
                ("set by", f"the {found.source.value.lower()}"),
                ("due", words.format_instalments(tuple(row.instalments))),
                ("discounts", words.format_discounts(tuple(row.discounts))),
                ("discount grace", f"{row.discount_grace_days} days"),
                ("grace", f"{row.grace_days} days"),
                ("calendar", _calendar(row)),
            ],
        )


@terms.command()
@click.argument("amount_text", metavar="AMOUNT")
@click.argument("currency")
@click.option("--terms", "terms_id", default="", help="Under these terms.")
@click.option("--account", "account_id", default="", help="Under those of this account.")
@click.option("--contract", "contract_id", default="", help="With --account: one of its.")
@click.option("--date", "invoice_date", type=DATE, help="Of the invoice.  [default: today]")
@connected
def quote(
    conn: Connection,
    *,
    amount_text: str,
    currency: str,
    terms_id: str,
    account_id: str,
    contract_id: str,
    invoice_date: date | None,
) -> None:
    """The dates and amounts of an invoice that need not exist."""
    if not terms_id and not account_id:
        raise click.UsageError("give --terms or an --account")
    found: InvoiceTerms | None = conn.client.quote_terms(
        read_amount(amount_text, currency),
        terms_id=terms_id,
        account_id=account_id,
        contract_id=contract_id,
        invoice_date=invoice_date,
    )
    if conn.json:
        conn.write_json(found)
    elif found is None:
        conn.console.print(f"{account_id} has no terms", markup=False)
    else:
        facts(conn.console, [("amount", amount(read_amount(amount_text, currency), currency))])
        facts(conn.console, invoice_facts(found, currency))


@terms.command()
@connected
def calendars(conn: Connection) -> None:
    """Lists calendars, and up to when their holidays are known."""
    found = conn.client.list_calendars()
    if conn.json:
        for row in found:
            conn.write_json(row)
        return
    rows = (
        [
            row.calendar_id,
            " ".join(_WEEKDAYS[day - 1] for day in row.weekend),
            str(row.from_date),
            str(row.until_date),
            str(len(row.holidays)),
        ]
        for row in found
    )
    columns = ["calendar", "weekend", "known from", "until", "holidays"]
    conn.console.print(table(conn.console, columns, rows, numbers=columns[4:], folding=columns[:1]))


def _show_upsert(conn: Connection, result: UpsertResult, name: str) -> None:
    if result.error is not None:
        raise row_refused(result.error)
    if conn.json:
        conn.write_json(result)
    elif result.outcome is not None:
        conn.console.print(f"{result.outcome.value} {name}", markup=False)
