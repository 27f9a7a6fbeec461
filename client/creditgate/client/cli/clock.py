"""`creditgate clock ...`: the clock of a server that runs with `--clock manual`."""

from datetime import datetime

import click

from creditgate.client import ServerError
from creditgate.client.cli._connection import Connection, Failure, connected
from creditgate.client.cli._parameters import TIME


@click.group()
def clock() -> None:
    """The clock of a server that runs with `--clock manual`, for replays."""


@clock.command()
@connected
def get(conn: Connection) -> None:
    """Shows the server's time."""
    try:
        time = conn.client.get_time()
    except ServerError as error:
        raise _explained(error) from error
    _show(conn, time)


@clock.command("set")
@click.argument("time", type=TIME)
@connected
def set_(conn: Connection, time: datetime) -> None:
    """Moves the clock forward to TIME (ISO 8601, UTC unless it names a zone)."""
    try:
        now = conn.client.set_time(time)
    except ServerError as error:
        raise _explained(error) from error
    _show(conn, now)


def _show(conn: Connection, time: datetime) -> None:
    if conn.json:
        conn.write_json({"time": time})
    else:
        conn.console.print(time.isoformat(), markup=False)


def _explained(error: ServerError) -> Exception:
    if error.status_code.name != "UNIMPLEMENTED":
        return error
    return Failure(
        "This server follows the system's clock. Only one started with `creditgate serve "
        "--clock manual` has a clock to show and to set."
    )
