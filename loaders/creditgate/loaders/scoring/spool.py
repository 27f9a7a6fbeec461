"""The ledger's documents in DuckDB: a database on disk, of bounded memory, while it is used.

They come by COPY, in one transaction that sees the ledger as of one moment and writes nothing, and
leave no lock behind. DuckDB reads what was written to a file; it speaks to no network itself.
"""

import shutil
import tempfile
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import duckdb
import psycopg

from creditgate.client import MoneyError, money
from creditgate.loaders.errors import LoadError
from creditgate.loaders.ledger.credit import select
from creditgate.loaders.ledger.mapping import LedgerMapping

MEMORY_DEFAULT: Final = "1GB"

_TABLES: Final = {
    "accounts": "account_id VARCHAR, currency VARCHAR",
    "invoices": "invoice_id VARCHAR, account_id VARCHAR, amount BIGINT, issue_date DATE, "
    "due_date DATE",
    "settlements": "invoice_id VARCHAR, kind VARCHAR, amount BIGINT, settled_on DATE",
    "disputes": "invoice_id VARCHAR, amount BIGINT",
    "scores": "account_id VARCHAR, reference VARCHAR, source VARCHAR, found_on DATE, score INTEGER",
}
"""Amounts are minor units of the account's currency."""


class SpoolError(LoadError):
    """The analysis could not be done: the disk is full, or the memory too small for it."""


class Spool:
    """A DuckDB database in a folder of its own; entered, it is there, and afterwards gone.

    What does not fit into the memory goes to the folder. Raises SpoolError.
    """

    def __init__(self, parent: Path | None = None, memory: str = MEMORY_DEFAULT) -> None:
        self._parent = parent
        self._memory = memory
        self._folder = Path()
        self.db: duckdb.DuckDBPyConnection

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="creditgate-spool-", dir=self._parent))
        try:
            self.db = duckdb.connect(
                self._folder / "spool.duckdb",
                config={
                    "memory_limit": self._memory,
                    "temp_directory": str(self._folder / "temp"),
                    "preserve_insertion_order": False,
                    "autoload_known_extensions": False,
                    "autoinstall_known_extensions": False,
                },
            )
        except duckdb.Error as error:
            self._remove()
            raise SpoolError(f"DuckDB cannot be started: {error}") from error
        for name, columns in _TABLES.items():
            self.db.execute(f"CREATE TABLE {name} ({columns})")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.db.close()
        self._remove()
        if isinstance(error, duckdb.Error):
            raise SpoolError(f"the analysis stopped: {error}") from error

    def _remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def fill(self, ledger: psycopg.Connection, mapping: LedgerMapping, as_of: date) -> list[str]:
        """Copies what the ledger says up to a day, which is included.

        Returns the currencies of accounts that are left out, since no amounts are kept in them.
        Raises FileError for a mapping without the relations, psycopg.Error.
        """
        with ledger.transaction():
            ledger.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            factors, unknown = _factors(ledger, mapping)
            for name, query in _queries(mapping, factors, as_of).items():
                self._copy(ledger, name, query)
        return unknown

    def _copy(self, ledger: psycopg.Connection, name: str, query: str) -> None:
        path = self._folder / f"{name}.csv"
        try:
            with (
                path.open("wb") as file,
                ledger.cursor() as cursor,
                cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)".encode()) as blocks,
            ):
                for block in blocks:
                    file.write(block)
        except OSError as error:
            raise SpoolError(f"{path}: {error.strerror}") from error
        columns = dict(column.split() for column in _TABLES[name].split(", "))
        self.db.execute(
            f"INSERT INTO {name} SELECT * FROM read_csv(?, header = false, delim = ',', "
            "quote = '\"', escape = '\"', auto_detect = false, columns = "
            f"{columns})",
            [str(path)],
        )
        path.unlink()


def _factors(
    ledger: psycopg.Connection, mapping: LedgerMapping
) -> tuple[dict[str, int], list[str]]:
    """How many minor units one whole unit has, by currency; and those that are none."""
    customers = select(mapping.credit, "customers")
    query = f"SELECT DISTINCT currency FROM ({customers}) AS c WHERE currency IS NOT NULL"
    factors, unknown = {}, []
    for (currency,) in ledger.execute(query.encode()).fetchall():
        try:
            factors[currency] = 10 ** money.exponent(currency)
        except MoneyError:
            unknown.append(currency)
    return factors, sorted(unknown)


def _queries(mapping: LedgerMapping, factors: dict[str, int], as_of: date) -> dict[str, str]:
    """What is copied into each table. Documents in another currency than their account's, and what
    settles an invoice in another than its own, are left out: `creditgate quality` tells of them."""
    relation = {name: select(mapping.credit, name) for name in _READ}
    factor = f"(VALUES {_values(factors)}) AS f (currency, factor)"
    accounts = f"({relation['customers']}) AS c JOIN {factor} ON f.currency = c.currency"
    documents = (
        f"({relation['invoices']}) AS i JOIN {accounts}"
        " ON c.account_id = i.account_id AND c.currency = i.currency"
    )
    until = f"date '{as_of}'"

    amount = "round({}.amount * f.factor)::bigint"
    return {
        "accounts": f"SELECT c.account_id, c.currency FROM {accounts}",
        "invoices": (
            f"SELECT i.invoice_id, i.account_id, {amount.format('i')}, i.issue_date,"
            f" i.due_date FROM {documents} WHERE i.issue_date <= {until}"
        ),
        "settlements": (
            f"SELECT s.invoice_id, s.kind, {amount.format('s')},"
            f" s.settled_on FROM {documents} JOIN ({relation['settlements']}) AS s"
            " ON s.invoice_id = i.invoice_id AND s.currency = i.currency"
            f" WHERE s.settled_on <= {until}"
        ),
        "disputes": (
            f"SELECT d.invoice_id, {amount.format('d')} FROM {documents}"
            f" JOIN ({relation['disputes']}) AS d ON d.invoice_id = i.invoice_id"
            f" WHERE d.opened_on <= {until}"
        ),
        "scores": (
            "SELECT DISTINCT ON (v.account_id) v.account_id, v.reference, v.source, v.found_on,"
            f" v.score FROM ({relation['verifications']}) AS v"
            f" WHERE v.score IS NOT NULL AND v.found_on <= {until}"
            " ORDER BY v.account_id, v.found_on DESC, v.reference DESC"
        ),
    }


_READ: Final = ("customers", "invoices", "settlements", "disputes", "verifications")


def _values(factors: dict[str, int]) -> str:
    # A pair at least, so that a ledger without accounts is no mistake of syntax.
    return ", ".join(
        f"('{currency}', {factor})" for currency, factor in (factors or {"": 1}).items()
    )
