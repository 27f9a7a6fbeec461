"""`creditgate repair`: adjustments that a reconciliation proposed, for a second person."""

from pathlib import Path

import click

from creditgate.client.cli import Connection, Failure, amount, connected, table
from creditgate.loaders.ledger import repair as repairs


@click.group("repair", short_help="Approve what a reconciliation would post.")
def repair() -> None:
    """Adjustments that `creditgate reconcile --repair` proposed: post them, or turn them down.

    Whoever proposed them cannot approve them. The service keeps their digest alone: the file has
    to come along, as it was written.
    """


@repair.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--reason", default="", help="Why, for the journal.")
@connected
def approve(connection: Connection, *, file: Path, reason: str) -> None:
    """Posts the adjustments in FILE, all or none."""
    try:
        found = repairs.read(file)
    except repairs.RepairError as error:
        raise Failure(str(error)) from error
    done = connection.client.approve_adjustments(found.adjustments_id, found.entries, reason)
    if connection.json:
        connection.write_json(done)
        return
    sums = ", ".join(amount(minor, currency) for currency, minor in found.sums().items())
    connection.console.print(
        f"{len(found.entries):,} adjustments posted, {sums} in all", markup=False, soft_wrap=True
    )


@repair.command()
@click.argument("adjustments_id", metavar="ID")
@click.argument("reason")
@connected
def reject(connection: Connection, *, adjustments_id: str, reason: str) -> None:
    """Turns the adjustments ID down; whoever proposed them may, too."""
    done = connection.client.reject_adjustments(adjustments_id, reason)
    if connection.json:
        connection.write_json(done)
    else:
        connection.console.print(f"REJECTED {adjustments_id}", markup=False)


@repair.command("list")
@connected
def list_(connection: Connection) -> None:
    """Lists the adjustments that wait."""
    found = connection.client.list_adjustments()
    if connection.json:
        for row in found:
            connection.write_json(row)
        return
    rows = (
        [
            row.adjustments_id,
            row.source,
            f"{row.entry_count:,}",
            row.proposed_by,
            "" if row.propose_time is None else f"{row.propose_time:%Y-%m-%d %H:%M:%S}",
        ]
        for row in found
    )
    columns = ("id", "source", "entries", "proposed by", "at")
    connection.console.print(table(connection.console, columns, rows, numbers=("entries",)))
