"""The ledger's sync with a real PostgreSQL and a real server: nothing lost, nothing twice."""

import json
import random
import zlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from creditgate.client import Client, EntryKind, LedgerEntry
from creditgate.loaders.ledger.mapping import REFERENCE
from creditgate.loaders.queue.letters import LetterBox
from demo.cluster import Cluster, is_installed
from tests.support.ledger import (
    CUSTOMER,
    Ledger,
    SyncProcess,
    in_step,
    invoice,
    load_entries,
    open_items,
    payment,
)
from tests.support.server import ServerProcess

pytestmark = pytest.mark.skipif(not is_installed(), reason="PostgreSQL 15 is not installed")


@pytest.fixture(scope="module")
def ledger_cluster() -> Iterator[Cluster]:
    """One that a power cut leaves whole."""
    with Cluster() as cluster:
        yield cluster


def test_a_snapshot_then_every_kind_of_change(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess, client: Client
) -> None:
    ledger.run(
        "INSERT INTO segments VALUES ('gold', 'USD', 'amount', 5000, NULL, NULL)",
        CUSTOMER,
        "INSERT INTO limits (account_id, limit_kind, limit_amount) VALUES ('A', 'amount', 900.50)",
        # Children before their parent, as a table may have them.
        "INSERT INTO customers VALUES ('Z', 'Zoe', 'USD')",
        "INSERT INTO customers VALUES ('B', 'Ben', 'USD', 'Z', 'gold')",
        "UPDATE customers SET parent_account_id = 'B' WHERE account_id = 'A'",
        invoice(1), invoice(2, "40.5"),
        *payment(1, "150", I1="100", I2="20"),
    )  # fmt: skip
    sync.once()
    assert open_items(server) == ledger.open_items() == {("A", "I2"): 20_50, ("A", ""): -30_00}
    account = client.get_account("A")
    assert (account.display_name, account.parent_account_id) == ("Ann", "B")
    assert account.limit.amount_minor == 900_50
    assert client.get_position("B").effective_limit.amount_minor == 5_000_00

    ledger.run(invoice(3), "UPDATE limits SET limit_amount = 800")
    ledger.run(
        "INSERT INTO payment_allocations (payment_id, invoice_id, amount, allocated_on)"
        " VALUES ('P1', 'I3', 25, '2026-01-10')",
        "INSERT INTO credit_memos VALUES ('M1', 'A', 'USD', 5, 'I3', '2026-01-11')",
        "INSERT INTO adjustments VALUES ('W1', 'A', 'USD', -0.5, 'I2', 'write_off', '2026-01-11')",
    )
    sync.once()
    assert open_items(server) == ledger.open_items()
    assert client.get_account("A").limit.amount_minor == 800_00

    ledger.run("INSERT INTO payment_reversals VALUES ('P1', '2026-01-12', 'bounced')")
    sync.once()
    assert open_items(server) == ledger.open_items()
    assert open_items(server)["A", "I1"] == 100_00
    assert not LetterBox(sync.state).list()


def test_an_invoice_captured_here_counts_once(
    ledger: Ledger, sync: SyncProcess, client: Client
) -> None:
    ledger.run(
        CUSTOMER,
        "INSERT INTO limits (account_id, limit_kind, limit_amount) VALUES ('A', 'amount', 900)",
    )
    sync.once()
    order = client.check_and_reserve("A", "O1", 60_00, "USD")
    client.capture("I1", reservation_id=order.reservation_id, final=True)
    assert client.get_position("A").captured_minor == 60_00
    ledger.run(invoice(1, "60"))
    sync.once()
    position = client.get_position("A")
    assert (position.captured_minor, position.outstanding_minor) == (0, 60_00)


