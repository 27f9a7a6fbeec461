"""Rows of a ledger, put in and read one by one, for tests of what is computed from them."""

from collections.abc import Iterable
from typing import Any

import psycopg

from demo.cluster import Cluster
from tests.support.ledger import Ledger


class Books(Ledger):
    """A ledger in a database of its own, with one connection that stays open."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self.connection = psycopg.connect(self.conninfo, autocommit=True)

    def execute(self, sql: str, *values: Any) -> None:
        """Runs one statement with values for its %s, or several without."""
        self.connection.execute(sql.encode(), values or None)

    def add(self, table: str, **row: Any) -> None:
        """Inserts one row."""
        marks = ", ".join(["%s"] * len(row))
        self.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", *row.values())

    def add_all(self, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Inserts many rows by COPY."""
        statement = f"COPY {table} ({columns}) FROM STDIN".encode()
        with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    def close(self) -> None:
        """Closes the connection; the database goes with its cluster."""
        self.connection.close()
