"""When what stands of each flag and score was said, so that an older record does not undo it."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Self

from creditgate.loaders.feeds.records import Record
from creditgate.loaders.queue.database import Database
from creditgate.loaders.queue.inbox import FORGET_MAX

KEEP_S: Final = 400 * 86_400

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS feed_latest (
    key TEXT PRIMARY KEY,
    time_us INTEGER NOT NULL,
    noted_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS feed_latest_by_age ON feed_latest (noted_at);
"""


class Latest:
    """Of a state folder, for any number of threads."""

    def __init__(self, where: Path | Database, *, clock: Callable[[], float] = time.time) -> None:
        """`where`: the state folder, or its database. Raises StateError."""
        self._database = Database.of(where, _SCHEMA)
        self._clock = clock

    def is_older(self, record: Record) -> bool:
        """Whether a later one was sent already; of the same time, the one that came last stands.

        Raises StateError."""
        with self._database.reading() as sql:
            row = sql.execute(
                "SELECT time_us FROM feed_latest WHERE key = ?", (record.key,)
            ).fetchone()
        return row is not None and record.time_us < row[0]

    def note(self, records: Iterable[Record]) -> None:
        """These were sent. Raises StateError."""
        now = self._clock()
        with self._database.transaction() as sql:
            sql.executemany(
                "INSERT INTO feed_latest VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
                " time_us = max(time_us, excluded.time_us), noted_at = excluded.noted_at",
                [(record.key, record.time_us, now) for record in records],
            )

    def forget(self) -> int:
        """Forgets what was noted long ago, at most 10,000; returns how many. Raises StateError."""
        with self._database.transaction() as sql:
            return sql.execute(
                "DELETE FROM feed_latest WHERE key IN (SELECT key FROM feed_latest"
                " WHERE noted_at < ? LIMIT ?)",
                (self._clock() - KEEP_S, FORGET_MAX),
            ).rowcount

    def close(self) -> None:
        """Gives the file back."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
