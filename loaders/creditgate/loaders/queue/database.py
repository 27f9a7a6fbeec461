"""The SQLite file of a state folder, as every part of `queue` opens it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Final, Self

NAME: Final = "queue.sqlite3"
BUSY_TIMEOUT_S: Final = 30.0


class StateError(Exception):
    """The state folder or its file cannot be used; the message names it and says why."""


class Database:
    """One connection, for use by any number of threads; other processes may have the file open too.

    Durable: a transaction that has ended without an error is on disk.
    """

    def __init__(self, state: Path) -> None:
        """Opens the file in the folder `state`; makes both where they are absent. Only its owner
        may read it: payloads tell who owes what. Raises StateError."""
        self.path = state / NAME
        self._lock = RLock()
        try:
            state.mkdir(parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
            self._connection = sqlite3.connect(
                self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
        except (OSError, sqlite3.Error) as error:
            raise StateError(f"{self.path}: cannot be opened: {error}") from error

    @classmethod
    def of(cls, where: "Path | Database", schema: str) -> "Database":
        """The database of a state folder, or one that is open already and is shared then: writers
        of one process wait for each other more cheaply than SQLite has them wait. What `schema`
        names is made where it is absent. Raises StateError."""
        database = where if isinstance(where, Database) else cls(where)
        with database.reading() as sql:
            sql.executescript(schema)
        return database

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it on disk at its end, or none of it. Raises StateError, e.g. on a full disk."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                finally:
                    # After an error of its own SQLite may have rolled back already.
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                raise StateError(f"{self.path}: {error}") from error

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, to read from. Raises StateError."""
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise StateError(f"{self.path}: {error}") from error

    def close(self) -> None:
        """Gives the file back."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
