"""What lies at the edges of the ledger's sync: before the snapshot, beside it, and out of order."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import psycopg
import pytest

from creditgate.client import (
    AccountUpsert,
    AsyncClient,
    Client,
    ClientOptions,
    CreditLimit,
    Segment,
)
from creditgate.loaders.ledger import mapping, outbox
from creditgate.loaders.ledger import sync as sync_module
from creditgate.loaders.ledger.mapping import REFERENCE
from creditgate.loaders.ledger.sync import LedgerSync
from creditgate.loaders.queue.letters import LetterBox
from creditgate.loaders.running.sources import Source
from tests.support.books import Books
from tests.support.ledger import SyncProcess, open_items, reconciled
from tests.support.server import ServerProcess
from tests.support.waiting import TIMEOUT_S


@pytest.fixture
def ledger(books: Books) -> Books:
    return books


class Calls:
    """Counts the calls of a coroutine function."""

    def __init__(self) -> None:
        self.count = 0
        self._more = asyncio.Event()

    def of(self, called: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """The same function, counted."""

        async def counted(*arguments: Any, **named: Any) -> Any:
            result = await called(*arguments, **named)
            self.count += 1
            self._more.set()
            return result

        return counted

    async def reach(self, count: int) -> None:
        """Waits until there were so many."""
        while self.count < count:
            self._more.clear()
            await self._more.wait()


def add_customer(books: Books, account_id: str = "A", **others: Any) -> None:
    books.add("customers", account_id=account_id, currency="USD", **others)


def add_invoice(books: Books, invoice_id: str, amount: int = 100, **others: Any) -> None:
    row = {"account_id": "A", "currency": "USD", "issue_date": "2026-01-05"} | others
    books.add("invoices", invoice_id=invoice_id, amount=amount, **row)


def pay(books: Books, payment_id: str, invoice_id: str, amount: int = 100) -> None:
    """Pays so much of an invoice."""
    with books.connection.transaction():
        row = {"account_id": "A", "currency": "USD", "received_on": "2026-01-09"}
        books.add("payments", payment_id=payment_id, amount=amount, **row)
        books.add("payment_allocations", payment_id=payment_id, invoice_id=invoice_id,
                  amount=amount, allocated_on="2026-01-09")  # fmt: skip


def eventually(condition: Callable[[], bool]) -> None:
    """Waits for what another process does, for a minute at most."""
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until


def named(report: dict[str, Any]) -> set[tuple[str, str, str]]:
    """The entries that a reconciliation names: the account, what is wrong, the entry."""
    return {
        (one["account_id"], entry["kind"], entry["entry_id"])
        for one in report["differences"]
        for entry in one["entries"]
    }


@pytest.mark.parametrize("is_open", [True, False])
def test_what_an_opening_stands_for_is_not_missing(
    books: Books, server: ServerProcess, sync: SyncProcess, *, is_open: bool
) -> None:
    """Documents from before the outbox, and of transactions that ended beside one that ran."""
    add_customer(books)
    add_customer(books, "B")
    add_invoice(books, "I1")
    add_invoice(books, "J1", account_id="B")
    pay(books, "P1", "I1", 60 if is_open else 100)
    books.execute("TRUNCATE creditgate_outbox")
    with psycopg.connect(books.conninfo) as running:
        running.execute("INSERT INTO terms (terms_id, due) VALUES ('late', 'net 30')")
        if is_open:
            pay(books, "P2", "I1", 30)
        sync.start()
        # The snapshot is sent while the transaction runs.
        eventually(lambda: ("B", "J1") in open_items(server))
    sync.kill()
    sync.once()
    assert not reconciled_now(books, server, sync)["differences"]
    # A reversal is told when its transaction commits, and then lost.
    books.execute("INSERT INTO payment_reversals VALUES ('P1', '2026-01-12', 'bounced')")
    books.execute("DELETE FROM creditgate_outbox WHERE feed = 'reversal'")
    (entry,) = named(reconciled_now(books, server, sync))
    assert entry[:2] == ("A", "MISSING")
    assert entry[2].startswith("reversal:")


def reconciled_now(books: Books, server: ServerProcess, sync: SyncProcess) -> dict[str, Any]:
    """What a reconciliation finds while the sync runs."""
    sync.start()
    report = reconciled(books, server)
    sync.kill()
    return report


def test_what_was_captured_here_and_paid_before_the_snapshot_is_settled(
    books: Books, server: ServerProcess, sync: SyncProcess, client: Client
) -> None:
    limit = CreditLimit.of(1_000_00)
    client.upsert_accounts([AccountUpsert(account_id="A", currency="USD", limit=limit)])
    add_customer(books)
    # Paid; paid too much; paid in part; and one that the ledger does not have yet.
    for number, paid in enumerate([60, 70, 20, 0], 1):
        order = client.check_and_reserve("A", f"O{number}", 60_00, "USD")
        client.capture(f"I{number}", reservation_id=order.reservation_id, final=True)
        if paid:
            add_invoice(books, f"I{number}", 60, order_id=f"O{number}")
            pay(books, f"P{number}", f"I{number}", paid)
    sync.once()
    position = client.get_position("A")
    assert (position.captured_minor, position.outstanding_minor) == (60_00, 30_00)
    assert open_items(server) == {("A", "I2"): -10_00, ("A", "I3"): 40_00}
    assert not reconciled_now(books, server, sync)["differences"]
    books.execute("INSERT INTO payment_reversals VALUES ('P1', '2026-01-12', 'bounced')")
    add_invoice(books, "I4", 60, order_id="O4")
    sync.once()
    assert client.get_position("A").captured_minor == 0
    assert open_items(server) == books.open_items()
    assert not LetterBox(sync.state).list()


def test_children_before_their_parents_are_taken(
    books: Books, sync: SyncProcess, client: Client
) -> None:
    sync.once()
    rows = [("C", "'B'"), ("B", "'A'"), ("A", "NULL"), ("X", "'Y'"), ("Y", "NULL")]
    values = ", ".join(f"('{child}', 'USD', {parent})" for child, parent in rows)
    # In parts of a few thousand rows, the last of which has the parent of the first child.
    others = ", ".join(f"('N{number}', 'USD', NULL)" for number in range(6_000))
    books.execute(
        "INSERT INTO customers (account_id, currency, parent_account_id)"
        f" VALUES ('Z2', 'USD', 'Z1'), {values}, {others}, ('Z1', 'USD', NULL)"
    )
    sync.once()
    assert not LetterBox(sync.state).list()
    parents = {name: client.get_account(name).parent_account_id for name in ("C", "B", "X", "Z2")}
    assert parents == {"C": "B", "B": "A", "X": "Y", "Z2": "Z1"}


def test_a_limit_that_is_wrong_at_the_snapshot_keeps_no_account_out(
    books: Books, sync: SyncProcess, client: Client, server: ServerProcess
) -> None:
    add_customer(books)
    add_invoice(books, "I1")
    books.add("limits", account_id="A", limit_kind="amount", limit_amount="1.005")
    sync.once()
    assert open_items(server) == {("A", "I1"): 100_00}
    with LetterBox(sync.state) as letters:
        (letter,) = letters.list()
        assert (letter.event_id, letter.field) == ("limit:A", "limit_amount")
        books.execute("UPDATE limits SET limit_amount = 1.00")
        sync.once()
        assert not letters.list()
        books.execute("UPDATE limits SET limit_amount = 1.005")
        sync.once()
        (letter,) = letters.list()
        # Without an amount of its own, what its account owes is at stake.
        assert (letter.amount_minor, letter.currency) == (100_00, "USD")
    assert client.get_account("A").limit == CreditLimit.of(1_00)


def test_a_dispute_of_what_was_paid_before_the_snapshot_is_known(
    books: Books, server: ServerProcess, sync: SyncProcess, client: Client
) -> None:
    add_customer(books)
    add_invoice(books, "I1")
    books.add("disputes", dispute_id="D1", invoice_id="I1", amount=40, opened_on="2026-01-08")
    pay(books, "P1", "I1")
    sync.once()
    assert not reconciled_now(books, server, sync)["differences"]
    books.execute("INSERT INTO payment_reversals VALUES ('P1', '2026-01-12', 'bounced')")
    sync.once()
    (account,) = client.list_open_items("A")
    assert [(item.open_minor, item.disputed_minor) for item in account.items] == [(100_00, 40_00)]


def test_how_old_the_oldest_row_is_costs_one_row(books: Books) -> None:
    books.execute(
        "INSERT INTO customers (account_id, currency)"
        " SELECT number, 'USD' FROM generate_series(1, 2000) AS number"
    )

    async def rows_read() -> int:
        async with await outbox.connect(books.conninfo) as ledger, outbox.one_moment(ledger):
            assert await outbox.oldest(ledger, 0) is not None
            cursor = await ledger.execute(
                "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
                " WHERE relname = 'creditgate_outbox'"
            )
            row = await cursor.fetchone()
            return 0 if row is None else int(row[0])

    assert asyncio.run(rows_read()) == 1


def test_a_ledger_that_gives_transactions_out_again_is_refused(
    books: Books, server: ServerProcess, sync: SyncProcess
) -> None:
    add_customer(books)
    sync.once()
    add_invoice(books, "I1")
    sync.once()
    assert open_items(server) == books.open_items()
    # As after a backup of before all this, minutes later and with as many transactions since.
    add_invoice(books, "I2")
    books.execute(
        "UPDATE creditgate_outbox SET at = at + interval '2 minutes',"
        " xid = (SELECT min(xid) FROM creditgate_outbox) WHERE cells->>'invoice_id' = 'I2'"
    )
    done = sync.completed("--once")
    assert done.returncode == 3
    assert "this ledger has written below that since" in done.stderr


def test_a_ledger_whose_limits_are_owned_here_leaves_out_what_has_no_proposals(
    books: Books, server: ServerProcess, client: Client, tmp_path: Path
) -> None:
    version = client.put_policy("[limits]\nowner = 'creditgate'\n", "limits").version
    with Client(server.address, ClientOptions(actor="somebody else")) as activator:
        activator.activate_policy(version, "agreed")
    gold = Segment(segment_id="gold", currency="USD", default_limit=CreditLimit.of(7_00))
    client.upsert_segments([gold])
    books.add("segments", segment_id="gold", currency="USD", limit_kind="amount", limit_amount=5)
    add_customer(books, segment_id="gold")
    limit = {"max_order_amount": 3, "shared_limit_amount": 3}
    books.add("limits", account_id="A", limit_kind="amount", limit_amount=8, **limit)
    reference = REFERENCE.read_text()
    start = reference.index('[[feed]]\nname = "segment"')
    text = reference[:start] + reference[reference.index("[[feed]]", start + 1) :]
    left_out = ("max_order_amount", "shared_limit_kind", "shared_limit_amount")
    lines = text.splitlines(keepends=True)
    ours = tmp_path / "ours.toml"
    ours.write_text("".join(line for line in lines if not line.startswith(left_out)))
    books.install(ours)
    sync = SyncProcess(books, server, tmp_path, "--mapping", str(ours))
    sync.once()
    books.execute("UPDATE limits SET limit_amount = 9, max_order_amount = 4")
    sync.once()
    assert not LetterBox(sync.state).list()
    assert client.get_account("A").segment_id == "gold"
    (proposal,) = client.list_proposals()
    assert proposal.proposal.limit == CreditLimit.of(9_00)


def test_what_the_outbox_could_not_tell_before_the_snapshot_does_not_count_twice(
    books: Books, server: ServerProcess, sync: SyncProcess
) -> None:
    add_customer(books)
    books.execute("ALTER TABLE adjustments RENAME COLUMN amount TO moved")
    adjustment = {"account_id": "A", "currency": "USD", "kind": "correction"}
    books.add("adjustments", adjustment_id="W1", moved=5, posted_on="2026-01-11", **adjustment)
    books.execute("ALTER TABLE adjustments RENAME COLUMN moved TO amount")
    done = sync.completed("--once")
    assert done.returncode == 3
    assert "1 of feed 'adjustment' (column r.amount does not exist)" in done.stderr
    assert open_items(server) == {}
    books.install()
    sync.once()
    assert open_items(server) == books.open_items() == {("A", ""): 5_00}


def test_a_row_that_was_mended_by_one_that_had_to_wait_leaves_no_letter(
    books: Books, sync: SyncProcess, client: Client
) -> None:
    sync.once()
    add_customer(books, display_name="x" * 1_000)
    books.execute("UPDATE customers SET display_name = 'Ann', segment_id = 'late'")
    books.add("segments", segment_id="late", currency="USD", limit_kind="amount", limit_amount=5)
    sync.once()
    assert not LetterBox(sync.state).list()
    account = client.get_account("A")
    assert (account.display_name, account.segment_id) == ("Ann", "late")


def test_a_ledger_that_holds_something_back_is_not_heard(
    books: Books, server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits behind a transaction that does not end is not known to the server, whose picture
    of the ledger must not count as fresh."""
    monkeypatch.setattr(sync_module, "HEARD_EVERY_S", 0)
    polls, moves = Calls(), Calls()
    monkeypatch.setattr(outbox, "horizon", polls.of(outbox.horizon))
    monkeypatch.setattr(AsyncClient, "move_source", moves.of(AsyncClient.move_source))
    add_customer(books)

    async def follow() -> None:
        source = Source("ledger")
        async with AsyncClient(server.address) as client:
            with LetterBox(tmp_path) as letters:
                sync = LedgerSync(client, mapping.read(REFERENCE), tmp_path, letters, source)
                running = asyncio.create_task(sync.run(books.conninfo))
                async with asyncio.timeout(TIMEOUT_S):
                    await moves.reach(3)
                    other = await psycopg.AsyncConnection.connect(books.conninfo)
                    await other.execute("SELECT pg_current_xact_id()")
                    add_invoice(books, "I1")
                    while not source.lag_s():
                        await polls.reach(polls.count + 1)
                    told = moves.count
                    await polls.reach(polls.count + 5)
                    assert moves.count == told
                    await other.close()
                    await moves.reach(told + 3)
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    asyncio.run(follow())
    assert open_items(server) == {("A", "I1"): 100_00}
