"""A candidate tried on the past: real invoices of eighteen months replayed as orders, and the
report held against a count that shares nothing with it but the file."""

import json
from collections import defaultdict
from datetime import date
from typing import Any, NamedTuple

import pytest

from creditgate.client import AccountUpsert, Client, CreditLimit, Segment
from tests.conftest import StartServer
from tests.integration.test_cli_orders import Shell
from tests.integration.test_policy import put_in_force
from tests.integration.test_real_data_replay import (
    EPOCH,
    History,
    Live,
    Sale,
    history,
    limits,
)
from tests.support.server import ServerProcess

# Stopped: what is larger than this.
MOST = 90_00
# While the file is played; the candidate lets it through.
IN_FORCE = """
[segment.small.maximum-order]
amount = "40.00 USD"
"""
# Referred instead of declined: what does not fit, of the segment "steady".
CANDIDATE = """
[all.maximum-order]
amount = "90.00 USD"
outcome = "decline"

[segment.steady.maximum-order]
excluded = true

[segment.steady.insufficient-credit]
outcome = "refer"
"""


class Expected(NamedTuple):
    """What the trial must say of one order."""

    order_id: str
    was: str
    now: str
    rule: str
    paid: str


def segment_of(account_id: str) -> str | None:
    number = int(account_id[:4])
    if number % 2 == 0:
        return "steady"
    return "small" if number % 3 == 0 else None


@pytest.mark.real_data
def test_the_report_is_that_of_an_independent_count(start_server: StartServer) -> None:
    file = history()
    limit_of = limits(file)
    server = start_server(clock="manual")
    declined = play(server, file, limit_of)
    since = file.sales[len(file.sales) // 2].day
    expected = count(file, declined, since, limit_of)
    assert len(expected) > 100
    assert {(one.now, one.paid) for one in expected} >= {
        (now, paid) for now in ("APPROVED", "DECLINED") for paid in ("ON_TIME", "LATE")
    }
    assert server.terminate() == 0

    candidate = server.store.parent / "candidate.toml"
    candidate.write_text(CANDIDATE)
    shell = Shell(server)
    options = ["--store", str(server.store), "--since", since.isoformat()]
    lines = shell("policy", "test", str(candidate), *options, "--json").splitlines()
    found = [json.loads(line) for line in lines]
    assert [expected_of(order) for order in found] == expected

    report = shell("policy", "test", str(candidate), *options)
    orders = sum(sale.day >= since for sale in file.sales)
    assert report.startswith(f"{orders} orders decided again, {len(expected)} would have ended")
    stopped = [order for order in found if order["now"] == "DECLINED"]
    amount = sum(order["amount_minor"] for order in stopped)
    late = sum(order["paid"] == "LATE" for order in stopped)
    said = f"{amount // 100:,}.{amount % 100:02d} USD"
    assert f"stopped: {len(stopped)} orders, {said}" in report
    assert f"  rule ORDER_AMOUNT_EXCEEDED: {len(stopped)} orders, {said}" in report
    assert f"  saved: paid late, or not: {late} orders" in report
    for name in ("segment", "channel"):
        assert f"  {name} (none): {len(stopped)} orders, {said}" in report
    through = [order for order in found if order["now"] == "APPROVED"]
    said = size(through)
    assert f"let through: {said}" in report
    assert f"  segment small: {said}" in report
    on_time, late_then = (
        size([order for order in through if order["paid"] == paid]) for paid in ("ON_TIME", "LATE")
    )
    assert f"  false rejects saved: what was owed then was paid on time: {on_time}" in report
    assert (
        f"  what it would have cost: what was owed then was paid late, or not: {late_then}"
        in report
    )


def size(orders: list[dict[str, Any]]) -> str:
    amount = sum(order["amount_minor"] for order in orders)
    what = "order" if len(orders) == 1 else "orders"
    return f"{len(orders)} {what}, {amount // 100:,}.{amount % 100:02d} USD"


def expected_of(order: dict[str, Any]) -> Expected:
    fields = (order[name] for name in ("order_id", "was", "now", "rule", "paid"))
    return Expected(*fields)


def play(server: ServerProcess, file: History, limit_of: dict[str, int]) -> set[str]:
    """Plays the file day by day; returns the orders that were declined."""
    live = Live(server.api, {})
    with Client(server.address) as client:
        none = CreditLimit.of(0)
        names = ("steady", "small")
        client.upsert_segments(
            [Segment(segment_id=name, currency="USD", default_limit=none) for name in names]
        )
        rows = [
            AccountUpsert(
                account_id=name,
                currency="USD",
                limit=CreditLimit.of(limit),
                segment_id=segment_of(name),
            )
            for name, limit in limit_of.items()
        ]
        client.upsert_accounts(rows)
    put_in_force(server, IN_FORCE)
    declined: set[str] = set()
    for day in file.days():
        server.api.set_time((day - EPOCH).days * 86_400)
        live.pay([sale for sale in file.paid.get(day, ()) if sale.invoice_id not in declined])
        sales = file.made.get(day, [])
        for sale, fits in zip(sales, live.sell(sales), strict=True):
            if not fits:
                declined.add(sale.invoice_id)
    return declined


def count(
    file: History, declined: set[str], since: date, limit_of: dict[str, int]
) -> list[Expected]:
    """The orders that would have ended otherwise, by the file alone."""
    owed: dict[str, list[Sale]] = defaultdict(list)
    found = []
    for day in file.days():
        for sale in file.paid.get(day, ()):
            if sale in owed[sale.account_id]:
                owed[sale.account_id].remove(sale)
        for sale in file.made.get(day, ()):
            name = sale.account_id
            was_declined = sale.invoice_id in declined
            if day >= since:
                left = limit_of[name] - sum(other.amount for other in owed[name])
                found += turned(sale, owed[name], left, was_declined=was_declined)
            # Two invoices are paid on their own day.
            if not was_declined and sale.paid > day:
                owed[name].append(sale)
    return found


def turned(sale: Sale, owed: list[Sale], left: int, *, was_declined: bool) -> list[Expected]:
    order_id, segment = f"order {sale.invoice_id}", segment_of(sale.account_id)
    if segment == "small" and was_declined:
        if sale.amount > min(MOST, left):
            return []
        return [Expected(order_id, "DECLINED", "APPROVED", "ORDER_AMOUNT_EXCEEDED", paid(owed))]
    if segment == "steady":
        if not was_declined:
            return []
        rule = "INSUFFICIENT_CREDIT"
        return [Expected(order_id, "DECLINED", "REFERRED", rule, paid(owed))]
    if was_declined or sale.amount <= MOST:
        return []
    return [Expected(order_id, "APPROVED", "DECLINED", "ORDER_AMOUNT_EXCEEDED", paid([sale]))]


def paid(sales: list[Sale]) -> str:
    if not sales:
        return "UNKNOWN"
    return "LATE" if any(sale.paid > sale.due for sale in sales) else "ON_TIME"