def test_what_is_disputed_is_known_for_as_long_as_it_is(
    ledger: Ledger, sync: SyncProcess, client: Client
) -> None:
    def disputed() -> dict[str, int]:
        (account,) = client.list_open_items("A")
        return {item.invoice_id: item.disputed_minor for item in account.items}

    opens = (
        "INSERT INTO disputes (dispute_id, invoice_id, amount, opened_on) VALUES"
        " ('D{0}', 'I{0}', 40, '2026-01-12')"
    )
    ledger.run(CUSTOMER, invoice(1), invoice(2), opens.format(1))
    sync.once()
    assert disputed() == {"I1": 40_00, "I2": 0}
    ledger.run(opens.format(2), "UPDATE disputes SET resolved_on = now() WHERE dispute_id = 'D1'")
    sync.once()
    assert disputed() == {"I1": 0, "I2": 40_00}
    ledger.run("UPDATE disputes SET resolved_on = NULL WHERE dispute_id = 'D1'")
    sync.once()
    assert disputed() == {"I1": 40_00, "I2": 40_00}
    assert not LetterBox(sync.state).list()


def test_what_a_gateway_told_of_too_counts_once(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess, client: Client
) -> None:
    def tell(entry_id: str, kind: EntryKind, amount_minor: int) -> None:
        entry = LedgerEntry(
            entry_id=entry_id, account_id="A", kind=kind, amount_minor=amount_minor, currency="USD"
        )
        client.post_entries("gateway:shop", [entry])

    def pays(number: int) -> list[str]:
        of_gateway = (
            f"'2026-01-09', 'shop', 'pay_{number}')", "received_on, gateway, gateway_payment_id"
        )  # fmt: skip
        paid, *allocated = payment(number, "30", I1="20")
        paid = paid.replace("'2026-01-09')", of_gateway[0]).replace("received_on", of_gateway[1])
        return [paid, *allocated]

    ledger.run(CUSTOMER, invoice(1), invoice(2))
    sync.once()
    tell("pay_1", EntryKind.PAYMENT, 30_00)
    ledger.run(*pays(1), *pays(2))
    sync.once()
    tell("pay_2", EntryKind.PAYMENT, 30_00)
    assert open_items(server) == ledger.open_items()
    assert open_items(server) == {("A", "I1"): 60_00, ("A", "I2"): 100_00, ("A", ""): -20_00}
    tell("back_1", EntryKind.ADJUSTMENT, 30_00)
    ledger.run(
        "INSERT INTO payment_reversals VALUES ('P1', '2026-01-12', 'chargeback', 'back_1')",
        "INSERT INTO adjustments VALUES"
        " ('R1', 'A', 'USD', 5, NULL, 'refund', '2026-01-12', NULL, 'shop', 'ref_2')",
    )
    sync.once()
    tell("ref_2", EntryKind.ADJUSTMENT, 5_00)
    assert open_items(server) == ledger.open_items()
    assert open_items(server) == {("A", "I1"): 80_00, ("A", "I2"): 100_00, ("A", ""): -5_00}
    assert not LetterBox(sync.state).list()


def test_transactions_that_commit_late_are_not_skipped(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess
) -> None:
    seed = random.randrange(1 << 32)
    play = random.Random(seed)
    ledger.run(CUSTOMER, *(invoice(number) for number in range(5)))
    number = 100
    for _ in range(4):
        writers = [psycopg.connect(ledger.conninfo) for _ in range(4)]
        # Each begins early and ends in any order, so ids and commits are not in one order; the
        # snapshot, and each later start, comes while some are open.
        for _ in range(12):
            number += 1
            play.choice(writers).execute(invoice(number).encode())
        play.shuffle(writers)
        sync.start()
        for writer in writers:
            writer.execute(payment(number := number + 1, "10", I1="1")[0].encode())
            play.choice([writer.commit, writer.commit, writer.rollback])()
            if play.random() < 0.3:
                sync.kill()
                sync.start()
            writer.close()
        sync.kill()
        sync.once()
        assert open_items(server) == ledger.open_items(), seed


