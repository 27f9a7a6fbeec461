"""Files that are moved into a folder: taken whole, each row once, then moved to `done`."""

import asyncio
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from creditgate.client import VerificationRecord
from creditgate.loaders import rows
from creditgate.loaders.errors import FileError, RowError
from creditgate.loaders.feeds.forwarder import Forwarder
from creditgate.loaders.feeds.letters import file_letter, letter
from creditgate.loaders.feeds.records import OWN, parse
from creditgate.loaders.fields import SURROGATE, invalid
from creditgate.loaders.queue.database import StateError
from creditgate.loaders.queue.inbox import Inbox, Put, Received
from creditgate.loaders.queue.letters import DeadLetter, LetterBox, LettersFullError
from creditgate.loaders.rows import RowKind
from creditgate.loaders.rows.findings import Flag
from creditgate.loaders.running.attempts import Attempts
from creditgate.loaders.running.logs import log
from creditgate.loaders.running.sources import Source
from creditgate.loaders.running.stopping import Stop, StoppedError
from creditgate.loaders.sources import Columns, SourceRow, open_source
from creditgate.loaders.sources import Source as File

POLL_S: Final = 0.2
FULL_S: Final = 0.5
ROWS_MAX: Final = 500
DONE: Final = "done"
_NAME: Final = re.compile(r"(?P<kind>flags|scores).*\.(csv|jsonl|ndjson|parquet)", re.IGNORECASE)
_KINDS: Final[Mapping[str, RowKind[Flag] | RowKind[VerificationRecord]]] = {
    "flags": rows.FLAGS,
    "scores": rows.SCORES,
}


class Drop:
    """Takes the files of one folder until it is told to stop; one that it was at is taken anew."""

    def __init__(
        self,
        folder: Path,
        forwarders: Mapping[str, Forwarder],
        stop: Stop,
        *,
        inbox: Inbox,
        letters: LetterBox,
    ) -> None:
        """`forwarders`: by source, of drop:flags and drop:scores."""
        self.source = Source("drop")
        self._folder = folder
        self._forwarders = forwarders
        self._stop = stop
        self._inbox = inbox
        self._letters = letters
        self._attempts = Attempts(self.source, stop)

    async def run(self) -> None:
        """Looks for files again and again."""
        try:
            while True:
                await self._attempts.until_done(self._sweep, _may_pass)
                await self._stop.sleep(POLL_S)
        except StoppedError:
            return

    async def _sweep(self) -> None:
        for path in sorted(self._folder.iterdir()):
            if (found := _NAME.fullmatch(path.name)) and path.is_file():
                await self._take(path, found["kind"].lower())

    async def _take(self, path: Path, kind: str) -> None:
        """Everything of it is on disk before it is moved: killed in between, it is taken again, and
        its rows are known."""
        source = f"drop:{kind}"
        row = _KINDS[kind]
        takes = Columns((*row.columns, *OWN), row.required)
        written_at = await asyncio.to_thread(_written_at, path)
        try:
            with await asyncio.to_thread(open_source, path, takes) as file:
                unread = iter(file)
                while some := await asyncio.to_thread(lambda: list(islice(unread, ROWS_MAX))):
                    await self._keep(source, list(_records(file, some, written_at)))
        except FileError as error:
            await self._refuse(file_letter(source, path.name, written_at, str(error)))
        await asyncio.to_thread(_move, path)
        self.source.took("file")

    async def _keep(self, source: str, records: Sequence[bytes | tuple[bytes, RowError]]) -> None:
        events: list[Received] = []
        for one in records:
            if isinstance(one, tuple):
                await self._refuse(letter(source, *one))
                continue
            try:
                record = parse(source, one, datetime.now(UTC).timestamp())
            except RowError as error:
                await self._refuse(letter(source, one, error))
            else:
                events.append(Received(source, record.event_id, record.account_id, one))
        while events:
            puts = await asyncio.to_thread(self._inbox.put_all, events)
            self._forwarders[source].wake()
            events = [event for event, put in zip(events, puts, strict=True) if put is Put.FULL]
            if events:
                await self._stop.sleep(FULL_S)

    async def _refuse(self, found: DeadLetter) -> None:
        await asyncio.to_thread(self._letters.put, found)
        self._forwarders[found.source].source.refused()
        log(
            logging.WARNING,
            "dead letter",
            source=found.source,
            event_id=found.event_id,
            reason=found.reason,
            message=found.message,
        )


def _records(
    file: File, some: Sequence[SourceRow], written_at: str
) -> Iterator[bytes | tuple[bytes, RowError]]:
    """Each row as a record, or as it stands there and why it is none. One that says no time was
    said when the file was written."""
    for row in some:
        try:
            if row.problem is not None:
                raise row.problem
            yield _record({"time": written_at, **file.named(row)})
        except RowError as error:
            shown = [cell.encode(errors="backslashreplace").decode() for cell in row.cells]
            text = error.value.encode(errors="surrogateescape")
            yield msgspec.json.encode(shown) if shown else text, error


def _record(cells: Mapping[str, str]) -> bytes:
    """Raises RowError."""
    for name, value in cells.items():
        # What sources make of bytes that are not UTF-8 can be encoded by nobody.
        if SURROGATE.search(value):
            raise invalid(name, value, "must be UTF-8")
    return msgspec.json.encode(cells)


def _written_at(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat()


def _move(path: Path) -> None:
    """To `done`, beside whatever has that name there."""
    done = path.parent / DONE
    done.mkdir(exist_ok=True)
    to, number = done / path.name, 1
    while to.exists():
        number += 1
        to = done / f"{path.stem}.{number}{path.suffix}"
    path.rename(to)


def _may_pass(error: Exception) -> bool:
    return isinstance(error, OSError | StateError | LettersFullError)
