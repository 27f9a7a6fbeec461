"""Reconciliation of a real ledger with a real server: drift is found to the entry, and no other."""

import json
import secrets
import subprocess
import threading
from pathlib import Path

import psycopg
import pytest

from creditgate.client import (
    AccountUpsert,
    Client,
    ClientOptions,
    EntryKind,
    LedgerEntry,
    Reconciliation,
)
from demo.cluster import Cluster
from tests.conftest import StartServer
from tests.support.credentials import token_line, write_lines
from tests.support.ledger import (
    COMMAND,
    TIMEOUT_S,
    Ledger,
    SyncProcess,
    in_step,
    mapping_with,
    open_items,
    reconciled,
)
from tests.support.server import ServerProcess

INVOICE = (
    "INSERT INTO invoices (invoice_id, account_id, currency, amount, issue_date, due_date)"
    " VALUES (%s, %s, 'USD', %s, '2026-01-05', '2026-02-04')"
)
ADJUSTMENT = "INSERT INTO adjustments VALUES (%s, %s, 'USD', %s, NULL, 'correction', '2026-01-08')"
DISPUTE = (
    "INSERT INTO disputes (dispute_id, invoice_id, amount, opened_on)"
    " VALUES ('D1', 'C2', 5, '2026-01-06')"
)
CUSTOMER = "INSERT INTO customers (account_id, currency) VALUES (%s, 'USD')"


@pytest.fixture
def ledger(ledger: Ledger) -> Ledger:
    with ledger.transaction() as connection:
        for account in "ABCD":
            connection.execute(CUSTOMER, (account,))
            connection.execute(INVOICE, (f"{account}1", account, "10.50"))
    return ledger


@pytest.fixture
def sync(sync: SyncProcess) -> SyncProcess:
    sync.start()
    return sync


def test_each_drift_is_found_to_the_entry(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess, client: Client, tmp_path: Path
) -> None:
    assert not reconciled(ledger, server)["differences"]
    with ledger.transaction() as connection:
        for account in "ABCD":
            connection.execute(INVOICE, (f"{account}2", account, "20"))
        # An event that is lost on its way, and one that says another amount.
        connection.execute("DELETE FROM creditgate_outbox WHERE cells->>'invoice_id' = 'A2'")
        connection.execute(
            'UPDATE creditgate_outbox SET cells = cells || \'{"amount": "21"}\''
            " WHERE cells->>'invoice_id' = 'C2'"
        )
        # One that moves nothing is no difference.
        connection.execute(DISPUTE)
    # One that is counted twice, under another name.
    twice = LedgerEntry(
        entry_id="again", account_id="B", kind=EntryKind.ADJUSTMENT, amount_minor=20_00,
        currency="USD",
    )  # fmt: skip
    client.post_entries("erp", [twice])
    report = reconciled(ledger, server)
    found = {one["account_id"]: one for one in report["differences"]}
    assert set(found) == {"A", "B", "C"}
    assert (found["A"]["ledger_minor"], found["A"]["service_minor"]) == (30_50, 10_50)
    assert found["A"]["items"] == {"A2": [20_00, 0]}
    assert found["B"]["items"] == {"": [0, 20_00]}
    assert found["C"]["items"] == {"C2": [20_00, 21_00]}
    entries = {name: [tuple(e.values()) for e in one["entries"]] for name, one in found.items()}
    assert entries == {
        "A": [("MISSING", "invoice:A2", 20_00, None, "ledger")],
        "B": [("UNKNOWN", "again", None, 20_00, "erp")],
        "C": [("AMOUNT", "invoice:C2", 20_00, 21_00, "ledger")],
    }
    assert (report["accounts"], report["items"], report["unsettled"]) == (4, 8, [])
    latest = recorded(client)
    assert (latest.accounts_compared, latest.items_compared) == (4, 8)
    assert (latest.accounts_differing, latest.position) == (3, report["position"])
    assert "ledger and service do not agree" in server.stderr_text()

    # Two people mend it: who found it proposes, another one approves what was proposed.
    file = tmp_path / "repair.json"
    assert reconciled(ledger, server, "--actor", "anna", "--repair", str(file)) == report
    assert len(json.loads(file.read_bytes())["entries"]) == 3
    refused = run(server, "anna", "repair", "approve", str(file))
    assert "OWN_ADJUSTMENTS" in refused.stderr
    changed = tmp_path / "changed.json"
    changed.write_bytes(file.read_bytes().replace(b"2000", b"2001"))
    refused = run(server, "bert", "repair", "approve", str(changed))
    assert "ADJUSTMENTS_CHANGED" in refused.stderr
    # Nothing was posted, and a second proposal, which would count twice, is not made.
    again = tmp_path / "again.json"
    flags = ("--ledger", ledger.conninfo, "--repair", str(again))
    assert "of anna wait already" in run(server, "anna", "reconcile", *flags).stderr
    assert not again.exists()
    approved = run(server, "bert", "repair", "approve", str(file))
    assert approved.stdout == "3 adjustments posted, -1.00 USD in all\n", approved.stderr
    assert not reconciled(ledger, server)["differences"]
    assert recorded(client).accounts_differing == 0
    told = [change for change in client.list_changes() if change.source == "ledger"]
    told = [change for change in told if change.command == "record_reconciliation"]
    kept = [record.after for change in told for record in change.records]
    assert [row and row["accounts_differing"] for row in kept] == [0, 3, 3, 0]
    assert open_items(server) == ledger.open_items()
    assert "ADJUSTMENTS_NOT_FOUND" in run(server, "bert", "repair", "approve", str(file)).stderr


