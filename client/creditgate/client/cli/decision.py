"""`creditgate decision explain`: why an order was decided as it was, for people."""

import click
import msgspec
from rich.text import Text

from creditgate.client import Client, Effect, NotFoundError, PastDecision, ReasonCode
from creditgate.client.cli._connection import Connection, connected
from creditgate.client.cli._output import (
    amount,
    counting_facts,
    facts,
    show_decision,
    time_text,
)

_ASKED = {
    "reserve": "an order of {amount}",
    "reserve_all": "an order of {amount}, of a batch that is reserved as a whole or not at all",
    "adjust": "a new total of {amount}",
    "capture": "a shipment of {amount}",
    "release": "to give back {amount}",
}
_UNVALUED = {ReasonCode.FX_RATE_UNAVAILABLE, ReasonCode.FX_RATE_STALE}
_EFFECTS = {
    Effect.NOTIFY: "it is only said",
    Effect.ALERT: "somebody should look at it",
    Effect.REFER: "a person decides",
    Effect.DECLINE: "the order is declined",
    Effect.HOLD: "the order is declined, and the account held",
}


@click.group()
def decision() -> None:
    """Decisions that were made."""


@decision.command()
@click.argument("name", metavar="ID|ACCOUNT")
@click.argument("order_id", metavar="[ORDER]", default="")
@click.option("--item", type=click.IntRange(min=0), default=0, help="Of an all-or-none batch.")
@connected
def explain(conn: Connection, name: str, order_id: str, item: int) -> None:
    """Shows why an order was decided as it was, and what would have helped.

    ID is a reservation or, where there is none of that id, an entry of the journal; or give the
    account and the order.
    """
    found = _found(conn.client, name, order_id, item)
    if conn.json:
        conn.write_json(found)
        return
    show_decision(conn.console, _in_currency(conn.client, found), found.currency)
    for reason in found.reasons:
        if reason.effect in _EFFECTS:
            conn.console.print(Text(f"  {reason.code}: {_EFFECTS[reason.effect]}", style="dim"))
    asked = amount(found.amount_minor, found.currency, absent="all that was open")
    facts(
        conn.console,
        [
            ("asked for", _ASKED.get(found.command, "{amount}").format(amount=asked)),
            ("approved", amount(found.approved_amount_minor or None, found.currency)),
            ("account", found.account_id),
            ("order", found.order_id),
            ("reservation", found.reservation_id),
            ("by", found.actor),
            ("through", found.channel),
            ("because", found.reason),
            ("decided", time_text(found.decide_time)),
            ("policy version", str(found.policy_version)),
            ("journal entry", str(found.journal_seq)),
            *counting_facts(found.counting),
        ],
    )


def _in_currency(client: Client, found: PastDecision) -> PastDecision:
    """With the account's currency, also where the order could not be valued."""
    if found.account_currency or not any(reason.code in _UNVALUED for reason in found.reasons):
        return found
    currency = client.get_account(found.account_id).currency
    return msgspec.structs.replace(found, account_currency=currency)


def _found(client: Client, name: str, order_id: str, item: int) -> PastDecision:
    if order_id:
        if item:
            raise click.UsageError("--item is of an entry of the journal, not of an order.")
        return client.get_decision(account_id=name, order_id=order_id)
    if not name.isdecimal() or int(name) >= 1 << 64:
        raise click.UsageError("Give a reservation, an entry of the journal, or ACCOUNT and ORDER.")
    if item:
        return client.get_decision(journal_seq=int(name), item=item)
    try:
        return client.get_decision(reservation_id=name)
    except NotFoundError:
        return client.get_decision(journal_seq=int(name))
