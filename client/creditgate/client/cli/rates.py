"""`creditgate rates ...`: exchange rates, and what open orders in other currencies are worth."""

import click

from creditgate.client import ExchangeRate
from creditgate.client.cli._connection import Connection, connected
from creditgate.client.cli._output import table, time_text


@click.group()
def rates() -> None:
    """Exchange rates: list them, value open orders anew. `creditgate load rates` sets them."""


@rates.command("list")
@connected
def list_(conn: Connection) -> None:
    """Lists the latest rate of each pair of currencies."""
    found = conn.client.list_rates()
    if conn.json:
        for row in found:
            conn.write_json(row)
        return
    columns = ["one", "is worth", "in", "source", "as of"]
    rows = (_cells(row) for row in found)
    conn.console.print(table(conn.console, columns, rows, numbers=("is worth",)))


def _cells(row: ExchangeRate) -> list[str]:
    as_of = time_text(row.as_of)
    return [row.base_currency, f"{row.rate:f}", row.currency, row.source, as_of]


@rates.command()
@click.argument("reason")
@connected
def revalue(conn: Connection, *, reason: str) -> None:
    """Values all open orders in other currencies at the rates of today.

    What accounts owe changes with it, also beyond a limit: then new orders are declined. Orders
    without a rate of today keep theirs. REASON is for the audit trail.
    """
    token, examined, revalued, kept = "", 0, 0, 0
    while True:
        result = conn.client.revalue_reservations(page_token=token, reason=reason)
        examined += result.examined
        revalued += result.revalued
        kept += result.kept
        token = result.next_page_token
        if not token:
            break
    if conn.json:
        conn.write_json({"examined": examined, "revalued": revalued, "kept": kept})
        return
    said = f"{revalued} of {examined} open orders have another rate"
    conn.console.print(f"{said}, {kept} keep theirs for want of one" if kept else said)
