"""What the ledger says at one moment.

What holds now (accounts, limits, terms) is told as it is read: told again it changes nothing. What
is open is kept in a file until all of it is sent: the same entries with the same ids are sent again
after a stop, and what the server has of them is a duplicate. A second snapshot would have other ids
and count twice.
"""

import os
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import aclosing
from graphlib import CycleError, TopologicalSorter
from itertools import count, islice
from pathlib import Path
from typing import Final

import msgspec

from creditgate.loaders.errors import LoadError
from creditgate.loaders.ledger import feeds, outbox
from creditgate.loaders.ledger.feeds import Captured
from creditgate.loaders.ledger.mapping import OPEN_ITEM, SOURCE_CELL, LedgerMapping
from creditgate.loaders.ledger.outbox import Ledger, OutboxRow

ROWS_AT_A_TIME: Final = 1_000
"""As many as go in one call."""


_CELLS: Final = msgspec.json.Decoder(dict[str, str])

# Neither byte stands in JSON, so a line of the copy is the JSON as it is.
_COPY: Final = "COPY ({query}) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot that was taken: who saw what."""

    source: str
    seen: str
    """PostgreSQL's name of it (xmin:xmax:xip): the transactions whose rows of the outbox are in
    it."""
    following: int
    """The next transaction then: nothing of it or of later ones is in it, also of what no outbox
    told."""

    @property
    def since(self) -> int:
        """The oldest transaction that may not be in it."""
        return int(self.seen.partition(":")[0])

    @property
    def until(self) -> int:
        """From this one on none is in it."""
        return int(self.seen.split(":")[1])


class SnapshotError(LoadError):
    """No snapshot can be taken before a person has done what the message says."""


class SnapshotFile:
    """At most one snapshot, in the folder where a sync keeps its state."""

    def __init__(self, folder: Path) -> None:
        self._entries = folder / "snapshot.jsonl"
        self._head = folder / "snapshot.json"
        self._taken: Snapshot | None = None

    def head(self) -> Snapshot | None:
        """The snapshot that was taken and not sent to its end, if there is one."""
        if not self._head.exists():
            return None
        return msgspec.json.decode(self._head.read_bytes(), type=Snapshot)

    async def take(
        self,
        ledger: Ledger,
        mapping: LedgerMapping,
        captured: Callable[[], Awaitable[Captured]],
        heard: Collection[str],
    ) -> AsyncGenerator[Sequence[OutboxRow]]:
        """Read all that the ledger says at this moment: yields what holds now, some at a time, and
        keeps what is open, of the invoices that were `captured` by now even what is settled, and of
        sources that the service has `heard` of, or may yet, what they tell of too.

        Raises SnapshotError."""
        numbers = count(1)
        async with outbox.one_moment(ledger):
            await _check_told(ledger, mapping)
            seen, following = await outbox.seen_now(ledger), await outbox.latest(ledger)
            head = Snapshot(mapping.source, seen, following)
            for feed in mapping.feed:
                if feed.in_snapshot:
                    async with aclosing(_holding(ledger, feeds.snapshot_query(feed))) as parts:
                        async for cells in parts:
                            yield _rows(feed.name, cells, numbers)
            with self._entries.open("wb") as out:
                for query in _kept_queries(mapping, head, await captured(), heard):
                    async with aclosing(_copied(ledger, query)) as lines:
                        async for line in lines:
                            out.write(line)
                out.flush()
                os.fsync(out.fileno())
        self._taken = head

    def keep(self) -> Snapshot:
        """Have the snapshot that was taken to its end, now that what holds was told. Without it
        there is none, and no entry of one may be sent."""
        assert self._taken is not None
        _write_durably(self._head, msgspec.json.encode(self._taken))
        return self._taken

    async def entries(self) -> AsyncGenerator[Sequence[OutboxRow]]:
        """The entries that were kept, in their order, some at a time."""
        numbers = count(1)
        with self._entries.open("rb") as lines:
            while part := list(islice(lines, ROWS_AT_A_TIME)):
                yield _rows(OPEN_ITEM, map(_CELLS.decode, part), numbers)

    def remove(self) -> None:
        """Forget it, once the server has all of it and a position behind it."""
        self._head.unlink(missing_ok=True)
        self._entries.unlink(missing_ok=True)


