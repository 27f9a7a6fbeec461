"""`creditgate policy test`: a candidate tried on the orders that a store's journal holds."""

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from creditgate.client import MoneyError, money
from creditgate.client.cli import TIME
from creditgate.server.store_cli import NotDone, store_option, working
from creditgate.v1 import common_pb2

_MICROS: Final = 1_000_000
_PASSED: Final = frozenset({"APPROVED", "PARTIALLY_APPROVED"})


class Turned(msgspec.Struct, frozen=True, kw_only=True):
    """An order that would have ended otherwise."""

    journal_seq: int
    time: str
    account_id: str
    segment_id: str
    channel: str
    order_id: str
    currency: str
    amount_minor: int
    was: str
    now: str
    rule: str
    """The rule by which it differs: the first of the strongest in the stricter decision."""
    paid: str
    """ON_TIME, LATE or UNKNOWN: of an order that was approved, its own invoices; of another, what
    its account owed then."""

    @property
    def ending(self) -> str:
        """What became of it, and what would have."""
        before, after = self.was in _PASSED, self.now in _PASSED
        if before == after:
            return "otherwise"
        return "let through" if after else "stopped"


class Tally(msgspec.Struct):
    """Orders of one kind: how many, and their amounts by currency; in all and by how they were
    paid."""

    orders: int = 0
    amounts: dict[str, int] = {}
    paid: dict[str, int] = {}
    paid_amounts: dict[str, dict[str, int]] = {}

    def add(self, order: Turned) -> None:
        """Counts an order in."""
        self.orders += 1
        self.amounts[order.currency] = self.amounts.get(order.currency, 0) + order.amount_minor
        self.paid[order.paid] = self.paid.get(order.paid, 0) + 1
        amounts = self.paid_amounts.setdefault(order.paid, {})
        amounts[order.currency] = amounts.get(order.currency, 0) + order.amount_minor


def tallies(orders: Iterable[Turned], of: Callable[[Turned], str]) -> dict[tuple[str, str], Tally]:
    """By what became of the orders and by `of`, in their order."""
    found: dict[tuple[str, str], Tally] = {}
    for order in orders:
        found.setdefault((order.ending, of(order)), Tally()).add(order)
    return dict(sorted(found.items()))


@click.command(short_help="Try a candidate on the past.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@store_option
@click.option("--since", type=TIME, help="Only orders from then on.")
@click.option("--json", is_flag=True, help="Write each order that would have ended otherwise.")
def test(*, file: Path, store: Path, since: datetime | None, json: bool) -> None:
    """Say which orders would have ended otherwise, had the policy in FILE been in force.

    Decides every order of the store's journal again, against what was really owed at that time.
    The store must not be in use: stop the server, or test on a backup. Nothing is changed.
    """
    from creditgate.core import store_try_policy

    text = file.read_text(encoding="utf-8")
    begin = int(since.timestamp() * _MICROS) if since else 0
    with working("Trying") as tell:
        orders, found, problems = store_try_policy(str(store), text, begin, tell)
    for at, said in problems:
        click.echo(f"{file}:{at}: {said}", err=True)
    if problems:
        raise NotDone(f"{file} is no policy as a whole: nothing was tried")
    turned = [_turned(row) for row in found]
    if json:
        for order in turned:
            sys.stdout.write(msgspec.json.encode(order).decode() + "\n")
        return
    for line in report(orders, turned):
        click.echo(line)


def _turned(row: dict[str, Any]) -> Turned:
    time = datetime.fromtimestamp(row["time"] / _MICROS, UTC).isoformat()
    rule = common_pb2.ReasonCode.Name(row["rule"]).removeprefix("REASON_CODE_")
    return Turned(**{**row, "time": time, "rule": rule})


_MEANT: Final = {
    ("let through", "ON_TIME"): "false rejects saved: what was owed then was paid on time",
    ("let through", "LATE"): "what it would have cost: what was owed then was paid late, or not",
    ("let through", "UNKNOWN"): "not known: nothing was owed then that is due",
    ("stopped", "ON_TIME"): "new false rejects: paid on time",
    ("stopped", "LATE"): "saved: paid late, or not",
    ("stopped", "UNKNOWN"): "not known: not invoiced, or not due",
}


def report(orders: int, turned: list[Turned]) -> Iterator[str]:
    """The lines of a report for people."""
    yield f"{orders} orders decided again, {len(turned)} would have ended otherwise"
    for (ending, _), tally in tallies(turned, lambda _: "").items():
        yield ""
        yield f"{ending}: {_size(tally.orders, tally.amounts)}"
        for paid, count in sorted(tally.paid.items()):
            meant = _MEANT.get((ending, paid))
            if meant:
                yield f"  {meant}: {_size(count, tally.paid_amounts[paid])}"
        for name, of in (
            ("rule", lambda order: order.rule),
            ("segment", lambda order: order.segment_id or "(none)"),
            ("channel", lambda order: order.channel or "(none)"),
        ):
            for (_, value), part in tallies(
                (order for order in turned if order.ending == ending), of
            ).items():
                yield f"  {name} {value}: {_size(part.orders, part.amounts)}"


def _size(orders: int, amounts: dict[str, int]) -> str:
    sums = ", ".join(_amount(minor, currency) for currency, minor in sorted(amounts.items()))
    return f"{orders} {'order' if orders == 1 else 'orders'}, {sums}"


def _amount(minor: int, currency: str) -> str:
    try:
        return f"{money.format(minor, currency, group=True)} {currency}"
    except MoneyError:
        return f"{minor} minor units {currency}"
