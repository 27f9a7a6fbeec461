"""Networks and disks that fail around the ledger's sync: nothing lost, nothing twice."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ledger import (
    COMMAND,
    CUSTOMER,
    Ledger,
    SyncProcess,
    in_step,
    invoice,
    open_items,
)
from tests.support.network import Island, Relay
from tests.support.server import ServerProcess
from tests.support.small_disk import SmallDisk
from tests.support.waiting import eventually

DISK_BYTES = 32 << 20
LEFT_BYTES = 256 << 10
# More than fits on what is left of a disk.
CUSTOMERS = (
    "INSERT INTO customers SELECT 'C' || n, repeat('x', 100), 'USD' FROM generate_series(1, 5000) n"
)
# Of which a snapshot keeps an entry each: more than fits, too.
INVOICES = (
    "INSERT INTO invoices (invoice_id, account_id, currency, amount, issue_date, due_date)"
    " SELECT 'IC' || n, 'C' || n, 'USD', 1, '2026-01-05', '2026-02-04'"
    " FROM generate_series(1, 5000) n"
)
# Each of them a dead letter: they are no amounts of money.
LIMITS = (
    "INSERT INTO limits (account_id, limit_kind, limit_amount)"
    " SELECT 'C' || n, 'amount', 0.001 FROM generate_series(1, 500) n"
)
# How fast the loader notices a ledger that is gone; half a minute where nothing is said.
NOTICES = "keepalives_idle=1 keepalives_interval=1 keepalives_count=2 tcp_user_timeout=2000"


@pytest.fixture
def ledger(ledger: Ledger) -> Ledger:
    ledger.run(CUSTOMER, invoice(1))
    return ledger


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    mount_point = tmp_path / "disk"
    mount_point.mkdir()
    with SmallDisk(mount_point, DISK_BYTES) as disk:
        yield disk


def through(ledger: Ledger, relay: Relay, *settings: str) -> str:
    """How the ledger is reached by way of a relay."""
    port = next(part for part in ledger.conninfo.split() if part.startswith("port="))
    return " ".join([ledger.conninfo.replace(port, f"port={relay.port}"), *settings])


def address(ledger: Ledger) -> str:
    """Where the ledger's cluster listens."""
    said = dict(part.split("=") for part in ledger.conninfo.split())
    return f"{said['host']}:{said['port']}"


def failures(sync: SyncProcess) -> int:
    """How often it tried in vain, as it says."""
    return sync.log.read_text().count("attempt failed")


def test_connections_that_stall_and_break(
    ledger: Ledger, server: ServerProcess, tmp_path: Path
) -> None:
    with Relay(address(ledger)) as to_ledger, Relay(server.address) as to_server:
        sync = SyncProcess(
            ledger, server, tmp_path,
            "--address", to_server.address, "--ledger", through(ledger, to_ledger),
        )  # fmt: skip
        sync.start()
        try:
            assert in_step(ledger, server)
            number = 1
            for relay in (to_ledger, to_server):
                # Packets that were late for long come at last.
                relay.stall()
                ledger.run(invoice(number := number + 1))
                eventually(lambda: relay.holds)  # noqa: B023 - not kept
                relay.flow()
                assert in_step(ledger, server)
                # They do not, and the other end knows nothing of the connection any more.
                relay.stall()
                ledger.run(invoice(number := number + 1))
                eventually(lambda: relay.holds)  # noqa: B023 - not kept
                relay.reset()
                relay.flow()
                assert in_step(ledger, server)
            assert failures(sync)
            assert sync.terminate() == 0, sync.log.read_text()
        finally:
            sync.kill()


def test_a_network_that_is_cut_without_a_word(
    ledger: Ledger, server: ServerProcess, tmp_path: Path
) -> None:
    with (
        Island() as island,
        island.relay(address(ledger)) as to_ledger,
        island.relay(server.address) as to_server,
    ):
        sync = SyncProcess(
            ledger, server, tmp_path,
            "--address", to_server.address, "--ledger", through(ledger, to_ledger, NOTICES),
            prefix=island.prefix,
        )  # fmt: skip
        sync.start()
        try:
            assert in_step(ledger, server)
            island.cut()
            ledger.run(invoice(2))
            eventually(lambda: failures(sync) > 0)
            island.mend()
            assert in_step(ledger, server)
            assert open_items(server).keys() == {("A", "I1"), ("A", "I2")}
            assert sync.terminate() == 0, sync.log.read_text()
        finally:
            sync.kill()


def open_letters(disk: SmallDisk, sync: SyncProcess) -> set[str]:
    """The dead letters on a disk that this process sees by another name, which SQLite refuses."""
    listed = [str(COMMAND), "deadletter", "list", "--json", "--limit", "1000"]
    done = subprocess.run(
        [*disk.prefix, *listed, "--state", str(sync.state)], check=True, capture_output=True
    )
    return {json.loads(line)["event_id"] for line in done.stdout.splitlines()}


def test_a_loader_whose_disk_is_full(
    ledger: Ledger, server: ServerProcess, disk: SmallDisk, tmp_path: Path
) -> None:
    sync = SyncProcess(ledger, server, tmp_path / "disk", prefix=disk.prefix)
    try:
        # In the middle of the snapshot; what is left is enough to start.
        ledger.run(CUSTOMERS, INVOICES)
        disk.fill(LEFT_BYTES)
        sync.start()
        eventually(lambda: failures(sync) > 1)
        assert "No space left on device" in sync.log.read_text()
        assert open_items(server) == {}
        disk.make_room()
        assert in_step(ledger, server)

        # In the middle of dead letters: no row is passed over that is kept nowhere.
        disk.fill(LEFT_BYTES)
        before = failures(sync)
        ledger.run(LIMITS, invoice(2))
        eventually(lambda: failures(sync) > before + 1)
        assert "disk is full" in sync.log.read_text()
        disk.make_room()
        assert in_step(ledger, server)
        assert open_letters(disk, sync) == {f"limit:C{number}" for number in range(1, 501)}
        ledger.run("UPDATE limits SET limit_amount = 10")
        assert in_step(ledger, server)
        assert not open_letters(disk, sync)
        assert sync.terminate() == 0, sync.log.read_text()
    finally:
        sync.kill()


@pytest.mark.parametrize("dies", [False, True])
def test_a_server_whose_disk_is_full(
    ledger: Ledger, disk: SmallDisk, tmp_path: Path, *, dies: bool
) -> None:
    store = tmp_path / "disk" / "store"
    with ServerProcess(tmp_path, disk.prefix, store=store) as server:
        sync = SyncProcess(ledger, server, tmp_path)
        sync.start()
        try:
            assert in_step(ledger, server)
            disk.fill(LEFT_BYTES)
            ledger.run(CUSTOMERS, *(invoice(number) for number in range(2, 500)))
            eventually(lambda: "STORE_FULL" in sync.log.read_text())
            if dies:
                server.kill()
            disk.make_room()
            if dies:
                server.restart(listen=server.address)
            assert in_step(ledger, server)
            assert len(open_items(server)) == 499
            assert sync.terminate() == 0, sync.log.read_text()
        finally:
            sync.kill()
