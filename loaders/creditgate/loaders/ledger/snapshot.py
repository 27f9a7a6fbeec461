"""What the ledger says at one moment, kept in a file until all of it is sent.

The file is what makes a stop harmless: the same rows with the same ids are sent again, and what
the server has of them is a duplicate. A second snapshot would have other ids and count twice.
"""

import os
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from creditgate.loaders.ledger import feeds, outbox
from creditgate.loaders.ledger.mapping import OPEN_ITEM, LedgerMapping
from creditgate.loaders.ledger.outbox import Ledger, OutboxRow

ROWS_AT_A_TIME: Final = 20_000

_PARENT: Final = b'"parent_account_id"'


class _Line(msgspec.Struct, frozen=True):
    feed: str
    cells: dict[str, str]


_LINE: Final = msgspec.json.Decoder(_Line)

# Neither byte stands in JSON, so a line of the copy is the JSON as it is.
_COPY: Final = "COPY ({query}) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot that was taken: who saw what."""

    source: str
    seen: str
    """PostgreSQL's name of it (xmin:xmax:xip): the transactions whose changes are in it."""
    rows: int

    @property
    def since(self) -> int:
        """The oldest transaction that may not be in it."""
        return int(self.seen.partition(":")[0])

    @property
    def until(self) -> int:
        """From this one on none is in it."""
        return int(self.seen.split(":")[1])


class SnapshotFile:
    """At most one snapshot, in the folder where a sync keeps its state."""

    def __init__(self, folder: Path) -> None:
        self._rows = folder / "snapshot.jsonl"
        self._head = folder / "snapshot.json"

    def head(self) -> Snapshot | None:
        """The snapshot that was taken and not sent to its end, if there is one."""
        if not self._head.exists():
            return None
        return msgspec.json.decode(self._head.read_bytes(), type=Snapshot)

    async def take(self, ledger: Ledger, mapping: LedgerMapping) -> Snapshot:
        """Write all that the ledger says at this moment. The head is written last: without it
        there is no snapshot, and nothing of one was sent."""
        count = 0
        with self._rows.open("wb") as out:
            async with outbox.one_moment(ledger):
                seen = await outbox.seen_now(ledger)
                for feed, query in _queries(mapping, seen):
                    async with aclosing(_copied(ledger, feed, query)) as lines:
                        async for line in lines:
                            count += 1
                            out.write(line)
            out.flush()
            os.fsync(out.fileno())
        head = Snapshot(mapping.source, seen, count)
        _write_durably(self._head, msgspec.json.encode(head))
        return head

    def rows(self) -> Iterator[Sequence[OutboxRow]]:
        """The rows in their order, some thousands at a time, numbered downwards from -1."""
        with self._rows.open("rb") as lines:
            number = 0
            while part := list(islice(lines, ROWS_AT_A_TIME)):
                yield [
                    OutboxRow(-(number + index), 0.0, line.feed, line.cells)
                    for index, line in enumerate(map(_LINE.decode, part), start=1)
                ]
                number += len(part)

    def remove(self) -> None:
        """Forget it, once the server has all of it and a position behind it."""
        self._head.unlink(missing_ok=True)
        self._rows.unlink(missing_ok=True)


def _queries(mapping: LedgerMapping, seen: str) -> Iterator[tuple[str, str]]:
    """Feeds and their queries. What has a parent is held back and sorted: nothing else is large."""
    for feed in mapping.feed:
        if feed.in_snapshot:
            yield feed.name, feeds.snapshot_query(feed)
    since = seen.partition(":")[0]
    yield OPEN_ITEM, feeds.opening_entries_query(mapping, since)
    yield OPEN_ITEM, feeds.opening_disputes_query(mapping, since)


async def _copied(ledger: Ledger, feed: str, query: str) -> AsyncGenerator[bytes]:
    """Lines of `{"feed", "cells"}`; rows that name a parent behind all others, parents first."""
    children: dict[str, tuple[str, bytes]] = {}
    async with ledger.cursor() as cursor, cursor.copy(_COPY.format(query=query)) as copy:
        async for block in copy:
            for cells in bytes(block).splitlines():
                line = b'{"feed":"%b","cells":%b}\n' % (feed.encode(), cells)
                if _PARENT in cells:
                    row = msgspec.json.decode(cells, type=dict[str, str])
                    children[row.get("account_id", "")] = (row["parent_account_id"], line)
                else:
                    yield line
    for account_id in _parents_first({child: parent for child, (parent, _) in children.items()}):
        yield children[account_id][1]


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