def test_a_row_that_cannot_be_taken_waits_for_its_mending(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess, tmp_path: Path
) -> None:
    ledger.run(CUSTOMER)
    sync.once()
    ledger.run(
        invoice(1).replace("'USD'", "'CAD'"),
        invoice(2),
        "INSERT INTO limits (account_id, limit_kind, limit_amount) VALUES ('A', 'amount', 1.005)",
    )
    sync.once()
    assert open_items(server) == {("A", "I2"): 100_00}
    with LetterBox(sync.state) as letters:
        found = {letter.event_id: letter for letter in letters.list()}
        assert set(found) == {"invoice:invoice:I1", "limit:A"}
        assert found["invoice:invoice:I1"].reason == "CURRENCY_MISMATCH"
        assert found["invoice:invoice:I1"].amount_minor == 100_00
        assert found["limit:A"].field == "limit_amount"
        # Mended in the ledger, the row comes again by itself, and its letter is done with.
        ledger.run("UPDATE limits SET limit_amount = 1.00")
        sync.once()
        assert [letter.event_id for letter in letters.list()] == ["invoice:invoice:I1"]
        # A document comes once: mended, it is loaded under its own id.
        ledger.run("UPDATE invoices SET currency = 'USD'")
        (letter,) = letters.list()
    cells = {**json.loads(letter.payload)["cells"], "currency": "USD"}
    load_entries(server, tmp_path, cells)
    sync.start()
    assert in_step(ledger, server)


def test_what_is_emptied_and_what_has_ended_is_told(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess, client: Client
) -> None:
    flag = "INSERT INTO flags VALUES ('A', '{}', 'bureau', 'b', NULL, {}, NULL)"
    ledger.run(
        "INSERT INTO segments VALUES ('gold', 'USD', 'amount', 5000, NULL, NULL)",
        CUSTOMER,
        "UPDATE customers SET segment_id = 'gold'",
        flag.format("over", "now() - interval '1 day'"),
        flag.format("on", "now() + interval '1 day'"),
    )
    sync.once()
    account = client.get_account("A")
    assert account.segment_id == "gold"
    assert [hold.hold_id for hold in account.holds] == ["on"]
    ledger.run(
        "UPDATE customers SET segment_id = NULL",
        "UPDATE flags SET expires_at = now() WHERE flag_id = 'on'",
    )
    sync.once()
    account = client.get_account("A")
    assert (account.segment_id, list(account.holds)) == ("", [])
    assert not LetterBox(sync.state).list()


def test_more_than_one_row_of_an_item_is_one_item(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess, tmp_path: Path
) -> None:
    """As a company's own table has them: a row for each document that is open."""
    ledger.run(
        CUSTOMER,
        "DROP VIEW open_items",
        "CREATE TABLE open_items (account_id text, currency text, invoice_id text, order_id text,"
        " issue_date date, due_date date, open numeric, disputed numeric)",
        *(
            f"INSERT INTO open_items VALUES ('A', 'USD', {invoice_id}, NULL, NULL, NULL, {amount})"
            for invoice_id, amount in [("NULL", -50), ("NULL", -50), ("'I1'", 30), ("'I1'", 70)]
        ),
    )
    sync.once()
    assert open_items(server) == {("A", ""): -100_00, ("A", "I1"): 100_00}


def test_a_column_that_is_gone_stops_neither_ledger_nor_sync(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess, tmp_path: Path
) -> None:
    ledger.run(CUSTOMER)
    sync.once()
    ledger.run(
        "DROP VIEW open_items",
        "ALTER TABLE invoices RENAME COLUMN due_date TO pay_by",
        invoice(1).replace("due_date", "pay_by"),
        "INSERT INTO credit_memos VALUES ('M1', 'A', 'USD', 5, NULL, '2026-01-11')",
    )
    sync.once()
    assert open_items(server) == {("A", ""): -5_00}
    with LetterBox(sync.state) as letters:
        (letter,) = letters.list()
    assert letter.reason == "SCHEMA_DRIFT"
    assert "due_date" in letter.message
    mended = tmp_path / "mapping.toml"
    reference = REFERENCE.read_text()
    mended.write_text(reference.replace('due_date = "r.due_date"', 'due_date = "r.pay_by"', 1))
    ledger.install(mended)
    sync.once()
    ledger.make_open_items("pay_by")
    sync.start()
    assert in_step(ledger, server)
    assert open_items(server)["A", "I1"] == 100_00
    sync.kill()
    # What is mended is told once, and a mapping without a feed has its trigger taken away.
    ledger.install(mended)
    ledger.run("ALTER TABLE invoices RENAME COLUMN pay_by TO due_date")
    only = (
        reference[: reference.index("\n[[feed]]") + 1]
        + reference[reference.index("# What is open") :]
    )
    mended.write_text(only.replace("source =", "feed = []\nsource =", 1))
    ledger.install(mended)
    ledger.run(invoice(2))
    sync.once()
    assert ("A", "I2") not in open_items(server)


