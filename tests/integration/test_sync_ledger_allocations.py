"""What payments settle, whoever's invoice it is: item by item, as the ledger's own sums have it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from creditgate.loaders.queue.letters import LetterBox
from tests.conftest import StartServer
from tests.support.books import Books
from tests.support.ledger import OpenItems, SyncProcess, in_step, open_items, reconciled
from tests.support.server import ServerProcess


class Payer:
    """A ledger in which a parent, A, and a child, B, owe 100.00 on each of some invoices."""

    def __init__(self, books: Books) -> None:
        self._books = books
        books.execute("INSERT INTO customers (account_id, currency) VALUES ('A', 'USD')")
        books.execute("INSERT INTO customers VALUES ('B', 'Ben', 'USD', 'A')")

    def owe(self, account_id: str, *invoices: str) -> None:
        for name in invoices:
            self._books.add("invoices", invoice_id=name, account_id=account_id, currency="USD",
                            amount=100, issue_date="2026-01-05")  # fmt: skip

    def pay(self, amount: int, allocated: Mapping[str, int], **others: Any) -> None:
        """A payment of A's, with what is allocated of it in the same transaction."""
        with self._books.connection.transaction():
            row = {"account_id": "A", "currency": "USD", "received_on": "2026-01-09"} | others
            self._books.add("payments", payment_id="P", amount=amount, **row)
            self.allocate(allocated)

    def allocate(self, allocated: Mapping[str, int]) -> None:
        for name, amount in allocated.items():
            self._books.add("payment_allocations", payment_id="P", invoice_id=name, amount=amount,
                            allocated_on="2026-01-09")  # fmt: skip

    def reverse(self, gateway_reversal_id: str | None = None) -> None:
        self._books.add("payment_reversals", payment_id="P", reversed_on="2026-01-12",
                        gateway_reversal_id=gateway_reversal_id)  # fmt: skip


@pytest.fixture
def ledger(books: Books) -> Books:
    return books


@pytest.fixture
def payer(books: Books, sync: SyncProcess) -> Payer:
    """What it does is told by the stream, behind an empty snapshot."""
    payer = Payer(books)
    sync.once()
    return payer


class Check:
    """Holds stream, ledger and a snapshot of now against what was reckoned by hand."""

    def __init__(
        self, books: Books, server: ServerProcess, sync: SyncProcess, other: SyncProcess,
        other_server: ServerProcess,
    ) -> None:  # fmt: skip
        self._books, self._server, self._sync = books, server, sync
        self._other, self._other_server = other, other_server

    def __call__(self, expected: OpenItems) -> None:
        self._sync.start()
        assert in_step(self._books, self._server)
        self._sync.kill()
        assert open_items(self._server) == expected
        with LetterBox(self._sync.state) as letters:
            assert not letters.list()

    def snapshot(self, expected: OpenItems) -> None:
        """The same, as another server has it that hears of the ledger only now."""
        self._other.once()
        assert open_items(self._other_server) == expected


@pytest.fixture
def check(
    books: Books, server: ServerProcess, sync: SyncProcess, start_server: StartServer,
    tmp_path: Path,
) -> Check:  # fmt: skip
    other = start_server()
    return Check(books, server, sync, SyncProcess(books, other, tmp_path / "other"), other)


def minor(**items: int) -> OpenItems:
    """Open items by account and invoice, `A_` for what stands on no invoice of A's."""
    found = {tuple(name.split("_")): 100 * amount for name, amount in items.items() if amount}
    return {(account, invoice): amount for (account, invoice), amount in found.items()}


PAID = minor(A_I1=60, B_J1=20, A_=-10)


def test_an_invoice_of_another_account_is_settled_with_its_payment_and_reversed(
    payer: Payer, check: Check
) -> None:
    payer.owe("A", "I1")
    payer.owe("B", "J1")
    payer.pay(130, {"I1": 40, "J1": 80})
    check(PAID)
    check.snapshot(PAID)
    payer.reverse()
    check(minor(A_I1=100, B_J1=100))


def test_it_is_settled_later(payer: Payer, check: Check) -> None:
    payer.owe("A", "I1")
    payer.owe("B", "J1")
    payer.pay(130, {})
    check(minor(A_I1=100, B_J1=100, A_=-130))
    payer.allocate({"I1": 40, "J1": 80})
    check(PAID)
    payer.reverse()
    check(minor(A_I1=100, B_J1=100))
    check.snapshot(minor(A_I1=100, B_J1=100))


@pytest.mark.parametrize("gateway_reversal_id", ["back_1", None])
def test_it_is_settled_by_what_a_gateway_told_of(
    payer: Payer, check: Check, gateway_reversal_id: str | None
) -> None:
    payer.owe("A", "I1")
    payer.owe("B", "J1")
    payer.pay(130, {"I1": 40, "J1": 80}, gateway="shop", gateway_payment_id="pay_1")
    check(PAID)
    payer.reverse(gateway_reversal_id)
    check(minor(A_I1=100, B_J1=100))


def test_names_with_what_divides_names_are_taken_as_they_are(payer: Payer, check: Check) -> None:
    # The second would, in a cell, settle two others.
    names = ["I;1", "I2:5;I3", "I2", "I3", ";", "I:4"]
    payer.owe("A", *names)
    payer.owe("B", "J;1")
    payer.pay(100, {"I;1": 10, "I2:5;I3": 20, "I2": 15, ";": 5, "I:4": 7, "J;1": 30})
    settled = {"I;1": 90, "I2:5;I3": 80, "I2": 85, "I3": 100, ";": 95, "I:4": 93}
    expected = minor(A_=-13) | {("A", name): 100 * left for name, left in settled.items()}
    check(expected | {("B", "J;1"): 70_00})
    check.snapshot(expected | {("B", "J;1"): 70_00})
    payer.reverse()
    check({("A", name): 100_00 for name in names} | {("B", "J;1"): 100_00})


def test_what_is_lost_of_it_is_named_in_the_account_of_the_invoice(
    payer: Payer, books: Books, server: ServerProcess, sync: SyncProcess
) -> None:
    payer.owe("B", "J1")
    payer.pay(80, {"J1": 80})
    books.execute("DELETE FROM creditgate_outbox WHERE feed = 'allocation_to'")
    sync.start()
    (found,) = reconciled(books, server)["differences"]
    assert (found["account_id"], found["items"]) == ("B", {"J1": [20_00, 100_00]})
    assert [entry["entry_id"] for entry in found["entries"]] == ["allocation:1:to"]


@pytest.mark.parametrize("own", [100, 101])
def test_as_many_as_an_entry_may_name_and_one_more(
    payer: Payer, check: Check, books: Books, own: int
) -> None:
    """Those that are told of by themselves are not counted among those of the entry."""
    names = [f"I{number}" for number in range(own)]
    payer.owe("A", *names)
    payer.owe("B", "J1")
    payer.pay(1_000, dict.fromkeys(["J1", *names], 1))
    check({("A", name): 99_00 for name in names} | minor(B_J1=99, A_=own + 1 - 1_000))
    told = books.connection.execute(
        "SELECT count(*) FROM creditgate_outbox WHERE feed = 'allocation_to'"
    ).fetchone()
    assert told == (1 if own == 100 else own + 1,)