def recorded(client: Client) -> Reconciliation:
    """The latest that the server was told of."""
    latest = {source.source: source.reconciliation for source in client.list_sources()}["ledger"]
    assert latest is not None
    return latest


def run(server: ServerProcess, actor: str, *command: str) -> subprocess.CompletedProcess[str]:
    """A command of `creditgate`, by somebody."""
    return subprocess.run(
        [str(COMMAND), *command, "--address", server.address, "--actor", actor],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip


def test_who_may_not_record_is_told_so_and_sees_what_was_found(
    ledger_cluster: Cluster, start_server: StartServer, tmp_path: Path
) -> None:
    ledger = Ledger(ledger_cluster)
    tokens = {role: f"cg_{role}_{secrets.token_urlsafe(16)}" for role in ("loader", "auditor")}
    lines = [token_line(role, role, token) for role, token in tokens.items()]
    server = start_server(access_tokens=write_lines(tmp_path / "tokens.jsonl", lines))
    files = {role: write_lines(tmp_path / role, [token]) for role, token in tokens.items()}
    SyncProcess(ledger, server, tmp_path, "--token-file", str(files["loader"])).once()

    def compare(role: str, *flags: str) -> subprocess.CompletedProcess[str]:
        own = ("--ledger", ledger.conninfo, "--token-file", str(files[role]))
        return run(server, "", "reconcile", *own, *flags)

    done = compare("auditor")
    assert (done.returncode, "0 differ" in done.stdout) == (4, True), done.stderr
    assert "compared, but the server did not record it" in done.stderr
    assert "ROLE_NOT_ALLOWED" in done.stderr
    with Client(server.address, ClientOptions(token=tokens["loader"])) as client:
        assert [source.reconciliation for source in client.list_sources()] == [None]
        assert compare("loader").returncode == 0
        assert recorded(client).accounts_compared == 0
        # A nightly job that may load and no more: what differs is found, recorded and told on.
        twice = LedgerEntry(
            entry_id="again", account_id="A", kind=EntryKind.ADJUSTMENT, amount_minor=20_00,
            currency="USD",
        )  # fmt: skip
        client.upsert_accounts([AccountUpsert(account_id="A", currency="USD")])
        client.post_entries("erp", [twice])
        done = compare("loader")
        assert (done.returncode, "1 differ" in done.stdout) == (1, True), done.stderr
        assert "may not read the journal" in done.stderr
        assert recorded(client).accounts_differing == 1
        file = tmp_path / "repair.json"
        assert "no repair is proposed" in compare("loader", "--repair", str(file)).stderr
        assert not file.exists()
        assert not list(client.list_adjustments())
    assert "ledger and service do not agree" in server.stderr_text()


def test_an_account_that_the_service_lacks_is_a_difference(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess
) -> None:
    assert not reconciled(ledger, server)["differences"]
    names = [f"N{number}" for number in range(12)]
    with ledger.transaction() as connection:
        for name in names:
            connection.execute(CUSTOMER, (name,))
            connection.execute(INVOICE, (f"{name}-1", name, "7"))
        connection.execute(INVOICE, ("odd", "A", "1.005"))
        connection.execute("DELETE FROM creditgate_outbox WHERE cells->>'account_id' LIKE 'N%'")
    report = reconciled(ledger, server)
    found = {one["account_id"]: one for one in report["differences"]}
    assert set(found) >= set(names)
    entries = [(e["kind"], e["entry_id"]) for e in found["N1"]["entries"]]
    assert entries == [("MISSING", "invoice:N1-1")]
    assert report["unreadable"] == ["A"]


def test_amounts_on_the_wrong_invoice_differ_though_totals_agree(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess, client: Client
) -> None:
    # More than a page has, so that the service tells of the account in parts.
    with ledger.transaction() as connection:
        for number in range(1_500):
            connection.execute(INVOICE, (f"P{number}", "A", "1"))
        connection.execute("INSERT INTO payments VALUES ('free', 'A', 'USD', 4, '2026-01-07')")
    assert in_step(ledger, server)
    for name, amount_minor in (("P0", 30), ("P1499", -30)):
        entry = LedgerEntry(
            entry_id=f"wrong-{name}", account_id="A", kind=EntryKind.ADJUSTMENT, currency="USD",
            amount_minor=amount_minor, invoice_id=name,
        )  # fmt: skip
        assert client.post_entries("erp", [entry])[0].error is None
    (found,) = reconciled(ledger, server)["differences"]
    assert found["ledger_minor"] == found["service_minor"]
    assert found["items"] == {"P0": [100, 130], "P1499": [100, 70]}
    assert {one["entry_id"] for one in found["entries"]} == {"wrong-P0", "wrong-P1499"}


def test_no_repair_follows_an_amount_that_cannot_be_read(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess, tmp_path: Path
) -> None:
    """The service has what the ledger's open amount began with; it must not be wiped out."""
    assert in_step(ledger, server)
    ledger.run("INSERT INTO credit_memos VALUES ('M', 'B', 'USD', 0.003, 'B1', '2026-01-06')")
    report = reconciled(ledger, server)
    assert report["unreadable"] == ["B"]
    assert [one["account_id"] for one in report["differences"]] == ["B"]
    file = tmp_path / "repair.json"
    compare = ("reconcile", "--ledger", ledger.conninfo, "--repair", str(file))
    assert "cannot be read" in run(server, "ann", *compare).stderr
    assert not file.exists()


def test_one_odd_account_does_not_keep_others_from_being_compared(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess, tmp_path: Path
) -> None:
    """An id that the service could not have, and open money on no account at all."""
    assert in_step(ledger, server)
    file = mapping_with(tmp_path, ('table = "open_items"', 'table = "shown"'))
    ledger.run(
        "CREATE VIEW shown AS SELECT * FROM open_items UNION ALL"
        " SELECT name, 'USD', 'X', NULL, NULL, NULL, 5, NULL"
        " FROM (VALUES (NULL), (repeat('x', 65))) AS of (name)"
    )
    report = reconciled(ledger, server, "--mapping", str(file))
    assert report["unreadable"] == ["(no account)"]
    assert [one["account_id"] for one in report["differences"]] == ["x" * 65]


def test_what_is_on_its_way_is_no_difference(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess
) -> None:
    done = threading.Event()

    def post() -> None:
        with psycopg.connect(ledger.conninfo, autocommit=True) as connection:
            number = 0
            while not done.is_set():
                # Up and down, so that what is open stays few items, however many are posted.
                amount = 1 - number % 4 // 2 * 2
                connection.execute(ADJUSTMENT, (number, "AB"[number % 2], amount))
                number += 1

    writer = threading.Thread(target=post)
    writer.start()
    try:
        report = reconciled(ledger, server)
    finally:
        done.set()
        writer.join()
    assert not report["differences"]
    assert set(report["unsettled"]) <= {"A", "B"}
    report = reconciled(ledger, server)
    assert not report["differences"]
    assert not report["unsettled"]
    assert open_items(server) == ledger.open_items()