def test_what_is_mended_does_not_bring_back_what_was_before(
    ledger: Ledger, sync: SyncProcess, client: Client
) -> None:
    set_limit = "INSERT INTO limits (account_id, limit_kind, {}) VALUES ('A', 'amount', 100)"
    ledger.run(CUSTOMER)
    sync.once()
    ledger.run(
        "ALTER TABLE limits RENAME COLUMN limit_amount TO amount", set_limit.format("amount")
    )
    ledger.run(
        "ALTER TABLE limits RENAME COLUMN amount TO limit_amount",
        "UPDATE limits SET limit_amount = 50",
    )
    ledger.install()
    sync.once()
    assert client.get_account("A").limit.amount_minor == 50_00


def test_whatever_stops_nothing_is_lost_and_nothing_counts_twice(
    ledger_cluster: Cluster, ledger: Ledger, server: ServerProcess, sync: SyncProcess
) -> None:
    seed = random.randrange(1 << 32)
    play = random.Random(seed)
    ledger.run(CUSTOMER, *(invoice(number) for number in range(300)))
    number = 1_000
    for _ in range(4):
        sync.start()
        fault = play.choice(["kill the sync", "kill the server", "kill the ledger"])
        for _ in range(play.randrange(1, 30)):
            number += 1
            ledger.run(invoice(number, "7"), *payment(number, "9", I1="1"))
        if fault == "kill the sync":
            sync.kill()
        elif fault == "kill the server":
            server.restart(listen=server.address)
        else:
            ledger_cluster.stop("immediate")
            ledger_cluster.start()
        # Those that were not stopped go on by themselves.
        ledger.run(invoice(number := number + 1))
        sync.kill()
    # The sync catches up while it is compared.
    sync.start()
    assert in_step(ledger, server), seed


def test_a_sync_goes_on_by_itself_once_both_are_back(
    ledger_cluster: Cluster, ledger: Ledger, server: ServerProcess, sync: SyncProcess
) -> None:
    ledger.run(CUSTOMER)
    sync.start()
    assert in_step(ledger, server)
    server.kill()
    ledger_cluster.stop("immediate")
    ledger_cluster.start()
    ledger.run(invoice(1))
    server.restart(listen=server.address)
    assert in_step(ledger, server)
    assert open_items(server) == {("A", "I1"): 100_00}
    assert sync.terminate() == 0, sync.log.read_text()


def test_two_syncs_of_one_source_are_one_too_many(ledger: Ledger, sync: SyncProcess) -> None:
    with psycopg.connect(ledger.conninfo, autocommit=True) as other:
        key = zlib.crc32(b"creditgate sync ledger")
        other.execute("SELECT pg_advisory_lock(%s)", (key,))
        done = sync.completed("--once")
    assert done.returncode == 3
    assert "another sync of source 'ledger' runs" in done.stderr


def test_a_snapshot_whose_file_is_gone_is_not_taken_twice(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess, client: Client
) -> None:
    ledger.run(CUSTOMER, invoice(1))
    client.move_source("ledger", 0)
    done = sync.completed("--once")
    assert done.returncode == 3
    assert "a second one would count twice" in done.stderr
    assert open_items(server) == {}
