"""Real receivables in a real ledger, and a year and a half of invoices and payments played over
them while orders run: at the end ledger and service agree to the cent."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from creditgate.client import Client, Decision
from demo.cluster import Cluster, is_installed
from tests.support import data
from tests.support.ledger import Ledger, SyncProcess, open_items, reconciled
from tests.support.server import ServerProcess

pytestmark = pytest.mark.skipif(not is_installed(), reason="PostgreSQL 15 is not installed")


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Cluster() as cluster:
        yield Ledger(cluster)


def put_open_items(connection: psycopg.Connection[object]) -> None:
    """An account for each customer and currency, and its open invoices."""
    items = data.rows("open-items.csv")
    customers = {
        f"{item['customer_id']}:{item['currency']}": (item["customer_name"], item["currency"])
        for item in items
    }
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO customers (account_id, display_name, currency) VALUES (%s, %s, %s)",
            [(account_id, *named) for account_id, named in customers.items()],
        )
        cursor.executemany(
            "INSERT INTO invoices (invoice_id, account_id, currency, amount, issue_date, due_date)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (
                    *(item["document_id"], f"{item['customer_id']}:{item['currency']}"),
                    *(item["currency"], item["amount"], item["posting_date"], item["due_date"]),
                )
                for item in items
            ],
        )


def play_history(conninfo: str) -> None:
    """Each invoice and each payment in a transaction of its own, in the order of their days."""
    events = []
    for row in data.rows("invoice-history.csv"):
        events.append((row["invoice_date"], 0, row))
        events.append((row["settled_date"], 1, row))
    events.sort(key=lambda event: event[:2])
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for day, is_payment, row in events:
            account_id = row["customer_id"]
            with connection.transaction():
                if not is_payment:
                    connection.execute(
                        "INSERT INTO customers (account_id, currency) VALUES (%s, 'USD')"
                        " ON CONFLICT DO NOTHING",
                        (account_id,),
                    )
                    connection.execute(
                        "INSERT INTO limits (account_id, limit_kind, limit_amount)"
                        " VALUES (%s, 'amount', 100) ON CONFLICT DO NOTHING",
                        (account_id,),
                    )
                    connection.execute(
                        "INSERT INTO invoices (invoice_id, account_id, currency, amount,"
                        " issue_date, due_date) VALUES (%s, %s, 'USD', %s, %s, %s)",
                        (row["invoice_number"], account_id, row["amount"], day, row["due_date"]),
                    )
                    continue
                payment_id = f"P{row['invoice_number']}"
                connection.execute(
                    "INSERT INTO payments (payment_id, account_id, currency, amount, received_on)"
                    " VALUES (%s, %s, 'USD', %s, %s)",
                    (payment_id, account_id, row["amount"], day),
                )
                connection.execute(
                    "INSERT INTO payment_allocations (payment_id, invoice_id, amount, allocated_on)"
                    " VALUES (%s, %s, %s, %s)",
                    (payment_id, row["invoice_number"], row["amount"], day),
                )


def order(address: str, accounts: list[str], until: threading.Event) -> list[Decision]:
    """Orders that come and go while the ledger speaks."""
    decisions: list[Decision] = []
    with Client(address) as client:
        while not until.is_set():
            for account_id in accounts:
                number = f"O{len(decisions)}"
                result = client.check_and_reserve(account_id, number, 30_00, "USD")
                decisions.append(result.decision)
                if result.reservation_id:
                    client.release(reservation_id=result.reservation_id)
    return decisions


def test_a_real_ledger_is_in_step_at_the_end(
    ledger: Ledger, server: ServerProcess, tmp_path: Path
) -> None:
    with ledger.transaction() as connection:
        put_open_items(connection)
    sync = SyncProcess(ledger, server, tmp_path)
    sync.start()
    try:
        report = reconciled(ledger, server)
        assert (report["differences"], report["items"]) == ([], 9_700)
        accounts = sorted({row["customer_id"] for row in data.rows("invoice-history.csv")})
        # All accounts of the history are known from their first invoice on; these are there now.
        known = sorted(name for name, _ in ledger.open_items() if name.endswith(":USD"))[:20]
        done = threading.Event()
        decisions: list[Decision] = []

        def orders() -> None:
            decisions.extend(order(server.address, known, done))

        ordering = threading.Thread(target=orders)
        ordering.start()
        try:
            play_history(ledger.conninfo)
        finally:
            done.set()
            ordering.join()
        report = reconciled(ledger, server)
    finally:
        sync.kill()
    assert decisions
    assert report["differences"] == report["unsettled"] == []
    assert report["items"] == 9_700
    assert open_items(server) == ledger.open_items()
    with Client(server.address) as client:
        positions = [client.get_position(account_id) for account_id in accounts]
    assert len(positions) == 100
    assert {position.outstanding_minor for position in positions} == {0}
