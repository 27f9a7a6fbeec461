"""`creditgate reservation ...`: what orders hold."""

import click

from creditgate.client import ReservationState
from creditgate.client.cli._connection import Connection, connected
from creditgate.client.cli._output import amount, show_reservation, table

_STATES = [state.value for state in ReservationState if state is not ReservationState.UNKNOWN]


@click.group()
def reservation() -> None:
    """Reservations: what orders hold."""


@reservation.command()
@click.argument("reservation_id", metavar="[RESERVATION]", default="")
@click.option("--account", "account_id", default="", help="With --order, instead of RESERVATION.")
@click.option("--order", "order_id", default="", help="The order's latest reservation.")
@connected
def get(conn: Connection, reservation_id: str, account_id: str, order_id: str) -> None:
    """Shows one reservation, by its id or by --account and --order."""
    by_order = bool(account_id and order_id)
    if by_order == bool(reservation_id) or by_order != bool(account_id or order_id):
        raise click.UsageError("Give either RESERVATION, or --account and --order.")
    found = conn.client.get_reservation(
        reservation_id=reservation_id, account_id=account_id, order_id=order_id
    )
    if conn.json:
        conn.write_json(found)
    else:
        show_reservation(conn.console, found)


@reservation.command("list")
@click.option("--account", "account_id", default="", help="Only this account's.")
@click.option("--state", type=click.Choice(_STATES, case_sensitive=False))
@connected
def list_(conn: Connection, account_id: str, state: str | None) -> None:
    """Lists reservations."""
    found = conn.client.list_reservations(
        account_id=account_id, state=ReservationState(state) if state else None
    )
    if conn.json:
        for held in found:
            conn.write_json(held)
        return
    rows = (
        [
            held.reservation_id,
            held.account_id,
            held.order_id,
            held.state.value,
            amount(held.open_minor, held.currency),
            amount(held.captured_minor, held.currency),
            amount(held.released_minor, held.currency),
            amount(held.expired_minor, held.currency),
        ]
        for held in found
    )
    figures = ["open", "captured", "released", "expired"]
    columns = ["reservation", "account", "order", "state", *figures]
    conn.console.print(table(conn.console, columns, rows, numbers=figures))
