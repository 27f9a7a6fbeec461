"""`creditgate ledger ...`: how far the ledger's sources have come, and what is open here."""

from collections.abc import Iterator

import click

from creditgate.client import OpenAccount, Reconciliation
from creditgate.client.cli._connection import Connection, connected
from creditgate.client.cli._output import amount, table, time_text


@click.group()
def ledger() -> None:
    """The ledger as it is known here: its sources, and what is open on invoices."""


@ledger.command()
@connected
def sources(conn: Connection) -> None:
    """Lists the sources of entries: how far each has come, when it was last heard, and what its
    latest reconciliation found (`creditgate reconcile`)."""
    found = conn.client.list_sources()
    if conn.json:
        for row in found:
            conn.write_json(row)
        return
    rows = (
        [row.source, str(row.position or ""), time_text(row.heard_at), *_found(row.reconciliation)]
        for row in found
    )
    counts = ["as of", "accounts", "differ", "unclear"]
    columns = ["source", "position", "heard", "reconciled", *counts]
    conn.console.print(table(conn.console, columns, rows, numbers=("position", *counts)))


def _found(latest: Reconciliation | None) -> list[str]:
    if latest is None:
        return ["", "", "", "", ""]
    unclear = latest.accounts_unsettled + latest.accounts_unreadable
    return [
        time_text(latest.record_time),
        str(latest.position or ""),
        f"{latest.accounts_compared:,}",
        f"{latest.accounts_differing:,}",
        f"{unclear:,}",
    ]


@ledger.command()
@click.argument("account_id", metavar="ACCOUNT")
@connected
def items(conn: Connection, *, account_id: str) -> None:
    """Lists the invoices of ACCOUNT that are not settled, and what belongs to none."""
    found = conn.client.list_open_items(account_id)
    if conn.json:
        for row in found:
            conn.write_json(row)
        return
    columns = ["invoice", "open", "captured", "disputed", "posted", "issued", "due", "order"]
    folding = ("invoice", "order")
    rows = (cells for row in found for cells in _cells(row))
    shown = table(conn.console, columns, rows, numbers=columns[1:4], folding=folding)
    conn.console.print(shown)


def _cells(row: OpenAccount) -> Iterator[list[str]]:
    def money(minor: int) -> str:
        return amount(minor, row.currency) if minor else ""

    # Where the account goes on from the page before, that stands above already.
    if row.unallocated_minor and row.outstanding_minor is not None:
        yield ["unallocated", money(row.unallocated_minor), "", "", "", "", "", ""]
    for item in row.items:
        yield [
            item.invoice_id,
            money(item.open_minor),
            money(item.captured_minor),
            money(item.disputed_minor),
            "yes" if item.posted else "",
            str(item.issue_date or ""),
            str(item.due_date or ""),
            item.order_id,
        ]
