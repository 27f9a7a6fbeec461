"""LedgerService: its calls, and what it takes and answers."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

import msgspec

from creditgate.client._common import ItemError, item_error_from
from creditgate.client._wire import (
    Call,
    EnumCodec,
    Lane,
    Upload,
    date_text,
    method_path,
    parser,
    unary,
)
from creditgate.v1 import ledger_pb2 as pb

_SERVICE = pb.DESCRIPTOR.services_by_name["LedgerService"]


class EntryKind(StrEnum):
    """What the ledger posted.

    INVOICE, PAYMENT and CREDIT_MEMO state an amount above zero, ADJUSTMENT and OPENING_BALANCE a
    signed one.
    """

    UNKNOWN = "UNKNOWN"
    INVOICE = "INVOICE"
    PAYMENT = "PAYMENT"
    CREDIT_MEMO = "CREDIT_MEMO"
    ADJUSTMENT = "ADJUSTMENT"
    OPENING_BALANCE = "OPENING_BALANCE"


class EntryOutcome(StrEnum):
    """What became of one entry; DUPLICATE: posted before, nothing changed."""

    UNKNOWN = "UNKNOWN"
    POSTED = "POSTED"
    DUPLICATE = "DUPLICATE"


_KIND = EnumCodec(EntryKind, pb.EntryKind)
_OUTCOME = EnumCodec(EntryOutcome, pb.EntryOutcome)


class Allocation(msgspec.Struct, frozen=True):
    """What part of a payment or credit memo, in minor units above zero, settles which invoice."""

    invoice_id: str
    amount_minor: int


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One movement of the ledger.

    `entry_id` is unique within the source and makes a repeat harmless. `position` is where the
    source's stream has it, 0 where it has no place. An INVOICE needs `invoice_id`; `order_id` is
    the order that it bills, where the ledger knows it.
    """

    entry_id: str
    account_id: str
    kind: EntryKind
    amount_minor: int
    currency: str
    invoice_id: str = ""
    order_id: str = ""
    issue_date: date | None = None
    due_date: date | None = None
    allocations: Sequence[Allocation] = ()
    position: int = 0


class EntryResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one entry: an outcome, or else an error."""

    outcome: EntryOutcome | None
    error: ItemError | None
    journal_seq: int


class EntryRejection(msgspec.Struct, frozen=True):
    """One entry that was refused, by its index in the stream, from 0."""

    index: int
    entry_id: str
    error: ItemError


class StreamProgress(msgspec.Struct, frozen=True, kw_only=True):
    """A stream so far, all of it durable: received = posted + duplicate + rejected.

    `rejections` are those of the batch acknowledged here.
    """

    received: int
    posted: int
    duplicate: int
    rejected: int
    rejections: tuple[EntryRejection, ...]


def post_entries(
    source: str, entries: Sequence[LedgerEntry], *, timeout_s: float | None = None
) -> Call[tuple[EntryResult, ...]]:
    """Posts 1 to 1,000 entries of the system `source`; one result for each, in their order.

    Entries stand alone: a bad one is refused in its result and the others take effect. An entry
    whose first sending got no answer may come back as DUPLICATE: it stands, once.
    """
    return unary(
        method_path(_SERVICE, "PostEntries"),
        pb.PostEntriesRequest(source=source, entries=[_entry_message(e) for e in entries]),
        pb.PostEntriesResponse,
        _entry_results,
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )


def stream_entries(
    source: str, *, timeout_s: float | None = None
) -> Upload[Sequence[LedgerEntry], StreamProgress]:
    """Posts batches of 1 to 1,000 entries, as many as there are; yields once each batch is durable.

    A stream that breaks is not repeated by the client: send it again, the ids make that harmless.
    When the iterator of batches raises, those before are acknowledged, then its error is raised.
    """

    def build(batch: Sequence[LedgerEntry]) -> bytes:
        entries = [_entry_message(entry) for entry in batch]
        return pb.StreamEntriesRequest(source=source, entries=entries).SerializeToString()

    return Upload(
        method_path(_SERVICE, "StreamEntries"),
        build,
        parser(pb.StreamEntriesResponse, _progress),
        timeout_s,
    )


def _entry_message(entry: LedgerEntry) -> pb.LedgerEntry:
    return pb.LedgerEntry(
        entry_id=entry.entry_id,
        position=entry.position,
        account_id=entry.account_id,
        kind=_KIND.write(entry.kind),
        amount_minor=entry.amount_minor,
        currency=entry.currency,
        invoice_id=entry.invoice_id,
        order_id=entry.order_id,
        issue_date=date_text(entry.issue_date),
        due_date=date_text(entry.due_date),
        allocations=[
            pb.Allocation(invoice_id=part.invoice_id, amount_minor=part.amount_minor)
            for part in entry.allocations
        ],
    )


def _entry_results(message: pb.PostEntriesResponse) -> tuple[EntryResult, ...]:
    return tuple(
        EntryResult(
            outcome=None if row.HasField("error") else _OUTCOME.read(row.outcome),
            error=item_error_from(row.error) if row.HasField("error") else None,
            journal_seq=row.journal_seq,
        )
        for row in message.results
    )


def _progress(message: pb.StreamEntriesResponse) -> StreamProgress:
    return StreamProgress(
        received=message.received,
        posted=message.posted,
        duplicate=message.duplicate,
        rejected=message.rejected,
        rejections=tuple(
            EntryRejection(row.index, row.entry_id, item_error_from(row.error))
            for row in message.rejections
        ),
    )
