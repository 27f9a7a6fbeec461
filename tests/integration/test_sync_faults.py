"""A ledger that changes its columns, restarts and falls silent: nothing lost, nothing twice."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from creditgate.client import Client, ClientOptions, Decision, ReasonCode
from creditgate.loaders.queue.letters import LetterBox
from demo.cluster import Cluster, is_installed
from tests.conftest import StartServer
from tests.support.ledger import (
    CUSTOMER,
    Ledger,
    SyncProcess,
    in_step,
    invoice,
    load_entries,
    mapping_with,
    open_items,
    reconciled,
)
from tests.support.server import ServerProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.skipif(not is_installed(), reason="PostgreSQL 15 is not installed")

MEMO = "INSERT INTO credit_memos VALUES ('M{0}', 'A', 'USD', {1}, NULL, '2026-01-11')"
LIMIT = "INSERT INTO limits (account_id, limit_kind, limit_amount) VALUES ('A', 'amount', 900)"
ZOE = "INSERT INTO customers VALUES ('Z', 'Zoe', 'USD')"
# A snapshot waits in the middle of its rows for as long as somebody holds the lock.
GATE = 4_711
WAITS = f"""
    CREATE FUNCTION waits(name text) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN
        IF name = 'Z' THEN PERFORM pg_advisory_xact_lock_shared({GATE}); END IF;
        RETURN name;
    END $$"""


@pytest.fixture(scope="module")
def ledger_cluster() -> Iterator[Cluster]:
    # What need not be on disk is not for a long time, and a power cut takes it.
    with Cluster(wal_writer_delay="10s") as cluster:
        yield cluster


def waiting(folder: Path) -> Path:
    """A mapping whose snapshot waits in the middle of its rows, see WAITS."""
    return mapping_with(folder, ('"r.display_name"', '"waits(r.account_id)"'))


@contextmanager
def held(ledger: Ledger) -> Iterator[psycopg.Connection[Any]]:
    """Has it wait."""
    with psycopg.connect(ledger.conninfo, autocommit=True) as gate:
        gate.execute("SELECT pg_advisory_lock(%s)", (GATE,))
        yield gate


def is_waiting(gate: psycopg.Connection[Any]) -> bool:
    """Whether a snapshot does."""
    copies = "SELECT FROM pg_stat_activity WHERE query LIKE 'COPY %' AND wait_event = 'advisory'"
    return gate.execute(copies).fetchone() is not None


def roll_back(ledger: Ledger) -> None:
    """Use numbers of transactions of which nothing is on disk."""
    with psycopg.connect(ledger.conninfo) as connection:
        for number in range(1_000, 1_050):
            connection.execute(invoice(number).encode())
            connection.rollback()


def accounts(server: ServerProcess) -> set[str]:
    with Client(server.address) as client:
        return {account.account_id for account in client.list_accounts()}


def power_cut(cluster: Cluster) -> None:
    cluster.stop("immediate")
    cluster.start()


def has_looked(ledger: Ledger) -> None:
    """Returns when the sync has looked through the outbox, from begin to end, once more."""
    # The last of each look is one over what is behind the horizon.
    last = """
        SELECT max(query_start) > %s::timestamptz, max(query_start)::text FROM pg_stat_activity
        WHERE state = 'idle' AND datname = current_database()
            AND query LIKE '%%ORDER BY xid LIMIT 1'"""
    with psycopg.connect(ledger.conninfo, autocommit=True) as watch:
        (since,) = watch.execute("SELECT clock_timestamp()::text").fetchone() or ("",)
        for _ in range(2):  # the first may have begun before

            def is_later() -> bool:
                nonlocal since
                later, at = watch.execute(last, (since,)).fetchone() or (False, "")
                since = at if later else since
                return bool(later)

            eventually(is_later)


def test_an_amount_that_becomes_text(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess, tmp_path: Path
) -> None:
    ledger.run(CUSTOMER, invoice(1))
    sync.start()
    assert in_step(ledger, server)
    ledger.run(
        "DROP VIEW open_items",
        "ALTER TABLE invoices DROP CONSTRAINT invoices_amount_check",
        "ALTER TABLE invoices ALTER amount TYPE text",
    )
    ledger.run(invoice(2), invoice(3, "'n/a'"), MEMO.format(1, 5))
    eventually(lambda: open_items(server) == {("A", "I1"): 100_00, ("A", ""): -5_00})
    with LetterBox(sync.state) as letters:
        eventually(lambda: len(letters.list()) == 2)
        assert {letter.reason for letter in letters.list()} == {"SCHEMA_DRIFT"}
        assert all("trim_scale(text)" in letter.message for letter in letters.list())
        # A mapping that reads it takes what is a number, also of before.
        mended = mapping_with(tmp_path, ("trim_scale(r.amount)", "trim_scale(r.amount::numeric)"))
        ledger.install(mended)
        ledger.run(invoice(4, "'n/a'"), invoice(5, "'7.50'"))
        eventually(lambda: open_items(server).get(("A", "I5")) == 7_50)
        assert open_items(server).keys() == {("A", name) for name in ("", "I1", "I2", "I5")}
        eventually(lambda: len(letters.list()) == 3)
        assert sum("n/a" in letter.message for letter in letters.list()) == 1
    # A row that is mended in its table is told of as it is now.
    ledger.run(
        "UPDATE invoices SET amount = '30' WHERE invoice_id = 'I3'",
        "UPDATE invoices SET amount = '40' WHERE invoice_id = 'I4'",
        "ALTER TABLE invoices ALTER amount TYPE numeric USING amount::numeric",
    )
    ledger.make_open_items()
    ledger.install()
    assert in_step(ledger, server)
    assert open_items(server)["A", "I4"] == 40_00


def test_a_date_that_becomes_text(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess, tmp_path: Path
) -> None:
    ledger.run(CUSTOMER, invoice(1))
    sync.start()
    assert in_step(ledger, server)
    ledger.run(
        "DROP VIEW open_items",
        "ALTER TABLE invoices ALTER due_date TYPE text USING to_char(due_date, 'DD.MM.YYYY')",
    )
    ledger.make_open_items()
    ledger.run(invoice(2).replace("2026-02-04", "04.02.2026"), MEMO.format(1, 5))
    eventually(lambda: open_items(server) == {("A", "I1"): 100_00, ("A", ""): -5_00})
    with LetterBox(sync.state) as letters:
        eventually(lambda: bool(letters.list()))
        (letter,) = letters.list()
    assert (letter.event_id, letter.field, letter.value) == (
        "invoice:invoice:I2", "due_date", "04.02.2026",
    )  # fmt: skip
    assert reconciled(ledger, server)["differences"][0]["items"] == {"I2": [100_00, 0]}

    as_date = "to_char(to_date(r.due_date, 'DD.MM.YYYY'), 'YYYY-MM-DD')"
    ledger.install(mapping_with(tmp_path, ('due_date = "r.due_date"', f'due_date = "{as_date}"')))
    ledger.run(invoice(3).replace("2026-02-04", "05.02.2026"))
    # The document that was refused is loaded as it should have been, under its own id.
    cells = {**json.loads(letter.payload)["cells"], "due_date": "2026-02-04"}
    load_entries(server, tmp_path, cells)
    assert in_step(ledger, server)
    assert open_items(server).keys() == {("A", name) for name in ("", "I1", "I2", "I3")}


@pytest.mark.parametrize("stopped", ["the ledger", "the sync"])
def test_a_stop_in_the_middle_of_the_snapshots_copy(
    ledger_cluster: Cluster, server: ServerProcess, tmp_path: Path, stopped: str
) -> None:
    ledger = Ledger(ledger_cluster)
    ledger.run(
        CUSTOMER,
        *(f"INSERT INTO customers VALUES ('C{number}', 'C', 'USD')" for number in range(2_000)),
        "INSERT INTO customers VALUES ('Z', 'Zoe', 'USD')",
        *(invoice(number) for number in range(20)),
        WAITS,
    )
    sync = SyncProcess(ledger, server, tmp_path, "--mapping", str(waiting(tmp_path)))
    with held(ledger) as gate:
        sync.start()
        eventually(lambda: is_waiting(gate))
        assert open_items(server) == {}
        if stopped == "the sync":
            sync.kill()
        else:
            power_cut(ledger_cluster)
    # What comes between two snapshots is in the second one.
    ledger.run(invoice(100))
    if stopped == "the sync":
        sync.start()
    assert in_step(ledger, server)
    assert len(open_items(server)) == 21
    assert sync.terminate() == 0, sync.log.read_text()


def test_power_cuts_while_the_ledger_is_written(
    ledger_cluster: Cluster, ledger: Ledger, server: ServerProcess, sync: SyncProcess
) -> None:
    ledger.run(CUSTOMER)
    sync.start()
    ended = threading.Event()

    def write() -> None:
        numbers = count()
        while not ended.is_set():
            # Away, or cut off in the middle: the next one is another invoice.
            with suppress(psycopg.Error), psycopg.connect(ledger.conninfo) as connection:
                while not ended.is_set():
                    connection.execute(invoice(next(numbers), "7").encode())
                    connection.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            known = len(open_items(server))
            eventually(lambda: len(open_items(server)) > known + 50)  # noqa: B023 - not kept
            power_cut(ledger_cluster)
    finally:
        ended.set()
        writer.join()
    assert in_step(ledger, server)
    assert sync.terminate() == 0, sync.log.read_text()


def test_transactions_that_a_power_cut_takes_back_have_others_in_their_place(
    ledger_cluster: Cluster, ledger: Ledger, server: ServerProcess, sync: SyncProcess
) -> None:
    """PostgreSQL gives the numbers of transactions that left nothing on disk to others."""
    ledger.run(CUSTOMER)
    sync.start()
    assert in_step(ledger, server)
    roll_back(ledger)
    has_looked(ledger)
    power_cut(ledger_cluster)
    ledger.run(invoice(101))
    assert in_step(ledger, server)
    assert open_items(server).keys() == {("A", "I101")}
    assert sync.terminate() == 0, sync.log.read_text()


def test_a_snapshot_that_a_power_cut_comes_upon(
    ledger_cluster: Cluster, ledger: Ledger, server: ServerProcess, tmp_path: Path
) -> None:
    """What it has seen it tells by the numbers of transactions too."""
    ledger.run(CUSTOMER, ZOE, invoice(1), invoice(2, account="Z"), WAITS)
    start = "[open_items.columns]\naccount_id = "
    file = mapping_with(tmp_path, (f'{start}"r.account_id"', f'{start}"waits(r.account_id)"'))
    sync = SyncProcess(ledger, server, tmp_path, "--mapping", str(file))
    roll_back(ledger)
    with held(ledger) as gate:
        sync.start()
        eventually(lambda: is_waiting(gate) and accounts(server) == {"A", "Z"})
        server.kill()
    eventually((sync.state / "snapshot.json").exists)
    power_cut(ledger_cluster)
    ledger.run(invoice(101))
    server.restart(listen=server.address)
    assert in_step(ledger, server)
    assert open_items(server).keys() == {("A", "I1"), ("Z", "I2"), ("A", "I101")}
    assert sync.terminate() == 0, sync.log.read_text()


def test_a_server_that_goes_away_while_a_snapshot_is_told(
    ledger: Ledger, server: ServerProcess, tmp_path: Path
) -> None:
    ledger.run(CUSTOMER, ZOE, invoice(1), WAITS)
    sync = SyncProcess(ledger, server, tmp_path, "--mapping", str(waiting(tmp_path)))
    with held(ledger) as gate:
        sync.start()
        eventually(lambda: is_waiting(gate))
        server.kill()
    eventually(lambda: "UNAVAILABLE" in sync.log.read_text())
    assert not (sync.state / "snapshot.json").exists()
    server.restart(listen=server.address)
    assert in_step(ledger, server)
    assert accounts(server) == {"A", "Z"}
    assert sync.terminate() == 0, sync.log.read_text()


def test_orders_wait_for_a_ledger_that_is_not_followed(
    ledger: Ledger, start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server(clock="manual")
    # The ledger's clock cannot be set, and a ledger far ahead of the server is refused.
    now = datetime.now(UTC)
    sync = SyncProcess(ledger, server, tmp_path)
    with Client(server.address) as client:
        client.set_time(now)
        ledger.run(CUSTOMER, LIMIT, invoice(1))
        sync.start()
        assert in_step(ledger, server)
        policy = '[all.stale-ledger]\nhours = 2\nsources = ["ledger"]\n'
        anna, bert = (ClientOptions(actor=name) for name in ("anna", "bert"))
        with Client(server.address, anna) as puts, Client(server.address, bert) as activates:
            version = puts.put_policy(policy, "as agreed").version
            activates.activate_policy(version, "looked at it")
        assert client.check("A", 1, "USD").decision is Decision.APPROVED
        # A ledger with nothing to say is fresh for as long as it is followed.
        client.set_time(now + timedelta(hours=2))
        eventually(lambda: client.check("A", 1, "USD").decision is Decision.APPROVED)
        assert sync.terminate() == 0
        client.set_time(now + timedelta(hours=5))
        ledger.run(invoice(2))
        refused = client.check("A", 1, "USD")
        assert refused.decision is Decision.DECLINED
        assert [reason.code for reason in refused.reasons] == [ReasonCode.LEDGER_STALE]
        sync.start()
        eventually(lambda: client.check("A", 1, "USD").decision is Decision.APPROVED)
        assert in_step(ledger, server)
    assert sync.terminate() == 0, sync.log.read_text()
