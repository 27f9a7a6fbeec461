"""The durable inbox: what was received and acknowledged, until it has been sent on.

A receiver puts, one sender for each source takes. An event is forgotten long after it is done, so
that one that is delivered again is known; until then it is there, whatever happens to the process.
"""

import math
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple, Self

from creditgate.loaders.queue.database import Database

HELD_MAX: Final = 100_000
ASIDE_MAX: Final = 500_000
KEEP_S: Final = 30 * 86_400.0
KEEP_MAX: Final = 1_000_000
FORGET_MAX: Final = 10_000

_WAITING, _ASIDE, _DONE = range(3)

_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    event_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    payload BLOB NOT NULL,
    received_at REAL NOT NULL,
    state INTEGER NOT NULL DEFAULT {_WAITING},
    -- Of an event that was set aside: what it waits for, and how long.
    awaits TEXT NOT NULL DEFAULT '',
    until REAL,
    ended_at REAL,
    UNIQUE (source, event_id)
);
CREATE INDEX IF NOT EXISTS events_held ON events (source, state, seq) WHERE state < {_DONE};
CREATE INDEX IF NOT EXISTS events_aside ON events (source, awaits) WHERE state = {_ASIDE};
CREATE INDEX IF NOT EXISTS events_done ON events (source, ended_at) WHERE state = {_DONE};
"""


class InboxFullError(Exception):
    """The inbox holds as many events of this source as it may: send this one again later."""


class Received(NamedTuple):
    """An event as it is put: `event_id` is unique within its source."""

    source: str
    event_id: str
    account_id: str
    payload: bytes


class Put(StrEnum):
    """What became of an event that was put."""

    NEW = "NEW"
    REPEATED = "REPEATED"
    FULL = "FULL"


class Event(NamedTuple):
    """An event as it is taken; `received_at` in seconds since 1970."""

    event_id: str
    account_id: str
    payload: bytes
    received_at: float


class Held(NamedTuple):
    """How many events of a source are not done, and since when the oldest waits to be taken."""

    events: int
    waiting_since: float | None
    due_at: float | None
    """When the next one that was set aside waits no longer."""


class Inbox:
    """The inbox of a state folder, for any number of threads; one sender for each source."""

    def __init__(
        self,
        where: Path | Database,
        *,
        clock: Callable[[], float] = time.time,
        held_max: int = HELD_MAX,
        aside_max: int = ASIDE_MAX,
        keep_s: float = KEEP_S,
        keep_max: int = KEEP_MAX,
    ) -> None:
        """`where`: the state folder, or its database. `held_max`: how many events of one source may
        wait to be taken. `aside_max`: with so many set aside no other is put either: what waits
        for another one may be much, is not without bound, and none of it is given up. `keep_s`,
        `keep_max`: how long, and how many of one source, the ids of done ones are known.

        Raises StateError."""
        self._database = Database.of(where, _SCHEMA)
        self._clock = clock
        self._held_max = held_max
        self._aside_max = aside_max
        self._keep_s = keep_s
        self._keep_max = keep_max

    def put(self, source: str, event_id: str, account_id: str, payload: bytes) -> bool:
        """Whether the event is new, not a repeated one; it is on disk when this returns.

        Raises InboxFullError, StateError."""
        (put,) = self.put_all([Received(source, event_id, account_id, payload)])
        if put is Put.FULL:
            raise InboxFullError(
                f"{self._database.path}: {self._held_max} events of {source} wait, as many as may"
            )
        return put is Put.NEW

    def put_all(self, events: Sequence[Received]) -> list[Put]:
        """What became of each, in their order, with one write to disk for all. Raises StateError,
        and then none was put."""
        now = self._clock()
        with self._database.transaction() as sql:
            rooms = {source: self._room(sql, source) for source in {one.source for one in events}}
            return [self._put(sql, event, rooms, now) for event in events]

    def _room(self, sql: sqlite3.Connection, source: str) -> int:
        """How many more events of the source may be put."""
        if _count(sql, source, _ASIDE) >= self._aside_max:
            return 0
        return self._held_max - _count(sql, source, _WAITING)

    def _put(
        self, sql: sqlite3.Connection, event: Received, rooms: dict[str, int], now: float
    ) -> Put:
        known = sql.execute(
            "SELECT 1 FROM events WHERE source = ? AND event_id = ?", event[:2]
        ).fetchone()
        if known:
            return Put.REPEATED
        if rooms[event.source] <= 0:
            return Put.FULL
        sql.execute(
            "INSERT INTO events (source, event_id, account_id, payload, received_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (*event, now),
        )
        rooms[event.source] -= 1
        return Put.NEW

    def take(self, source: str, count_max: int) -> list[Event]:
        """The events that wait, in the order in which they came, so those of each account are in
        theirs too. They are taken again until they are done. Raises StateError."""
        with self._database.transaction() as sql:
            sql.execute(
                f"UPDATE events SET state = {_WAITING}, until = NULL"  # noqa: S608 - constants
                f" WHERE source = ? AND state = {_ASIDE} AND until <= ?",
                (source, self._clock()),
            )
            rows = sql.execute(
                "SELECT event_id, account_id, payload, received_at FROM events"  # noqa: S608
                f" WHERE source = ? AND state = {_WAITING} ORDER BY seq LIMIT ?",
                (source, count_max),
            )
            return [Event(*row) for row in rows]

    def done(self, source: str, event_ids: Iterable[str]) -> None:
        """These need not be taken again: they were sent, or stand in the dead letters. Of each only
        the id is kept. Raises StateError."""
        now = self._clock()
        with self._database.transaction() as sql:
            sql.executemany(
                f"UPDATE events SET state = {_DONE}, until = NULL, ended_at = ?,"  # noqa: S608
                f" payload = x'' WHERE source = ? AND event_id = ? AND state < {_DONE}",
                [(now, source, event_id) for event_id in event_ids],
            )

    def set_aside(self, source: str, event_id: str, awaits: str, until: float) -> None:
        """The event waits for `wake` to name what it awaits, or until that time (seconds since
        1970), and others go before it. Raises StateError."""
        with self._database.transaction() as sql:
            sql.execute(
                f"UPDATE events SET state = {_ASIDE}, awaits = ?, until = ?"  # noqa: S608
                f" WHERE source = ? AND event_id = ? AND state = {_WAITING}",
                (awaits, until, source, event_id),
            )

    def wake(self, source: str, awaited: Iterable[str]) -> None:
        """Events that await any of these wait to be taken again. Raises StateError."""
        with self._database.transaction() as sql:
            sql.executemany(
                f"UPDATE events SET state = {_WAITING}, until = NULL"  # noqa: S608
                f" WHERE source = ? AND state = {_ASIDE} AND awaits = ?",
                [(source, key) for key in awaited],
            )

    def held(self, source: str) -> Held:
        """What is here of a source and not done. Raises StateError."""
        with self._database.reading() as sql:
            oldest = sql.execute(
                "SELECT received_at FROM events"  # noqa: S608 - constants
                f" WHERE source = ? AND state = {_WAITING} ORDER BY seq LIMIT 1",
                (source,),
            ).fetchone()
            (due_at,) = sql.execute(
                "SELECT min(until) FROM events"  # noqa: S608 - constants
                f" WHERE source = ? AND state = {_ASIDE}",
                (source,),
            ).fetchone()
            count = _count(sql, source, _WAITING) + _count(sql, source, _ASIDE)
            return Held(count, oldest and oldest[0], due_at)

    def sources(self) -> list[str]:
        """The sources of which any event is not done. Raises StateError."""
        with self._database.reading() as sql:
            rows = sql.execute(
                f"SELECT DISTINCT source FROM events WHERE state < {_DONE}"  # noqa: S608
                " ORDER BY source"
            )
            return [name for (name,) in rows]

    def forget(self, source: str) -> int:
        """Forgets done events that are too old or too many, the oldest first and at most 10,000;
        returns how many. Raises StateError."""
        with self._database.transaction() as sql:
            (count,) = sql.execute(
                f"SELECT count(*) FROM events WHERE source = ? AND state = {_DONE}",  # noqa: S608
                (source,),
            ).fetchone()
            surplus = min(max(count - self._keep_max, 0), FORGET_MAX)
            gone = _forget(sql, source, before=math.inf, count_max=surplus)
            before = self._clock() - self._keep_s
            return gone + _forget(sql, source, before=before, count_max=FORGET_MAX - gone)

    def close(self) -> None:
        """Gives the file back."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _count(sql: sqlite3.Connection, source: str, state: int) -> int:
    (count,) = sql.execute(
        # As constants, so that SQLite knows which index serves.
        f"SELECT count(*) FROM events WHERE source = ? AND state = {state}",  # noqa: S608
        (source,),
    ).fetchone()
    return int(count)


def _forget(sql: sqlite3.Connection, source: str, *, before: float, count_max: int) -> int:
    return sql.execute(
        "DELETE FROM events WHERE seq IN (SELECT seq FROM events"  # noqa: S608 - constants
        f" WHERE source = ? AND state = {_DONE} AND ended_at < ? ORDER BY ended_at, seq LIMIT ?)",
        (source, before, count_max),
    ).rowcount
