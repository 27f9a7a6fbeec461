"""Loads a whole file: opens it, sends its rows, accounts for every one of them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from creditgate.client import (
    AccountUpsert,
    AsyncClient,
    CreditgateError,
    ExchangeRate,
    LedgerEntry,
    Segment,
    Terms,
    TermsAssignment,
    VerificationRecord,
)
from creditgate.loaders import mapping, rows, sending
from creditgate.loaders.chunks import Load
from creditgate.loaders.dead_letters import DeadLetters, default_path
from creditgate.loaders.errors import FileError, LoadStoppedError
from creditgate.loaders.rows import RowKind
from creditgate.loaders.rows.findings import Flag
from creditgate.loaders.sources import Columns, Format, open_source
from creditgate.loaders.tally import Tally

SOURCE_DEFAULT = "ledger"
UPSERT_OUTCOMES = ("created", "updated", "unchanged")
ENTRY_OUTCOMES = ("posted", "duplicate")
FLAG_OUTCOMES = ("created", "updated", "lifted", "unchanged")

MessageT = TypeVar("MessageT")


@dataclass
class FileLoad(Generic[MessageT]):
    """One file to be loaded, once. After `run`, `tally` tells what became of its rows."""

    kind: RowKind[MessageT]
    path: Path
    tally: Tally
    send: Callable[[Load[MessageT]], Awaitable[None]]
    dead_letters: Path | None = field(init=False)
    """Where rejected rows are written; None for nowhere, as `tally` alone tells of some then."""
    format: Format | None = None
    """None: as the file's name says."""
    mapping: Path | None = None
    """The mapping file, if the columns are not called as in the documentation."""
    on_bytes_read: Callable[[int], None] = lambda _bytes: None

    def __post_init__(self) -> None:
        self.dead_letters = default_path(self.path)

    async def run(self) -> Tally:
        """Loads the file, however large, and holds no more of it than the rows on their way and
        what each row sets; rejected rows go to the dead letters.

        Raises FileError before anything is sent when the file or its header is at fault, and
        LoadStoppedError when the server fails for good, the dead letters cannot be written or the
        file turns out to be none on the way: rows answered until then stay loaded, and loading the
        file again is harmless."""
        letters = self.dead_letters
        if letters is not None and _same(letters, self.path):
            raise FileError(f"{letters}: the dead letters would overwrite the file itself")
        takes = self._takes()
        with (
            open_source(self.path, takes, self.format) as source,
            nullcontext()
            if letters is None
            else DeadLetters(letters, source.columns, takes.delimiter) as dead_letters,
        ):
            load = Load(self.kind, source, dead_letters, self.tally, self.on_bytes_read)
            try:
                await self.send(load)
            except (CreditgateError, FileError) as error:
                raise LoadStoppedError(str(error)) from error
        self.tally.check_complete()
        return self.tally

    def _takes(self) -> Columns:
        known, required = self.kind.columns, self.kind.required
        if self.mapping is None:
            return Columns(known, required)
        return Columns(known, required, mapping.read(self.mapping, known))


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve() or (one.exists() and one.samefile(other))


def accounts(client: AsyncClient, path: Path) -> FileLoad[AccountUpsert]:
    """Creates accounts and changes the fields whose cells are filled."""
    send = partial(sending.accounts, client)
    return FileLoad(rows.ACCOUNTS, path, Tally(UPSERT_OUTCOMES), send)


def limits(client: AsyncClient, path: Path) -> FileLoad[AccountUpsert]:
    """Changes the limits of accounts that exist."""
    return FileLoad(rows.LIMITS, path, Tally(UPSERT_OUTCOMES), partial(sending.limits, client))


def segments(client: AsyncClient, path: Path) -> FileLoad[Segment]:
    """Creates segments and changes their default limits."""
    return FileLoad(rows.SEGMENTS, path, Tally(UPSERT_OUTCOMES), partial(sending.segments, client))


def terms(client: AsyncClient, path: Path) -> FileLoad[Terms]:
    """Creates payment terms and sets them anew."""
    return FileLoad(rows.TERMS, path, Tally(UPSERT_OUTCOMES), partial(sending.terms, client))


def assignments(client: AsyncClient, path: Path) -> FileLoad[TermsAssignment]:
    """Assigns payment terms to segments, accounts and contracts."""
    send = partial(sending.assignments, client)
    return FileLoad(rows.ASSIGNMENTS, path, Tally(UPSERT_OUTCOMES), send)


def verifications(client: AsyncClient, path: Path) -> FileLoad[VerificationRecord]:
    """Keeps what third parties found out about customers."""
    send = partial(sending.verifications, client)
    return FileLoad(rows.VERIFICATIONS, path, Tally(UPSERT_OUTCOMES), send)


def scores(client: AsyncClient, path: Path) -> FileLoad[VerificationRecord]:
    """Keeps what third parties say how good customers are: verifications with a score."""
    send = partial(sending.verifications, client)
    return FileLoad(rows.SCORES, path, Tally(UPSERT_OUTCOMES), send)


def flags(client: AsyncClient, path: Path) -> FileLoad[Flag]:
    """Suspends new orders of customers, and lifts what did."""
    return FileLoad(rows.FLAGS, path, Tally(FLAG_OUTCOMES), partial(sending.flags, client))


def rates(client: AsyncClient, path: Path) -> FileLoad[ExchangeRate]:
    """Sets the rates of pairs of currencies."""
    return FileLoad(rows.RATES, path, Tally(UPSERT_OUTCOMES), partial(sending.rates, client))


def entries(client: AsyncClient, path: Path, source: str = SOURCE_DEFAULT) -> FileLoad[LedgerEntry]:
    """Posts ledger entries; within a source, an entry_id is posted once and never again."""
    return FileLoad(
        rows.ENTRIES, path, Tally(ENTRY_OUTCOMES), partial(sending.entries, client, source)
    )


def dry_run(kind: RowKind[MessageT], path: Path) -> FileLoad[MessageT]:
    """Validates every row and sends nothing. The dead letters of the last load stay: a dry run
    writes some of its own only where it is told to."""
    file_load = FileLoad(kind, path, Tally((), "valid"), _send_nothing)
    file_load.dead_letters = None
    return file_load


async def _send_nothing(load: Load[MessageT]) -> None:
    for chunk in load.chunks():
        load.settle(chunk, Counter(valid=len(chunk.messages)), {})
        await asyncio.sleep(0)  # so that Ctrl-C ends it
