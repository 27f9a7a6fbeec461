"""The outbox as a stream: what transactions have committed, none skipped, in an order per row.

An id is drawn when a row is written and seen when its transaction commits, so a reader that goes by
ids alone skips what commits late. Here a poll takes the rows of the transactions between two
horizons: below the oldest transaction that still runs (`pg_snapshot_xmin`) nothing can appear any
more. Commit order itself cannot be polled; rows of one window come by id, which is the order in
which changes of the same row were made, since the second waits for the first's lock.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection, IsolationLevel
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import tuple_row

from creditgate.loaders.ledger.feeds import CHANNEL

ROWS_AT_A_TIME: Final = 5_000

_WINDOW: Final = """
    SELECT id, extract(epoch FROM at)::float8, feed, cells::text, fault
    FROM creditgate_outbox
    WHERE xid >= %(since)s::text::xid8 AND xid < %(below)s::text::xid8
        AND NOT coalesce(pg_visible_in_snapshot(xid, %(seen)s::text::pg_snapshot), false)
    ORDER BY id
"""


class OutboxRow(msgspec.Struct, frozen=True):
    """One change as the ledger told of it."""

    id: int
    at_s: float
    """When it was written, in seconds of the ledger's clock since 1970."""
    feed: str
    cells: dict[str, Any]
    """By column; the table's own row where `fault` says why its columns could not be computed."""
    fault: str | None = None


Ledger = AsyncConnection[tuple[Any, ...]]


# A peer that is gone without a word is noticed within half a minute, on both sides: else this one
# would wait for hours, and the ledger keep the lock of a sync that is long over.
_NOTICING: Final = (
    "connect_timeout=10 keepalives_idle=10 keepalives_interval=5 keepalives_count=3 "
    "tcp_user_timeout=30000 client_encoding=UTF8"
)
_SESSION: Final = """
    SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;
    SET tcp_user_timeout = 30000; SET idle_in_transaction_session_timeout = 0;
    SET statement_timeout = 0; SET row_security = off;
    SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'
"""


async def connect(conninfo: str) -> Ledger:
    """A connection whose texts are UTF-8 and whose dates are ISO's, whatever the database's are."""
    # What the company says itself is stronger.
    said = make_conninfo(_NOTICING, **conninfo_to_dict(conninfo))
    ledger = await AsyncConnection.connect(said)
    await ledger.set_autocommit(True)
    await ledger.execute(_SESSION)
    return ledger


@asynccontextmanager
async def one_moment(ledger: Ledger) -> AsyncIterator[None]:
    """All that is read within is of one snapshot. After an error the connection is of no use."""
    await ledger.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    async with ledger.transaction():
        yield
    await ledger.set_isolation_level(None)


async def horizon(ledger: Ledger) -> int:
    """The oldest transaction that still runs, or else the next: all below it have ended."""
    cursor = await ledger.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def latest(ledger: Ledger) -> int:
    """The next transaction: none is higher."""
    cursor = await ledger.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def reached(ledger: Ledger, below: int | None = None) -> int:
    """How far one has come who has all rows below a horizon, or all that are seen: behind the last
    transaction of those.

    The horizon itself may lie behind transactions that left nothing on disk, as rolled back ones.
    After a power cut PostgreSQL gives their numbers to others. One whose row is seen is on disk.
    """
    cursor = await ledger.execute(
        "SELECT o.xid::text FROM creditgate_outbox AS o"
        " WHERE o.xid < %(below)s::text::xid8 OR %(below)s::text IS NULL"
        " ORDER BY o.xid DESC LIMIT 1",
        {"below": below},
    )
    row = await cursor.fetchone()
    return 1 if row is None else int(row[0]) + 1


async def seen_now(ledger: Ledger) -> str:
    """PostgreSQL's name of what is seen within `one_moment` (xmin:xmax:xip), as far as rows of the
    outbox go: without numbers that a power cut would give to others."""
    cursor = await ledger.execute("SELECT pg_current_snapshot()::text")
    row = await cursor.fetchone()
    assert row is not None
    until = await reached(ledger)
    oldest, _, running = str(row[0]).split(":")
    still = [number for number in running.split(",") if number and int(number) < until]
    return f"{min(int(oldest), until)}:{until}:{','.join(still)}"


async def window(
    ledger: Ledger, since: int, below: int, seen: str | None = None
) -> AsyncGenerator[Sequence[OutboxRow]]:
    """The rows of transactions from `since` up to and without `below`, some thousands at a time;
    without those that the snapshot `seen` saw. `below` is a horizon of before."""
    async with ledger.transaction(), ledger.cursor("outbox", row_factory=tuple_row) as cursor:
        await cursor.execute(_WINDOW, {"since": since, "below": below, "seen": seen})
        while rows := await cursor.fetchmany(ROWS_AT_A_TIME):
            yield [
                OutboxRow(number, at_s, feed, msgspec.json.decode(cells), fault)
                for number, at_s, feed, cells, fault in rows
            ]


async def oldest(ledger: Ledger, below: int) -> float | None:
    """When the oldest transaction behind the horizon wrote, None where there is none. It ended
    after an older one that still runs, and whose end nobody tells.

    This is asked often while rows are held back, so it reads one row, however many those are.
    """
    cursor = await ledger.execute(
        "SELECT extract(epoch FROM at)::float8 FROM creditgate_outbox"
        " WHERE xid >= %s::text::xid8 ORDER BY xid LIMIT 1",
        (below,),
    )
    row = await cursor.fetchone()
    return None if row is None else row[0]


async def newest(ledger: Ledger, below: int) -> float | None:
    """When the last row of the transactions below `below` was written, None where there is none."""
    cursor = await ledger.execute(
        "SELECT extract(epoch FROM at)::float8 FROM creditgate_outbox"
        " WHERE xid < %s::text::xid8 ORDER BY id DESC LIMIT 1",
        (below,),
    )
    row = await cursor.fetchone()
    return None if row is None else row[0]


async def listen(ledger: Ledger) -> None:
    """Have the connection told of rows that are committed."""
    await ledger.execute(f"LISTEN {CHANNEL}")


async def told(ledger: Ledger, timeout_s: float) -> None:
    """Return when the outbox has said that there is something, or after so many seconds."""
    async for _ in ledger.notifies(timeout=timeout_s, stop_after=1):
        pass
