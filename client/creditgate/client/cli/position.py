"""`creditgate position`: where accounts stand, now or as it changes."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

import click
from rich.console import RenderableType
from rich.live import Live

from creditgate.client import Position
from creditgate.client.cli._connection import Connection, connected
from creditgate.client.cli._position_view import positions_view, today_for


@click.command()
@click.argument("account_ids", metavar="ACCOUNT...", nargs=-1, required=True)
@click.option(
    "--watch",
    is_flag=True,
    help="Show every change at them, or below them, until interrupted; into a pipe or file as "
    "JSON, one line for each.",
)
@connected
def position(conn: Connection, account_ids: Sequence[str], watch: bool) -> None:
    """Shows where accounts stand: limit, exposure, what is available."""
    if watch:
        with suppress(KeyboardInterrupt):
            _watch(conn, conn.client.watch_positions(list(account_ids)))
        return
    positions = [conn.client.get_position(account_id) for account_id in account_ids]
    if conn.json:
        for found in positions:
            conn.write_json(found)
    else:
        conn.console.print(_view(conn, positions))


def _watch(conn: Connection, changes: Iterator[Position]) -> None:
    if conn.json or not conn.console.is_terminal:
        # Into a pipe or file, one line for each change.
        for change in changes:
            conn.write_json(change)
        return
    latest: dict[str, Position] = {}
    with Live(console=conn.console, auto_refresh=False) as live:
        for change in changes:
            latest[change.account_id] = change
            live.update(_view(conn, list(latest.values())), refresh=True)


def _view(conn: Connection, positions: Sequence[Position]) -> RenderableType:
    return positions_view(conn.console, positions, today_for(conn.client, positions))
