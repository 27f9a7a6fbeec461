"""`creditgate entry post`: one ledger movement by hand."""

from collections.abc import Sequence
from datetime import date

import click

from creditgate.client import Allocation, EntryKind, LedgerEntry
from creditgate.client.cli._connection import Connection, connected
from creditgate.client.cli._output import row_refused
from creditgate.client.cli._parameters import DATE, read_amount

_KINDS = [kind.value for kind in EntryKind if kind is not EntryKind.UNKNOWN]


@click.group()
def entry() -> None:
    """Ledger entries: post one by hand (`creditgate load entries` posts files)."""


@entry.command()
@click.argument("source")
@click.argument("entry_id", metavar="ENTRY")
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("kind", type=click.Choice(_KINDS, case_sensitive=False))
@click.argument("amount_text", metavar="AMOUNT")
@click.argument("currency")
@click.option("--invoice", default="", help="Invoice id; an INVOICE needs it.")
@click.option("--order", default="", help="The order that the invoice bills.")
@click.option("--issue-date", type=DATE)
@click.option("--due-date", type=DATE)
@click.option(
    "--allocate",
    multiple=True,
    metavar="INVOICE=AMOUNT",
    help="What part of a payment or credit memo settles which invoice. May be repeated.",
)
@connected
def post(
    conn: Connection,
    *,
    source: str,
    entry_id: str,
    account_id: str,
    kind: str,
    amount_text: str,
    currency: str,
    invoice: str,
    order: str,
    issue_date: date | None,
    due_date: date | None,
    allocate: Sequence[str],
) -> None:
    """Posts one ledger entry; posted before under the same SOURCE and ENTRY, it changes nothing.

    Put -- before a negative AMOUNT.
    """
    row = LedgerEntry(
        entry_id=entry_id,
        account_id=account_id,
        kind=EntryKind(kind),
        amount_minor=read_amount(amount_text, currency),
        currency=currency,
        invoice_id=invoice,
        order_id=order,
        issue_date=issue_date,
        due_date=due_date,
        allocations=[_allocation(text, currency) for text in allocate],
    )
    result = conn.client.post_entries(source, [row])[0]
    if result.error is not None:
        raise row_refused(result.error)
    if conn.json:
        conn.write_json(result)
    elif result.outcome is not None:
        conn.console.print(f"{result.outcome.value} {entry_id}", markup=False)


def _allocation(text: str, currency: str) -> Allocation:
    invoice, mark, amount_text = text.rpartition("=")
    if not (mark and invoice):
        raise click.UsageError(f"--allocate is {text!r}: must be INVOICE=AMOUNT")
    return Allocation(invoice, read_amount(amount_text, currency))
