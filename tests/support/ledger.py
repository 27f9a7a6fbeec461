"""A ledger in a real PostgreSQL, and `creditgate sync ledger` as a process of its own."""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from creditgate.client import Client, money
from creditgate.loaders.ledger import feeds, mapping
from creditgate.loaders.ledger.cli import TABLES
from demo.cluster import Cluster
from tests.support.server import ServerProcess

COMMAND = Path(sys.executable).with_name("creditgate")
TIMEOUT_S = 120

_names = itertools.count()

OpenItems = dict[tuple[str, str], int]
"""By account and invoice, "" for what stands on none, in minor units."""

CUSTOMER = "INSERT INTO customers (account_id, display_name, currency) VALUES ('A', 'Ann', 'USD')"


def invoice(number: int, amount: str = "100.00", account: str = "A") -> str:
    """A statement that posts an invoice."""
    return (
        "INSERT INTO invoices (invoice_id, account_id, currency, amount, issue_date, due_date)"
        f" VALUES ('I{number}', '{account}', 'USD', {amount}, '2026-01-05', '2026-02-04')"
    )


def payment(number: int, amount: str, **allocated: str) -> list[str]:
    """Statements that post a payment of A's, and what is allocated of it by invoice."""
    parts = [
        "INSERT INTO payment_allocations (payment_id, invoice_id, amount, allocated_on)"
        f" VALUES ('P{number}', '{name}', {part}, '2026-01-09')"
        for name, part in allocated.items()
    ]
    paid = (
        "INSERT INTO payments (payment_id, account_id, currency, amount, received_on)"
        f" VALUES ('P{number}', 'A', 'USD', {amount}, '2026-01-09')"
    )
    return [paid, *parts]


def mapping_with(folder: Path, *mended: tuple[str, str]) -> Path:
    """The reference mapping, some of its text (where it stands first) replaced."""
    text = mapping.REFERENCE.read_text()
    for before, after in mended:
        assert before in text
        text = text.replace(before, after, 1)
    file = folder / "mapping.toml"
    file.write_text(text)
    return file


class Ledger:
    """A database of its own with the reference tables and their feeds."""

    def __init__(self, cluster: Cluster) -> None:
        name = f"ledger_{next(_names)}"
        with psycopg.connect(cluster.conninfo, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        self.conninfo = cluster.conninfo.replace("dbname=postgres", f"dbname={name}")
        with self.transaction() as connection:
            connection.execute(TABLES.read_bytes())
        self.install()

    def install(self, file: Path = mapping.REFERENCE) -> None:
        """Have the tables tell of their changes as a mapping says."""
        with self.transaction() as connection:
            connection.execute(feeds.installation(mapping.read(file)).encode())

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection whose work is committed at the end."""
        with psycopg.connect(self.conninfo) as connection:
            yield connection

    def run(self, *statements: str) -> None:
        """Run statements in one transaction."""
        with self.transaction() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def make_open_items(self, due_date: str = "due_date") -> None:
        """Make the view of what is open again, which was dropped to change a column that it reads;
        that of due dates may have another name."""
        tables = TABLES.read_text()
        view = tables[tables.index("CREATE VIEW open_items") :]
        self.run(view.replace("i.due_date", f"i.{due_date} AS due_date"))

    def open_items(self) -> OpenItems:
        """What the ledger's own tables add up to."""
        with self.transaction() as connection:
            rows = connection.execute(
                "SELECT account_id, coalesce(invoice_id, ''), currency, trim_scale(open)::text"
                " FROM open_items WHERE open <> 0"
            ).fetchall()
        return {(row[0], row[1]): money.parse(row[3], row[2]) for row in rows}


def open_items(server: ServerProcess) -> OpenItems:
    """What the service says is open."""
    found: OpenItems = {}
    with Client(server.address) as client:
        for account in client.list_open_items():
            if account.unallocated_minor:
                found[account.account_id, ""] = account.unallocated_minor
            for item in account.items:
                if item.open_minor:
                    found[account.account_id, item.invoice_id] = item.open_minor
    return found


class SyncProcess:
    """`creditgate sync ledger`, started, stopped, killed, started again on the same state.

    `flags` are stronger than what it is given otherwise. `prefix` is a command that starts it, e.g.
    in a namespace of its own.
    """

    def __init__(
        self,
        ledger: Ledger,
        server: ServerProcess,
        folder: Path,
        *flags: str,
        prefix: Sequence[str] = (),
    ) -> None:
        self.state = folder / "state"
        self._ledger = ledger
        self._server = server
        self._flags = flags
        self._prefix = prefix
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "sync.log"

    def _command(self, *flags: str) -> list[str]:
        return [
            *(*self._prefix, str(COMMAND), "sync", "ledger", "--address", self._server.address),
            *("--ledger", self._ledger.conninfo, "--state", str(self.state)),
            *(*self._flags, *flags),
        ]

    def once(self) -> None:
        """Runs until all that is there has been taken."""
        done = self.completed("--once")
        assert done.returncode == 0, done.stderr

    def completed(self, *flags: str) -> subprocess.CompletedProcess[str]:
        """Runs to its end, whatever that is."""
        return subprocess.run(
            self._command(*flags), capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
            env={k: v for k, v in os.environ.items() if not k.startswith("CREDITGATE_")},
        )  # fmt: skip

    def start(self) -> None:
        """Starts to follow the ledger."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """SIGKILL, wherever it is. Harmless when ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def terminate(self) -> int:
        """SIGTERM; the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(TIMEOUT_S)
        self._process = None
        return code


def reconciled(ledger: Ledger, server: ServerProcess, *flags: str) -> dict[str, Any]:
    """What `creditgate reconcile` finds."""
    done = subprocess.run(
        [
            *(str(COMMAND), "reconcile", "--address", server.address, "--json"),
            *("--ledger", ledger.conninfo, *flags),
        ],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == bool(
        report["differences"] or report["unsettled"] or report["unreadable"]
    )
    return report


def in_step(ledger: Ledger, server: ServerProcess) -> bool:
    """Whether both say the same, as reconciliation finds, and as their sums do."""
    report = reconciled(ledger, server)
    assert not report["differences"] + report["unsettled"] + report["unreadable"], report
    return open_items(server) == ledger.open_items()


def load_entries(server: ServerProcess, folder: Path, cells: dict[str, str]) -> None:
    """Loads a document that the ledger told of, with other cells, as a person does."""
    file = folder / "mended.jsonl"
    file.write_text(json.dumps(cells) + "\n")
    subprocess.run(
        [
            *(str(COMMAND), "load", "entries", str(file)),
            *("--source", "ledger", "--address", server.address),
        ],
        check=True,
        capture_output=True,
    )
