"""How rows reach the server: upserts one request after another, ledger entries as a stream."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

from creditgate.client import (
    AccountUpsert,
    AsyncClient,
    ExchangeRate,
    ItemError,
    LedgerEntry,
    NotFoundError,
    ProposalState,
    Segment,
    StreamProgress,
    Terms,
    TermsAssignment,
    TransientError,
    UpsertResult,
    VerificationRecord,
)
from creditgate.loaders.chunks import Chunk, Load
from creditgate.loaders.errors import LoadStoppedError

CHANNEL = "load"
BATCHES_IN_FLIGHT_MAX = 4
LOOKUPS_IN_FLIGHT_MAX = 64
STREAM_ATTEMPTS_MAX = 5
STREAM_BACKOFF_FIRST_S = 0.2


async def accounts(client: AsyncClient, load: Load[AccountUpsert]) -> None:
    """Creates and changes accounts, in the order of the file: parents precede their children."""
    for chunk in load.chunks():
        results = await _upsert(client, chunk.messages)
        load.settle(chunk, *_upsert_outcomes(results))


async def limits(client: AsyncClient, load: Load[AccountUpsert]) -> None:
    """Changes accounts that exist. An upsert would create the others: those are looked up first."""
    for chunk in load.chunks():
        unknown = await _unknown_accounts(client, {row.account_id for row in chunk.messages})
        known = [i for i, row in enumerate(chunk.messages) if row.account_id not in unknown]
        results = await _upsert(client, [chunk.messages[i] for i in known])
        outcomes, refused = _upsert_outcomes(results)
        refusals = {known[i]: error for i, error in refused.items()}
        for index, row in enumerate(chunk.messages):
            if row.account_id in unknown:
                refusals[index] = unknown[row.account_id]
        load.settle(chunk, outcomes, refusals)


async def segments(client: AsyncClient, load: Load[Segment]) -> None:
    """Creates segments and changes their default limits."""
    for chunk in load.chunks():
        results: Sequence[UpsertResult] = ()
        if chunk.messages:
            results = await client.upsert_segments(chunk.messages, channel=CHANNEL)
        load.settle(chunk, *_upsert_outcomes(results))


async def terms(client: AsyncClient, load: Load[Terms]) -> None:
    """Creates payment terms and sets them anew."""
    for chunk in load.chunks():
        results: Sequence[UpsertResult] = ()
        if chunk.messages:
            results = await client.upsert_terms(chunk.messages, channel=CHANNEL)
        load.settle(chunk, *_upsert_outcomes(results))


async def assignments(client: AsyncClient, load: Load[TermsAssignment]) -> None:
    """Assigns payment terms."""
    for chunk in load.chunks():
        results: Sequence[UpsertResult] = ()
        if chunk.messages:
            results = await client.assign_terms(chunk.messages, channel=CHANNEL)
        load.settle(chunk, *_upsert_outcomes(results))


async def verifications(client: AsyncClient, load: Load[VerificationRecord]) -> None:
    """Keeps what third parties found out about customers."""
    for chunk in load.chunks():
        results: Sequence[UpsertResult] = ()
        if chunk.messages:
            results = await client.record_verifications(chunk.messages, channel=CHANNEL)
        load.settle(chunk, *_upsert_outcomes(results))


async def rates(client: AsyncClient, load: Load[ExchangeRate]) -> None:
    """Sets exchange rates."""
    for chunk in load.chunks():
        results: Sequence[UpsertResult] = ()
        if chunk.messages:
            results = await client.upsert_rates(chunk.messages, channel=CHANNEL)
        load.settle(chunk, *_upsert_outcomes(results))


async def _upsert(client: AsyncClient, rows: Sequence[AccountUpsert]) -> Sequence[UpsertResult]:
    return await client.upsert_accounts(rows, channel=CHANNEL) if rows else ()


def _upsert_outcomes(
    results: Iterable[UpsertResult],
) -> tuple[Counter[str], dict[int, ItemError]]:
    outcomes: Counter[str] = Counter()
    refusals = {}
    for index, result in enumerate(results):
        if result.error is not None:
            refusals[index] = result.error
        else:
            assert result.outcome is not None, result
            waits = result.proposal_state is ProposalState.PENDING
            outcomes["proposed" if waits else result.outcome.lower()] += 1
    return outcomes, refusals


async def _unknown_accounts(client: AsyncClient, account_ids: set[str]) -> dict[str, ItemError]:
    slots = asyncio.Semaphore(LOOKUPS_IN_FLIGHT_MAX)

    async def look_up(account_id: str) -> tuple[str, ItemError] | None:
        async with slots:
            try:
                await client.get_account(account_id)
            except NotFoundError as error:
                code = error.status_code.name
                return account_id, ItemError(code, error.reason, "account_id", error.message)
            return None

    found = await asyncio.gather(*map(look_up, account_ids))
    return dict(answer for answer in found if answer is not None)


async def entries(client: AsyncClient, source: str, load: Load[LedgerEntry]) -> None:
    """Posts ledger entries."""
    await EntryStream(client, source, load).send()


class EntryStream:
    """Sends ledger entries as a stream, a few batches ahead of their acknowledgements.

    A stream that breaks is taken up again from the first batch that was not acknowledged: an entry
    that was posted all the same comes back as a duplicate."""

    def __init__(
        self,
        client: AsyncClient,
        source: str,
        load: Load[LedgerEntry],
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._source = source
        self._load = load
        self._pause = pause
        self._unread = load.chunks()
        self._unacknowledged: deque[Chunk[LedgerEntry]] = deque()
        self._acknowledged = 0
        self._attempt = 0

    async def send(self) -> None:
        """Sends the whole file. Raises CallError when the stream breaks again and again without
        any acknowledgement in between, LoadStoppedError when it ends before its time."""
        failures = 0
        while True:
            acknowledged = self._acknowledged
            try:
                await self._stream()
            except TransientError as error:
                failures = failures + 1 if self._acknowledged == acknowledged else 1
                if failures == STREAM_ATTEMPTS_MAX:
                    raise
                backoff_s = STREAM_BACKOFF_FIRST_S * 2 ** (failures - 1)
                await self._pause(backoff_s + (error.retry_delay_s or 0))
            else:
                break
        if self._unacknowledged:
            raise LoadStoppedError("the server ended the stream before it had acknowledged it all")

    async def _stream(self) -> None:
        self._attempt += 1
        window = asyncio.Semaphore(BATCHES_IN_FLIGHT_MAX)
        before = StreamProgress(received=0, posted=0, duplicate=0, rejected=0, rejections=())
        stream = self._client.stream_entries(self._batches(window), self._source)
        async for now in stream:
            self._acknowledge(before, now)
            before = now
            window.release()

    async def _batches(self, window: asyncio.Semaphore) -> AsyncIterator[Sequence[LedgerEntry]]:
        attempt = self._attempt
        for chunk in tuple(self._unacknowledged):
            if chunk.messages:
                await window.acquire()
                yield chunk.messages
        while True:
            await window.acquire()
            # A stream that broke must not go on taking rows: another one has taken its place.
            if attempt != self._attempt:
                return
            unread = self._next_chunk()
            if unread is None:
                return
            yield unread.messages

    def _next_chunk(self) -> Chunk[LedgerEntry] | None:
        """The next chunk with something to send. One without waits for its turn to be settled."""
        for chunk in self._unread:
            self._unacknowledged.append(chunk)
            if chunk.messages:
                return chunk
            self._settle_empty()
        return None

    def _acknowledge(self, before: StreamProgress, now: StreamProgress) -> None:
        if not self._unacknowledged:
            raise LoadStoppedError("the server acknowledged a batch that was not sent")
        outcomes = Counter(
            posted=now.posted - before.posted, duplicate=now.duplicate - before.duplicate
        )
        refusals = {row.index - before.received: row.error for row in now.rejections}
        self._load.settle(self._unacknowledged.popleft(), outcomes, refusals)
        self._acknowledged += 1
        self._settle_empty()

    def _settle_empty(self) -> None:
        while self._unacknowledged and not self._unacknowledged[0].messages:
            self._load.settle(self._unacknowledged.popleft(), Counter(), {})
