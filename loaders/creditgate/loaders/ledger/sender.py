"""How batches reach the server, and what becomes of each row."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import msgspec

from creditgate.client import (
    AccountUpsert,
    AsyncClient,
    EntryOutcome,
    ItemError,
    LedgerEntry,
)
from creditgate.loaders.errors import LoadError, RowError
from creditgate.loaders.ledger.batches import Batch, Lot, Refused
from creditgate.loaders.ledger.mapping import KINDS
from creditgate.loaders.rows.findings import Flag
from creditgate.loaders.sending import CHANNEL, place_and_lift

ROWS_A_CALL_MAX: Final = 1_000

_LAST_END: Final = datetime(9998, 12, 31, tzinfo=UTC)
"""The server takes no end of a hold behind it."""

_PASSING: Final = frozenset({"UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED", "INTERNAL", "UNKNOWN"})
"""Codes of a row that say nothing against the row: the same may be taken a little later."""


class BusyError(LoadError):
    """The server could not take a row now, for no fault of the row's."""


class Sent(msgspec.Struct):
    """What became of rows."""

    taken: int = 0
    repeated: int = 0
    refused: list[Refused] = msgspec.field(default_factory=list)


class Sender:
    """Sends batches to one server."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def send(self, batch: Batch) -> Sent:
        """Send all of a batch, in its order, in calls of at most a thousand rows.

        Raises BusyError and the client's errors where rows got no answer: to send all again is
        harmless.
        """
        sent = Sent()
        lots = iter(batch.lots)
        while part := list(islice(lots, ROWS_A_CALL_MAX)):
            if batch.kind == "entries":
                await self._entries(batch.source, part, sent)
            elif batch.kind == "flags":
                await self._flags(part, sent)
            else:
                await self._upserts(batch.kind, part, sent)
        return sent

    async def _entries(self, source: str, lots: Sequence[Lot], sent: Sent) -> None:
        entries: list[LedgerEntry] = [lot.message for lot in lots]
        for lot, result in zip(lots, await self._client.post_entries(source, entries), strict=True):
            if result.error is not None:
                sent.refused.append(_refused("entries", lot, result.error))
            elif result.outcome is EntryOutcome.DUPLICATE:
                sent.repeated += 1
            else:
                sent.taken += 1

    async def _upserts(self, kind: str, lots: Sequence[Lot], sent: Sent) -> None:
        upsert = _UPSERTS[kind]
        results = await upsert(self._client, [lot.message for lot in lots])
        for lot, result in zip(lots, results, strict=True):
            if result.error is not None:
                sent.refused.append(_refused(kind, lot, result.error))
            else:
                sent.taken += 1

    async def _flags(self, lots: Sequence[Lot], sent: Sent) -> None:
        """One call each, which is why those of many accounts go side by side."""
        flags: list[Flag] = [lot.message for lot in lots]
        answers = list(await place_and_lift(self._client, flags))
        ended = _ended(flags, answers)
        lifts = await place_and_lift(self._client, list(ended.values()))
        for index, answer in zip(ended, lifts, strict=True):
            answers[index] = answer
        for lot, answer in zip(lots, answers, strict=True):
            if isinstance(answer, ItemError):
                sent.refused.append(_refused("flags", lot, answer))
            else:
                sent.taken += 1


async def _limits(client: AsyncClient, limits: Sequence[AccountUpsert]) -> Sequence[Any]:
    """Without a currency the server opens no account that it does not know."""
    of_known = [msgspec.structs.replace(limit, currency=None) for limit in limits]
    return await client.upsert_accounts(of_known, channel=CHANNEL)


_UPSERTS: Final[Mapping[str, Callable[[AsyncClient, Sequence[Any]], Any]]] = {
    "accounts": lambda client, rows: client.upsert_accounts(rows, channel=CHANNEL),
    "assignments": lambda client, rows: client.assign_terms(rows, channel=CHANNEL),
    "limits": _limits,
    "rates": lambda client, rows: client.upsert_rates(rows, channel=CHANNEL),
    "scores": lambda client, rows: client.record_verifications(rows, channel=CHANNEL),
    "segments": lambda client, rows: client.upsert_segments(rows, channel=CHANNEL),
    "terms": lambda client, rows: client.upsert_terms(rows, channel=CHANNEL),
    "verifications": lambda client, rows: client.record_verifications(rows, channel=CHANNEL),
}


def _ended(flags: Sequence[Flag], answers: Sequence[str | ItemError]) -> dict[int, Flag]:
    """What lifts each flag that had ended before the server was told of it, by its place: the hold
    that it would have changed has ended with it. None where a later row speaks of the same hold."""
    latest = {(flag.account_id, flag.hold_id): index for index, flag in enumerate(flags)}
    return {
        index: msgspec.structs.replace(flags[index], kind=None, source="", expire_time=None)
        for index in latest.values()
        if _has_passed(flags[index], answers[index])
    }


def _has_passed(flag: Flag, answer: str | ItemError) -> bool:
    """Whether a flag was refused because its end lies behind the server's clock. What is meant to
    hold for ever may name an end beyond those that the server knows, which is no such end."""
    return (
        isinstance(answer, ItemError)
        and answer.field == "expire_time"
        and flag.expire_time is not None
        and flag.expire_time < _LAST_END
    )


def _refused(kind: str, lot: Lot, item: ItemError) -> Refused:
    """The server's refusal in terms of the ledger. Raises BusyError where it is none of the row."""
    if item.code in _PASSING:
        raise BusyError(f"{item.reason}: {item.message}")
    if kind == "limits" and item.field == "currency":
        # It was sent without one, so that it opens no account; see _limits.
        account_id = str(lot.row.cells.get("account_id", ""))
        said = f"account_id {account_id!r}: is not known, so it has no limit yet"
        return Refused(lot.row, RowError("account_id", account_id, "ACCOUNT_NOT_FOUND", said))
    column = KINDS[kind].column_of(item.field)
    value = str(lot.row.cells.get(column, ""))
    return Refused(lot.row, RowError(column, value, item.reason, item.message))
