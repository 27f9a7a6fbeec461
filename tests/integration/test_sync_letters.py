"""Rows of a ledger that become dead letters: nothing newer is lost, and nothing older stands."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from creditgate.client import AsyncClient, Client, CreditLimit
from creditgate.loaders.ledger import mapping
from creditgate.loaders.ledger.outbox import OutboxRow
from creditgate.loaders.ledger.taking import WAITING_MAX, Taking
from creditgate.loaders.queue.letters import LetterBox
from creditgate.loaders.running.sources import Source
from tests.conftest import StartServer
from tests.support.books import Books
from tests.support.ledger import Ledger, SyncProcess, open_items
from tests.support.server import ServerProcess

WAITS = range(WAITING_MAX)
LIMIT = {"currency": "USD", "limit_kind": "amount"}


@pytest.fixture
def ledger(books: Books) -> Books:
    return books


def letters_of(sync: SyncProcess) -> set[str]:
    with LetterBox(sync.state) as letters:
        return {letter.event_id for letter in letters.list()}


def add_customer(books: Books, **others: object) -> None:
    books.add("customers", account_id="A", currency="USD", **others)


def test_a_limit_is_not_lost_with_the_account_that_was_refused(
    books: Books, server: ServerProcess, sync: SyncProcess, client: Client
) -> None:
    add_customer(books, segment_id="none")
    books.add("limits", account_id="A", limit_kind="amount", limit_amount=50)
    sync.once()
    assert letters_of(sync) == {"customer:A", "limit:A"}
    books.execute("UPDATE customers SET segment_id = NULL")
    sync.once()
    # What tells of the account now does not tell of its limit.
    assert client.get_account("A").limit == CreditLimit.of(50_00)
    assert not letters_of(sync)


def test_what_came_before_what_it_names_is_taken_behind_it(
    books: Books, server: ServerProcess, sync: SyncProcess, client: Client
) -> None:
    """Each in a window of its own: as they were committed, and read at once."""
    books.execute("ALTER TABLE customers DROP CONSTRAINT customers_parent_account_id_fkey")
    sync.once()
    add_customer(books, segment_id="late", parent_account_id="B")
    sync.once()
    books.add(
        "invoices", invoice_id="I1", account_id="A", currency="USD", amount=100,
        issue_date="2026-01-05",
    )  # fmt: skip
    sync.once()
    assert letters_of(sync) == {"customer:A", "invoice:invoice:I1"}
    books.add("segments", segment_id="late", currency="USD", limit_kind="amount", limit_amount=5)
    sync.once()
    assert letters_of(sync) == {"customer:A", "invoice:invoice:I1"}
    books.add("customers", account_id="B", currency="USD")
    sync.once()
    assert not letters_of(sync)
    assert open_items(server) == {("A", "I1"): 100_00}
    assert client.get_account("A").parent_account_id == "B"


def test_an_account_that_is_sent_again_loses_what_the_ledger_took_from_it(
    books: Books, server: ServerProcess, sync: SyncProcess, client: Client
) -> None:
    books.add("customers", account_id="P", currency="USD")
    add_customer(books, parent_account_id="P")
    sync.once()
    books.execute(
        "UPDATE customers SET parent_account_id = NULL, segment_id = 'new' WHERE account_id = 'A'"
    )
    sync.once()
    assert letters_of(sync) == {"customer:A"}
    books.add("segments", segment_id="new", currency="USD", limit_kind="amount", limit_amount=5)
    sync.once()
    found = client.get_account("A")
    assert (found.parent_account_id, found.segment_id) == ("", "new")
    assert not letters_of(sync)


def test_two_gateways_may_give_the_same_id(
    books: Books, server: ServerProcess, sync: SyncProcess
) -> None:
    add_customer(books)
    sync.once()
    paid = {"account_id": "A", "currency": "USD", "received_on": "2026-01-09"}
    for gateway, amount in (("a", "10.001"), ("b", "20")):
        books.add(
            "payments", payment_id=f"P{gateway}", amount=amount, gateway=gateway,
            gateway_payment_id="1001", **paid,
        )  # fmt: skip
    sync.once()
    assert letters_of(sync) == {"payment:gateway%3Aa:1001"}
    assert open_items(server) == {("A", ""): -20_00}


def test_a_dispute_that_was_settled_closes_the_letter_of_the_snapshots(
    books: Books, sync: SyncProcess
) -> None:
    add_customer(books, segment_id="none")
    books.add(
        "invoices", invoice_id="I1", account_id="A", currency="USD", amount=100,
        issue_date="2026-01-05",
    )  # fmt: skip
    books.add("disputes", dispute_id="D1", invoice_id="I1", amount=5, opened_on="2026-01-06")
    sync.once()
    assert "dispute:A:I1" in letters_of(sync)
    books.execute("UPDATE customers SET segment_id = NULL")
    sync.once()
    books.execute("UPDATE disputes SET resolved_on = '2026-01-07'")
    sync.once()
    assert "dispute:A:I1" not in letters_of(sync)


def test_a_flag_that_ended_before_it_could_be_told_holds_nobody(
    ledger: Ledger, start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server(clock="manual")
    now = datetime.now(UTC)
    sync = SyncProcess(ledger, server, tmp_path)
    with Client(server.address) as client:
        client.set_time(now)
        ledger.run(
            "INSERT INTO customers (account_id, currency) VALUES ('A', 'USD')",
            "INSERT INTO flags (account_id, flag_id, kind, source, reason)"
            " VALUES ('A', 'F1', 'bureau', 'a bureau', 'insolvency filed')",
        )
        sync.once()
        assert [hold.hold_id for hold in client.get_account("A").holds] == ["F1"]
        ledger.run("UPDATE flags SET expires_at = now() + interval '1 hour'")
        client.set_time(now + timedelta(hours=2))
        sync.once()
        assert not client.get_account("A").holds
    assert not letters_of(sync)


def test_of_many_that_wait_none_comes_after_a_newer_one(
    server: ServerProcess, client: Client, tmp_path: Path
) -> None:
    def limit(number: int, account_id: str, amount: str) -> OutboxRow:
        cells = LIMIT | {"account_id": account_id, "limit_amount": amount}
        return OutboxRow(number, 0.0, "limit", cells)

    async def parts() -> AsyncGenerator[Sequence[OutboxRow]]:
        others = [limit(2 + number, f"N{number}", "1") for number in WAITS]
        yield [limit(1, "A", "100"), *others, limit(5_000, "A", "900")]
        yield [OutboxRow(5_001, 0.0, "customer", {"account_id": "A", "currency": "USD"})]

    async def take() -> None:
        async with AsyncClient(server.address) as taker:
            with LetterBox(tmp_path) as letters:
                reference = mapping.read(mapping.REFERENCE)
                await Taking(taker, reference, letters, Source("ledger")).take(parts())
                found = letters.list()
                assert {letter.reason for letter in found} == {"ACCOUNT_NOT_FOUND"}
                assert {letter.account_id for letter in found} == {f"N{n}" for n in WAITS}

    asyncio.run(take())
    assert client.get_account("A").limit == CreditLimit.of(900_00)


def test_a_flag_for_ever_is_not_taken_for_one_that_ended(
    books: Books, sync: SyncProcess, client: Client
) -> None:
    add_customer(books)
    flag = {"account_id": "A", "flag_id": "F1", "kind": "fraud", "source": "us"}
    books.add("flags", **flag)
    sync.once()
    books.execute("UPDATE flags SET expires_at = '9999-12-31'")
    sync.once()
    assert [hold.hold_id for hold in client.get_account("A").holds] == ["F1"]
    assert letters_of(sync) == {"flag:A:F1"}


def test_what_comes_with_what_older_letters_lacked_is_taken_behind_them(
    books: Books, server: ServerProcess, sync: SyncProcess, client: Client
) -> None:
    sync.once()
    add_customer(books, segment_id="late")
    books.add("limits", account_id="A", limit_kind="amount", limit_amount=50)
    sync.once()
    assert letters_of(sync) == {"customer:A", "limit:A"}
    # All in one transaction: the account comes by its letter, between them.
    books.execute(
        "INSERT INTO segments (segment_id, currency, limit_kind, limit_amount)"
        " VALUES ('late', 'USD', 'amount', 5);"
        "UPDATE limits SET limit_amount = 20;"
        "INSERT INTO payments VALUES ('P1', 'A', 'USD', 7, '2026-01-07')"
    )
    sync.once()
    assert not letters_of(sync)
    assert client.get_account("A").limit == CreditLimit.of(20_00)
    assert open_items(server) == {("A", ""): -7_00}


def test_a_second_snapshot_closes_the_letters_of_the_first(
    server: ServerProcess, client: Client, tmp_path: Path
) -> None:
    """As after a cut in the middle of it."""

    async def part(segment_id: str, amount: str) -> AsyncGenerator[Sequence[OutboxRow]]:
        cells = LIMIT | {"account_id": "A", "limit_amount": amount, "segment_id": segment_id}
        yield [OutboxRow(-1, 0.0, "customer", {k: v for k, v in cells.items() if v})]

    async def take() -> None:
        async with AsyncClient(server.address) as taker:
            with LetterBox(tmp_path) as letters:
                reference = mapping.read(mapping.REFERENCE)
                taking = Taking(taker, reference, letters, Source("ledger"))
                await taking.take(part("none", "50"))
                assert {letter.event_id for letter in letters.list()} == {"customer:A", "limit:A"}
                await taking.take(part("", "80"))
                assert not letters.list()

    asyncio.run(take())
    assert client.get_account("A").limit == CreditLimit.of(80_00)
