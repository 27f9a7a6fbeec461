"""Real invoices of eighteen months, replayed as orders: every decision and every month's positions
are those of a model that one can read in a minute."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from creditgate.audit.books import Auditor
from creditgate.v1 import ledger_pb2 as ledger_v1
from tests.conftest import StartServer
from tests.support import data
from tests.support.api import APPROVED, DECLINED, Api, entry
from tests.support.reference import Account, Reference

pytestmark = pytest.mark.real_data

POSTED = ledger_v1.ENTRY_OUTCOME_POSTED
EPOCH = date(1970, 1, 1)
DAY = timedelta(days=1)

# What an account's position is made of: outstanding, captured, reserved, available.
Figures = tuple[int, int, int, int]


@dataclass(frozen=True)
class Sale:
    """One row of the file: an order, shipped and invoiced on its day, paid on another."""

    invoice_id: str
    account_id: str
    day: date
    paid: date
    due: date
    amount: int


@dataclass
class History:
    """The file by day."""

    sales: list[Sale]
    made: dict[date, list[Sale]]
    paid: dict[date, list[Sale]]

    def days(self) -> Iterator[date]:
        """Every day from the first of the first month to the first of the month after the last."""
        day = min(self.made).replace(day=1)
        last = max(*self.made, *self.paid)
        while day <= last or day.day != 1:
            yield day
            day += DAY
        yield day


def history() -> History:
    sales = [
        Sale(
            row["invoice_number"],
            row["customer_id"],
            date.fromisoformat(row["invoice_date"]),
            date.fromisoformat(row["settled_date"]),
            date.fromisoformat(row["due_date"]),
            data.cents(row["amount"]),
        )
        for row in data.rows("invoice-history.csv")
    ]
    made, paid = defaultdict(list), defaultdict(list)
    for sale in sales:
        made[sale.day].append(sale)
        paid[sale.paid].append(sale)
    return History(sales, made, paid)


def limits(file: History) -> dict[str, int]:
    """Nine tenths of each customer's highest month-end exposure, had every order been taken."""
    exposure: Counter[str] = Counter()
    highest = dict.fromkeys((sale.account_id for sale in file.sales), 0)
    for day in file.days():
        for sale in file.paid.get(day, ()):
            exposure[sale.account_id] -= sale.amount
        for sale in file.made.get(day, ()):
            exposure[sale.account_id] += sale.amount
        if (day + DAY).day == 1:
            highest = {name: max(known, exposure[name]) for name, known in highest.items()}
    return {name: known * 9 // 10 for name, known in highest.items()}


class Model:
    """The reference model, played by the same days as the server."""

    def __init__(self, limit_of: dict[str, int]) -> None:
        self.books = Reference({name: Account(limit) for name, limit in limit_of.items()})

    def pay(self, sales: list[Sale]) -> None:
        for sale in sales:
            self.books.payment(sale.account_id, sale.amount)

    def sell(self, sales: list[Sale]) -> list[bool]:
        decisions = []
        for sale in sales:
            fits = self.books.order(sale.account_id, sale.invoice_id, sale.amount)
            decisions.append(fits)
            if fits:
                self.books.capture(sale.account_id, sale.invoice_id, sale.invoice_id)
                self.books.invoice(sale.account_id, sale.invoice_id, sale.amount)
        return decisions

    def positions(self) -> dict[str, Figures]:
        return {
            name: (a.outstanding, a.captured, a.reserved, a.available)
            for name, a in self.books.accounts.items()
        }


class Live:
    """The server, played by day."""

    def __init__(self, api: Api, limit_of: dict[str, int]) -> None:
        self.api = api
        for name, limit in limit_of.items():
            api.open_account(name, limit)
        self._names = list(limit_of)

    def pay(self, sales: list[Sale]) -> None:
        payments = [
            entry(
                f"payment of {sale.invoice_id}", sale.account_id, "payment", sale.amount,
                allocations=[
                    ledger_v1.Allocation(invoice_id=sale.invoice_id, amount_minor=sale.amount)
                ],
            )
            for sale in sales
        ]  # fmt: skip
        assert self.api.post(*payments) == [POSTED] * len(sales)

    def sell(self, sales: list[Sale]) -> list[bool]:
        decisions = []
        for sale in sales:
            order_id = f"order {sale.invoice_id}"
            decision = self.api.reserve(sale.account_id, order_id, sale.amount).result.decision
            assert decision in {APPROVED, DECLINED}
            decisions.append(decision == APPROVED)
            if decision == APPROVED:
                captured = self.api.capture(sale.account_id, order_id, sale.invoice_id)
                assert captured.captured_amount_minor == sale.amount
                assert self.api.post(self._invoice(sale, order_id)) == [POSTED]
        return decisions

    def _invoice(self, sale: Sale, order_id: str) -> ledger_v1.LedgerEntry:
        return entry(
            f"invoice {sale.invoice_id}", sale.account_id, "invoice", sale.amount,
            invoice_id=sale.invoice_id, order_id=order_id,
            issue_date=sale.day.isoformat(), due_date=sale.due.isoformat(),
        )  # fmt: skip

    def positions(self) -> dict[str, Figures]:
        return {name: self._figures(name) for name in self._names}

    def _figures(self, name: str) -> Figures:
        found = self.api.position(name)
        assert found.exposure_minor == (
            found.outstanding_minor + found.captured_minor + found.reserved_minor
        )
        return (
            found.outstanding_minor,
            found.captured_minor,
            found.reserved_minor,
            found.available_minor,
        )


def test_replay_equals_the_reference(start_server: StartServer) -> None:
    file = history()
    limit_of = limits(file)
    assert (len(file.sales), len(limit_of)) == (1_930, 100)
    server = start_server(clock="manual")
    live, model = Live(server.api, limit_of), Model(limit_of)
    declined: set[str] = set()
    firsts = 0
    for day in file.days():
        server.api.set_time((day - EPOCH).days * 86_400)
        if day.day == 1:
            assert live.positions() == model.positions(), day
            firsts += 1
        # Two invoices are paid on their own day, before they are made: both orders fit.
        payments = [sale for sale in file.paid.get(day, ()) if sale.invoice_id not in declined]
        live.pay(payments)
        model.pay(payments)
        sales = file.made.get(day, [])
        decisions = live.sell(sales)
        assert decisions == model.sell(sales), day
        for sale, fits in zip(sales, decisions, strict=True):
            if not fits:
                assert sale.paid > sale.day, "a declined order cannot have been paid before"
                declined.add(sale.invoice_id)

    assert firsts == 21
    assert len(declined) == 335, "about one order in six does not fit"
    final = {name: figures[0] for name, figures in model.positions().items()}
    assert server.terminate() == 0
    books = Auditor(server.store).advance()
    assert {a.account_id: a.outstanding for a in books.accounts.values()} == final
    assert not books.breaches
