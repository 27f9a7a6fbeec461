"""The stages that every load shares: rows in chunks, validated, and each one accounted for."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from creditgate.client import ItemError
from creditgate.loaders.dead_letters import DeadLetters
from creditgate.loaders.errors import LoadStoppedError, RowError
from creditgate.loaders.rows import RowKind
from creditgate.loaders.sources import Source, SourceRow
from creditgate.loaders.tally import Tally

CHUNK_ROWS_MAX = 1_000
"""Rows read at a time: as many as one bulk request may carry."""

CHUNK_CHARS_MAX = 1 << 20
"""Text of the rows read at a time: 1,000 payments with many long allocations would otherwise make a
message too large. A message takes less than three times its cells' text."""

DUPLICATE_ROW = "DUPLICATE_ROW"

MessageT = TypeVar("MessageT")


@dataclass
class Chunk(Generic[MessageT]):
    """Rows for one bulk request: the valid ones, with their messages, and the others."""

    rows: list[SourceRow] = field(default_factory=list)
    messages: list[MessageT] = field(default_factory=list)
    rejected: list[tuple[SourceRow, RowError]] = field(default_factory=list)
    chars: int = 0

    @property
    def full(self) -> bool:
        """Whether it is time to send."""
        return len(self) >= CHUNK_ROWS_MAX or self.chars >= CHUNK_CHARS_MAX

    def __len__(self) -> int:
        return len(self.rows) + len(self.rejected)


class Load(Generic[MessageT]):
    """One load under way: hands out chunks of the file and takes back what became of them."""

    def __init__(
        self,
        kind: RowKind[MessageT],
        source: Source,
        dead_letters: DeadLetters | None,
        tally: Tally,
        on_bytes_read: Callable[[int], None],
    ) -> None:
        self._kind = kind
        self._source = source
        self._dead_letters = dead_letters
        self._tally = tally
        self._on_bytes_read = on_bytes_read
        self._first_lines: dict[tuple[str, ...], int] = {}

    def chunks(self) -> Iterator[Chunk[MessageT]]:
        """The whole file, a chunk at a time. Every chunk must be given to `settle`."""
        chunk = Chunk[MessageT]()
        for row in self._source:
            self._tally.read += 1
            try:
                message = self._message(row)
            except RowError as error:
                chunk.rejected.append((row, error))
            else:
                chunk.rows.append(row)
                chunk.messages.append(message)
            chunk.chars += sum(map(len, row.cells))
            if row.problem is not None:
                chunk.chars += len(row.problem.value)
            if chunk.full:
                yield chunk
                chunk = Chunk()
        if len(chunk):
            yield chunk

    def settle(
        self,
        chunk: Chunk[MessageT],
        outcomes: Counter[str],
        refusals: Mapping[int, ItemError],
    ) -> None:
        """Account for a chunk: `outcomes` counts the rows that were taken, `refusals` holds the
        others by their index among the chunk's messages."""
        if outcomes.total() + len(refusals) != len(chunk.messages):
            raise LoadStoppedError(
                f"the server answered {outcomes.total() + len(refusals)} of "
                f"{len(chunk.messages)} rows"
            )
        self._tally.add_outcomes(outcomes)
        for index, item in refusals.items():
            row = chunk.rows[index]
            chunk.rejected.append((row, self._refusal(row, item)))
        for row, error in sorted(chunk.rejected, key=lambda rejected: rejected[0].line):
            self._tally.add_rejection(row.line, error)
            if self._dead_letters is not None:
                self._dead_letters.write(row, error)
        self._on_bytes_read(self._source.bytes_read())

    def _message(self, row: SourceRow) -> MessageT:
        if row.problem is not None:
            raise row.problem
        cells = self._source.named(row)
        message = self._kind.message(cells)
        self._check_named_once(row.line, cells)
        return message

    def _check_named_once(self, line: int, cells: Mapping[str, str]) -> None:
        """Refuses the later of two rows that set the same: loaded again, the file would change the
        value to and fro. A row that is refused here sets nothing and does not count."""
        columns = self._kind.named_once
        if not columns:
            return
        values = tuple(cells.get(column, "") for column in columns)
        first = self._first_lines.setdefault(values, line)
        if first != line:
            named = zip(columns, values, strict=True)
            what = ", ".join(f"{column} {value!r}" for column, value in named if value)
            message = f"{what}: must stand in one row of the file, stands in line {first} already"
            raise RowError(columns[0], values[0], DUPLICATE_ROW, message)

    def _refusal(self, row: SourceRow, item: ItemError) -> RowError:
        """The server's refusal in terms of the file: its column, and what stands there."""
        column = self._kind.column_of(item.field)
        value = self._source.named(row).get(column, "")
        return RowError(column, value, item.reason, item.message)
