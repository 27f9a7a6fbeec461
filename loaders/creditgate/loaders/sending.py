"""How rows reach the server: upserts one request after another, ledger entries as a stream."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from itertools import chain

from creditgate.client import (
    AccessError,
    AccountUpsert,
    AsyncClient,
    CallError,
    ConflictError,
    ExchangeRate,
    InvalidRequestError,
    ItemError,
    LedgerEntry,
    NotFoundError,
    OutOfRangeError,
    PreconditionError,
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
from creditgate.loaders.rows.findings import Flag

CHANNEL = "load"
BATCHES_IN_FLIGHT_MAX = 4
LOOKUPS_IN_FLIGHT_MAX = 64
FLAGS_IN_FLIGHT_MAX = 64
STREAM_ATTEMPTS_MAX = 5
STREAM_BACKOFF_FIRST_S = 0.2

HOLD_NOT_FOUND = "HOLD_NOT_FOUND"
HOLD_NOT_OWN = "HOLD_NOT_OWN"
_REFUSALS = (ConflictError, InvalidRequestError, NotFoundError, OutOfRangeError, PreconditionError)
"""What the server says of one call, and so of one row; all else is of the load."""


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


async def flags(client: AsyncClient, load: Load[Flag]) -> None:
    """Places and lifts holds: of an account in the order of the file, of many accounts at once."""
    for chunk in load.chunks():
        answers = await place_and_lift(client, chunk.messages)
        outcomes = Counter(name for name in answers if isinstance(name, str))
        refused = ((i, answer) for i, answer in enumerate(answers))
        refusals = {i: answer for i, answer in refused if isinstance(answer, ItemError)}
        load.settle(chunk, outcomes, refusals)


async def place_and_lift(client: AsyncClient, flags: Sequence[Flag]) -> Sequence[str | ItemError]:
    """What became of each flag: the name of an outcome, or why it was refused. Those of one account
    keep their order, those of many go side by side."""
    slots = asyncio.Semaphore(FLAGS_IN_FLIGHT_MAX)
    accounts: dict[str, list[int]] = {}
    for index, flag in enumerate(flags):
        accounts.setdefault(flag.account_id, []).append(index)
    answered = await asyncio.gather(
        *(_flags(client, slots, [flags[i] for i in of]) for of in accounts.values()),
        return_exceptions=True,
    )
    # All have ended when one failed: what is tried again must not meet an earlier attempt of it.
    answers: list[list[str | ItemError]] = []
    for answer in answered:
        if isinstance(answer, BaseException):
            raise answer
        answers.append(answer)
    found = dict(zip(chain(*accounts.values()), chain(*answers), strict=True))
    return [found[index] for index in range(len(flags))]


async def _flags(
    client: AsyncClient, slots: asyncio.Semaphore, flags: Sequence[Flag]
) -> list[str | ItemError]:
    async with slots:
        return [await _flag(client, flag) for flag in flags]


async def _flag(client: AsyncClient, flag: Flag) -> str | ItemError:
    """What became of one flag: the name of an outcome, or why it was refused."""
    try:
        if flag.kind is None:
            await client.lift_hold(flag.account_id, flag.hold_id, flag.reason, channel=CHANNEL)
            return "lifted"
        result = await client.place_hold(
            flag.account_id,
            flag.hold_id,
            flag.reason,
            kind=flag.kind,
            source=flag.source,
            expire_time=flag.expire_time,
            channel=CHANNEL,
        )
    except _REFUSALS as error:
        # What is lifted is lifted: the file was loaded before, or the flag ended by itself.
        return "unchanged" if error.reason == HOLD_NOT_FOUND else _item_error(error)
    except AccessError as error:
        # Said of this one hold, which is a person's; anything else of all that is sent.
        if error.reason != HOLD_NOT_OWN:
            raise
        return _item_error(error)
    except (ValueError, OverflowError) as error:
        # No message can hold it: refused by itself, it does not stop those behind it.
        return ItemError("INVALID_ARGUMENT", "FIELD_INVALID", "", str(error))
    return result.outcome.lower()


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
                return account_id, _item_error(error)
            return None

    found = await asyncio.gather(*map(look_up, account_ids))
    return dict(answer for answer in found if answer is not None)


def _item_error(error: CallError) -> ItemError:
    """The refusal of a call as that of a row. What is not found is the account."""
    names = ["account_id"] if isinstance(error, NotFoundError) else []
    names += [violation.field for violation in error.field_violations]
    field = names[0] if names else ""
    return ItemError(error.status_code.name, error.reason, field, error.message)


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
