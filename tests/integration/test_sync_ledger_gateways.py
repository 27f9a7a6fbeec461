"""What a gateway and the ledger both tell of counts once, whichever is first and however often."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from creditgate.client import (
    AccountUpsert,
    Client,
    CreditLimit,
    EntryKind,
    EntryOutcome,
    LedgerEntry,
)
from creditgate.loaders.queue.letters import LetterBox
from tests.support.books import Books
from tests.support.ledger import SyncProcess, in_step, open_items
from tests.support.server import ServerProcess

TODAY = datetime.now(UTC).date()
LONG_AGO = TODAY - timedelta(days=800)
ROW = {"account_id": "A", "currency": "USD"}
"""Most of a document."""


@pytest.fixture
def ledger(books: Books) -> Books:
    return books


def tell(client: Client, **moved: int) -> list[EntryOutcome | None]:
    """What the gateway shop tells of, by id: below zero a payment, else what was given back."""
    entries = [
        LedgerEntry(
            entry_id=name,
            account_id="A",
            kind=EntryKind.PAYMENT if amount < 0 else EntryKind.ADJUSTMENT,
            amount_minor=100 * abs(amount),
            currency="USD",
        )
        for name, amount in moved.items()
    ]
    return [result.outcome for result in client.post_entries("gateway:shop", entries)]


def pay(books: Books, number: int, amount: int, day: date = TODAY, **allocated: int) -> None:
    """What the ledger has of a payment by the gateway, with what it settles."""
    gateway = {"gateway": "shop", "gateway_payment_id": f"pay_{number}"}
    books.add("payments", payment_id=f"P{number}", amount=amount, received_on=day, **ROW, **gateway)
    for name, part in allocated.items():
        books.add("payment_allocations", payment_id=f"P{number}", invoice_id=name, amount=part,
                  allocated_on=day)  # fmt: skip


def fill(books: Books) -> None:
    """A ledger that has three payments by a gateway, and what was given back of two."""
    books.add("customers", **ROW)
    books.add("invoices", invoice_id="I1", amount=200, issue_date="2026-01-05", **ROW)
    pay(books, 1, 30, I1=20)
    pay(books, 2, 50, I1=50)
    pay(books, 3, 7, LONG_AGO)
    books.add("payment_reversals", payment_id="P2", reversed_on=TODAY, gateway_reversal_id="back_2")
    refund: dict[str, Any] = {"gateway": "shop", "gateway_refund_id": "ref_1", "kind": "refund"}
    books.add("adjustments", adjustment_id="R1", amount=5, posted_on=TODAY, **ROW, **refund)


OPEN = {("A", "I1"): 180_00, ("A", ""): -12_00}
TOLD = {"pay_1": -30, "pay_2": -50, "back_2": 50, "ref_1": 5}


def test_what_a_gateway_told_of_before_the_snapshot(
    books: Books, server: ServerProcess, sync: SyncProcess, client: Client
) -> None:
    fill(books)
    limit = CreditLimit.of(1_000_00)
    client.upsert_accounts([AccountUpsert(account_id="A", currency="USD", limit=limit)])
    tell(client, **TOLD, pay_3=-7, pay_4=-11)
    sync.once()
    # The ledger learns of the last one later.
    assert open_items(server) == OPEN | {("A", ""): -12_00 - 11_00}
    pay(books, 4, 11, I1=10)
    sync.start()
    assert in_step(books, server)
    assert open_items(server) == {("A", "I1"): 170_00, ("A", ""): -13_00}
    assert set(tell(client, **TOLD, pay_3=-7, pay_4=-11)) == {EntryOutcome.DUPLICATE}
    with LetterBox(sync.state) as letters:
        assert not letters.list()


def test_what_a_gateway_tells_of_after_the_snapshot(
    books: Books, server: ServerProcess, sync: SyncProcess, client: Client
) -> None:
    fill(books)
    sync.once()
    assert open_items(server) == OPEN == books.open_items()
    posted = {change.request_id for change in client.list_changes() if "gateway" in change.source}
    # Of all that a gateway ever told, only what it may tell of again.
    assert posted == set(TOLD)
    assert set(tell(client, **TOLD)) == {EntryOutcome.DUPLICATE}
    sync.start()
    assert in_step(books, server)
    assert open_items(server) == OPEN
    # What is given back later finds what it settled.
    books.add("payment_reversals", payment_id="P1", reversed_on=TODAY, gateway_reversal_id="back_1")
    assert in_step(books, server)
    assert tell(client, back_1=30) == [EntryOutcome.DUPLICATE]
    assert open_items(server) == {("A", "I1"): 200_00, ("A", ""): -2_00}
    with LetterBox(sync.state) as letters:
        assert not letters.list()
