"""Real open receivables, loaded as an opening position, add up to the cent."""

import csv
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from creditgate.audit.books import Auditor
from tests.support import data
from tests.support.server import COMMAND, ServerProcess

pytestmark = pytest.mark.real_data

LOAD_TIMEOUT_S = 300


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def load(server: ServerProcess, kind: str, path: Path) -> str:
    """Runs `creditgate load`; returns what it printed. Fails unless all rows were loaded."""
    done = subprocess.run(
        [COMMAND, "load", kind, path, "--address", server.address],
        capture_output=True, text=True, timeout=LOAD_TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def account_rows(items: list[dict[str, str]]) -> list[dict[str, str]]:
    """One account a customer; of its spellings of the name, the last counts."""
    accounts = {
        item["customer_id"]: {
            "account_id": item["customer_id"],
            "currency": item["currency"],
            "display_name": item["customer_name"],
        }
        for item in items
    }
    return list(accounts.values())


def entry_rows(items: list[dict[str, str]]) -> list[dict[str, str]]:
    return [
        {
            "entry_id": item["document_id"],
            "account_id": item["customer_id"],
            "kind": "opening_balance",
            "amount": item["amount"],
            "currency": item["currency"],
            "invoice_id": item["document_id"],
            "issue_date": item["posting_date"],
            "due_date": item["due_date"],
        }
        for item in items
    ]


def outstanding(server: ServerProcess, account_ids: list[str]) -> tuple[Counter[str], Counter[str]]:
    """Outstanding by account and by currency, read back through gRPC."""
    by_account: Counter[str] = Counter()
    by_currency: Counter[str] = Counter()
    for account_id in account_ids:
        position = server.api.position(account_id)
        by_account[account_id] = position.outstanding_minor
        by_currency[position.currency] += position.outstanding_minor
    return by_account, by_currency


def test_open_items_add_up(server: ServerProcess, tmp_path: Path) -> None:
    items = data.rows("open-items.csv")
    account_ids = sorted({item["customer_id"] for item in items})
    assert (len(items), len(account_ids)) == (9_700, 664)
    by_account: Counter[str] = Counter()
    by_currency: Counter[str] = Counter()
    for item in items:
        by_account[item["customer_id"]] += data.cents(item["amount"])
        by_currency[item["currency"]] += data.cents(item["amount"])

    accounts_file = write_csv(tmp_path / "accounts.csv", account_rows(items))
    entries_file = write_csv(tmp_path / "entries.csv", entry_rows(items))
    load(server, "accounts", accounts_file)
    load(server, "entries", entries_file)
    assert outstanding(server, account_ids) == (by_account, by_currency)

    # Loaded again, nothing changes; after a kill, nothing has changed.
    load(server, "entries", entries_file)
    server.restart()
    assert outstanding(server, account_ids) == (by_account, by_currency)

    assert server.terminate() == 0
    books = Auditor(server.store).advance()
    assert {a.account_id: a.outstanding for a in books.accounts.values()} == by_account
    found: Counter[str] = Counter()
    for account in books.accounts.values():
        found[account.currency] += account.outstanding
        assert (account.captured, account.reserved, account.unallocated) == (0, 0, 0)
    assert found == by_currency
    assert len(books.items) == len(books.postings) == len(items)
    open_by_invoice = {invoice: item.open for (_, invoice), item in books.items.items()}
    assert open_by_invoice == {i["document_id"]: data.cents(i["amount"]) for i in items}
