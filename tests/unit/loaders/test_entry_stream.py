"""A stream of entries that breaks is taken up again where it was acknowledged.

The server here is a real gRPC server on a real socket that keeps entries in a dict; it breaks off
where a test tells it to, which no healthy server can be brought to do on cue."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from creditgate.client import AsyncClient, UnavailableError
from creditgate.loaders import rows
from creditgate.loaders.chunks import Load
from creditgate.loaders.dead_letters import DeadLetters, default_path
from creditgate.loaders.errors import LoadStoppedError
from creditgate.loaders.load import ENTRY_OUTCOMES
from creditgate.loaders.sending import BATCHES_IN_FLIGHT_MAX, STREAM_ATTEMPTS_MAX, EntryStream
from creditgate.loaders.sources import Columns, CsvSource
from creditgate.loaders.tally import Tally
from creditgate.v1 import ledger_pb2, ledger_pb2_grpc

HEADER = "entry_id,account_id,kind,amount,currency"
ROWS = 1_000


@dataclass
class Ledger(ledger_pb2_grpc.LedgerServiceServicer):
    """Posts entries, and breaks off after the requests, counted over all streams, in `breaks`.

    A request at which it breaks is posted first: its acknowledgement is what gets lost."""

    breaks: Callable[[int], bool] = lambda _request: False
    posted: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    streams: int = 0

    async def StreamEntries(  # noqa: N802 - the contract's name
        self,
        request_iterator: AsyncIterator[ledger_pb2.StreamEntriesRequest],
        context: grpc.aio.ServicerContext[
            ledger_pb2.StreamEntriesRequest, ledger_pb2.StreamEntriesResponse
        ],
    ) -> AsyncIterator[ledger_pb2.StreamEntriesResponse]:
        """As the contract says, but for the breaks."""
        self.streams += 1
        answer = ledger_pb2.StreamEntriesResponse()
        async for request in request_iterator:
            self.requests += 1
            answer.ClearField("rejections")
            for entry in request.entries:
                self._post(entry, answer)
            if self.breaks(self.requests):
                await context.abort(grpc.StatusCode.UNAVAILABLE, "cut")
            yield answer

    def _post(
        self, entry: ledger_pb2.LedgerEntry, answer: ledger_pb2.StreamEntriesResponse
    ) -> None:
        if entry.account_id == "none":
            rejection = answer.rejections.add(index=answer.received, entry_id=entry.entry_id)
            rejection.error.reason = "ACCOUNT_NOT_FOUND"
            rejection.error.field = "account_id"
            answer.rejected += 1
        elif entry.entry_id in self.posted:
            answer.duplicate += 1
        else:
            self.posted[entry.entry_id] = entry.amount_minor
            answer.posted += 1
        answer.received += 1


@asynccontextmanager
async def client_of(ledger: Ledger) -> AsyncIterator[AsyncClient]:
    server = grpc.aio.server()
    ledger_pb2_grpc.add_LedgerServiceServicer_to_server(ledger, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with AsyncClient(f"127.0.0.1:{port}") as client:
        yield client
    await server.stop(None)


def write(tmp_path: Path, lines: list[str]) -> Path:
    path = tmp_path / "entries.csv"
    path.write_text("\n".join([HEADER, *lines, ""]))
    return path


def good(first: int, count: int) -> list[str]:
    return [f"E{i},A1,payment,0.01,EUR" for i in range(first, first + count)]


async def send(
    ledger: Ledger, path: Path, pauses: list[float], unanswered: list[int] | None = None
) -> Tally:
    """The load of `load.entries`, with pauses noted instead of waited for.

    `unanswered` takes how many rows were on the way after each acknowledgement."""

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    def settled(_bytes_read: int) -> None:
        if unanswered is not None:
            unanswered.append(tally.unanswered)

    tally = Tally(ENTRY_OUTCOMES)
    async with client_of(ledger) as client:
        with (
            CsvSource(path, Columns(rows.ENTRIES.columns, rows.ENTRIES.required)) as source,
            DeadLetters(default_path(path), source.columns) as dead_letters,
        ):
            one = Load(rows.ENTRIES, source, dead_letters, tally, settled)
            await EntryStream(client, "erp", one, pause=note).send()
    tally.check_complete()
    return tally


def test_a_whole_stream(tmp_path: Path) -> None:
    ledger = Ledger()
    path = write(tmp_path, [*good(0, 2_500), "X,none,payment,1,EUR", "Y,A1,payment,0,EUR"])
    tally = asyncio.run(send(ledger, path, []))
    assert (tally.read, tally.outcomes["posted"], tally.rejected) == (2_502, 2_500, 2)
    assert tally.rejections == {
        ("ACCOUNT_NOT_FOUND", "account_id"): 1,
        ("FIELD_INVALID", "amount"): 1,
    }
    assert len(ledger.posted) == 2_500
    assert ledger.streams == 1


def test_a_stream_that_breaks_loses_and_repeats_nothing(tmp_path: Path) -> None:
    ledger = Ledger(breaks=lambda request: request in {2, 5})
    lines = [*good(0, 1_500), "X,none,payment,1,EUR", *good(1_500, 4_499)]
    pauses: list[float] = []
    tally = asyncio.run(send(ledger, write(tmp_path, lines), pauses))
    assert len(ledger.posted) == 5_999
    # Posted, and their acknowledgement lost: they come back as duplicates.
    assert tally.outcomes == {"posted": 5_999 - 1_999, "duplicate": 1_999}
    assert (tally.read, tally.loaded, tally.rejected) == (6_000, 5_999, 1)
    assert ledger.streams == 3
    assert len(pauses) == 2


def test_a_stream_that_breaks_at_the_same_place_again_and_again_ends_the_load(
    tmp_path: Path,
) -> None:
    ledger = Ledger(breaks=lambda request: request > 1)
    pauses: list[float] = []
    with pytest.raises(UnavailableError):
        asyncio.run(send(ledger, write(tmp_path, good(0, 3_000)), pauses))
    assert ledger.streams == STREAM_ATTEMPTS_MAX
    assert pauses == sorted(pauses)
    assert len(pauses) == STREAM_ATTEMPTS_MAX - 1


def test_breaks_with_progress_in_between_do_not_add_up(tmp_path: Path) -> None:
    ledger = Ledger(breaks=lambda request: request % 2 == 0)
    lines = good(0, (STREAM_ATTEMPTS_MAX + 3) * ROWS)
    tally = asyncio.run(send(ledger, write(tmp_path, lines), []))
    assert tally.loaded == len(lines) == len(ledger.posted)
    assert ledger.streams > STREAM_ATTEMPTS_MAX


def test_chunks_without_a_valid_row_are_not_sent(tmp_path: Path) -> None:
    bad = [f"B{i},A1,payment,0,EUR" for i in range(ROWS)]
    ledger = Ledger(breaks=lambda request: request == 2)
    path = write(tmp_path, [*bad, *good(0, ROWS), *bad, *good(ROWS, ROWS), *bad])
    tally = asyncio.run(send(ledger, path, []))
    assert (tally.read, tally.loaded, tally.rejected) == (5 * ROWS, 2 * ROWS, 3 * ROWS)
    lines = [
        int(line.partition(",")[0]) for line in default_path(path).read_text().splitlines()[1:]
    ]
    assert lines == sorted(lines)
    assert ledger.requests == 3


def test_a_file_without_rows_opens_no_stream_that_waits(tmp_path: Path) -> None:
    tally = asyncio.run(send(Ledger(), write(tmp_path, []), []))
    assert (tally.read, tally.loaded) == (0, 0)


def test_few_batches_are_on_the_way_at_once(tmp_path: Path) -> None:
    unanswered: list[int] = []
    lines = good(0, 20 * ROWS)
    tally = asyncio.run(send(Ledger(), write(tmp_path, lines), [], unanswered))
    assert tally.loaded == len(lines)
    # As an acknowledgement is settled, its own place is not yet given to another batch.
    assert 0 < max(unanswered) <= (BATCHES_IN_FLIGHT_MAX - 1) * ROWS


def test_a_server_that_ends_the_stream_early_stops_the_load(tmp_path: Path) -> None:
    class Short(Ledger):
        async def StreamEntries(  # noqa: N802 - the contract's name
            self,
            request_iterator: AsyncIterator[ledger_pb2.StreamEntriesRequest],
            context: grpc.aio.ServicerContext[
                ledger_pb2.StreamEntriesRequest, ledger_pb2.StreamEntriesResponse
            ],
        ) -> AsyncIterator[ledger_pb2.StreamEntriesResponse]:
            async for answer in super().StreamEntries(request_iterator, context):
                yield answer
                return

    with pytest.raises(LoadStoppedError, match="ended the stream before"):
        asyncio.run(send(Short(), write(tmp_path, good(0, 2_000)), []))
