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


def is_steady(account_id: str) -> bool:
    return int(account_id[:4]) % 2 == 0


@pytest.mark.real_data
def test_the_report_is_that_of_an_independent_count(start_server: StartServer) -> None:
    file = history()
    limit_of = limits(file)
    server = start_server(clock="manual")
    declined = play(server, file, limit_of)
    since = file.sales[len(file.sales) // 2].day
    expected = count(file, declined, since)
    assert len(expected) > 100
    assert len({(one.was, one.now, one.paid) for one in expected}) > 3
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


def expected_of(order: dict[str, Any]) -> Expected:
    fields = (order[name] for name in ("order_id", "was", "now", "rule", "paid"))
    return Expected(*fields)


def play(server: ServerProcess, file: History, limit_of: dict[str, int]) -> set[str]:
    """Plays the file day by day, without a policy; returns the orders that were declined."""
    live = Live(server.api, {})
    with Client(server.address) as client:
        client.upsert_segments(
            [Segment(segment_id="steady", currency="USD", default_limit=CreditLimit.of(0))]
        )
        rows = [
            AccountUpsert(
                account_id=name,
                currency="USD",
                limit=CreditLimit.of(limit),
                segment_id="steady" if is_steady(name) else None,
            )
            for name, limit in limit_of.items()
        ]
        client.upsert_accounts(rows)
    declined: set[str] = set()
    for day in file.days():
        server.api.set_time((day - EPOCH).days * 86_400)
        live.pay([sale for sale in file.paid.get(day, ()) if sale.invoice_id not in declined])
        sales = file.made.get(day, [])
        for sale, fits in zip(sales, live.sell(sales), strict=True):
            if not fits:
                declined.add(sale.invoice_id)
    return declined


def count(file: History, declined: set[str], since: date) -> list[Expected]:
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
                found += turned(sale, owed[name], was_declined=was_declined)
            # Two invoices are paid on their own day.
            if not was_declined and sale.paid > day:
                owed[name].append(sale)
    return found


def turned(sale: Sale, owed: list[Sale], *, was_declined: bool) -> list[Expected]:
    order_id = f"order {sale.invoice_id}"
    if is_steady(sale.account_id):
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