async def _check_told(ledger: Ledger, mapping: LedgerMapping) -> None:
    """What is open counts documents that the outbox could not tell of. Told again once they are
    mended, they would count twice. Raises SnapshotError."""
    documents = [feed.name for feed in mapping.feed if feed.kind == "entries"]
    cursor = await ledger.execute(
        "SELECT feed, count(*), min(fault) FROM creditgate_outbox"
        " WHERE fault IS NOT NULL AND mended_at IS NULL AND feed = ANY(%s) GROUP BY feed",
        (documents,),
    )
    broken = [f"{count} of feed {feed!r} ({fault})" async for feed, count, fault in cursor]
    if broken:
        raise SnapshotError(
            f"rows of the outbox could not be computed: {', '.join(broken)}. Mend the mapping and "
            "run `creditgate sync install` before the first snapshot: told later, they would count "
            "twice"
        )


def _rows(
    feed: str, cells: Iterable[dict[str, str]], numbers: Iterator[int]
) -> Sequence[OutboxRow]:
    """Rows that no outbox told of, numbered downwards from -1."""
    return [OutboxRow(-next(numbers), 0.0, feed, of_one) for of_one in cells]


def _kept_queries(
    mapping: LedgerMapping, head: Snapshot, captured: Captured, heard: Collection[str]
) -> Iterator[str]:
    # Before what is open, which counts the same again: nothing is free in between that is not.
    for feed in mapping.feed:
        if feed.kind == "entries" and SOURCE_CELL in feed.columns:
            yield feeds.told_elsewhere_query(feed, mapping, heard, head.following)
    yield feeds.opening_entries_query(mapping, head.following)
    for feed in mapping.feed:
        if captured and feed.kind == "entries" and "invoice_id" in feed.columns:
            yield feeds.settled_entries_query(feed, mapping, captured, head.following)
    yield feeds.opening_disputes_query(mapping, head.following)


async def _holding(ledger: Ledger, query: str) -> AsyncGenerator[Sequence[dict[str, str]]]:
    """The rows of a feed, some at a time; those that name a parent behind all others, parents
    first. They are held back until then: nothing else is large."""
    children: dict[str, tuple[str, bytes]] = {}
    part: list[dict[str, str]] = []
    async with aclosing(_copied(ledger, query)) as lines:
        async for line in lines:
            cells = _CELLS.decode(line)
            if parent := cells.get("parent_account_id"):
                children[cells.get("account_id", "")] = parent, line
                continue
            part.append(cells)
            if len(part) == ROWS_AT_A_TIME:
                yield part
                part = []
    yield part
    ordered = _parents_first({child: parent for child, (parent, _) in children.items()})
    while part := [_CELLS.decode(children[it][1]) for it in islice(ordered, ROWS_AT_A_TIME)]:
        yield part


async def _copied(ledger: Ledger, query: str) -> AsyncGenerator[bytes]:
    """The rows of a query of one column, each a line."""
    async with ledger.cursor() as cursor, cursor.copy(_COPY.format(query=query)) as copy:
        async for line in copy:  # libpq hands out row by row
            yield bytes(line)


def _parents_first(parents: dict[str, str]) -> Iterator[str]:
    """Children, each behind its parent. Those of a circle come last, to be refused."""
    left = {child: [parent] for child, parent in parents.items()}
    circles: list[str] = []
    while True:
        try:
            order = list(TopologicalSorter(left).static_order())
        except CycleError as error:
            circles += {name for name in error.args[1] if left.pop(name, None)}
        else:
            return (name for name in (*order, *circles) if name in parents)


def _write_durably(path: Path, content: bytes) -> None:
    """All of the file or none of it, also after a crash."""
    made = path.with_suffix(".new")
    with made.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    made.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
