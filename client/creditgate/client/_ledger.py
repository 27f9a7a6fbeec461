"""LedgerService: its calls, and what it takes and answers."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import StrEnum

import msgspec

from creditgate.client._common import ItemError, item_error_from
from creditgate.client._wire import (
    Call,
    EnumCodec,
    Lane,
    Listing,
    Page,
    Upload,
    date_or_none,
    date_text,
    method_path,
    new_request_id,
    parser,
    time_or_none,
    unary,
)
from creditgate.v1 import ledger_pb2 as pb

_SERVICE = pb.DESCRIPTOR.services_by_name["LedgerService"]


class EntryKind(StrEnum):
    """What the ledger posted.

    INVOICE, PAYMENT and CREDIT_MEMO state an amount above zero, ADJUSTMENT and OPENING_BALANCE a
    signed one. DISPUTE states how much of an invoice is disputed from now on, 0 that nothing is.
    """

    UNKNOWN = "UNKNOWN"
    INVOICE = "INVOICE"
    PAYMENT = "PAYMENT"
    CREDIT_MEMO = "CREDIT_MEMO"
    ADJUSTMENT = "ADJUSTMENT"
    OPENING_BALANCE = "OPENING_BALANCE"
    DISPUTE = "DISPUTE"


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
    source's stream has it, 0 where it has no place. An INVOICE or DISPUTE needs `invoice_id`;
    `order_id` is the order that an invoice bills, where the ledger knows it.
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


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """What was found when a source's ledger was held against the service, as of a position.

    `accounts_unsettled` moved at every look, so that nothing can be said of them; of
    `accounts_unreadable` the ledger says an amount that cannot be read. `record_time` is the
    server's word on when it was told, and None in what it is told.
    """

    position: int
    accounts_compared: int
    items_compared: int
    accounts_differing: int
    accounts_unsettled: int = 0
    accounts_unreadable: int = 0
    record_time: datetime | None = None


class ReconciliationResult(msgspec.Struct, frozen=True, kw_only=True):
    """Where the record of a reconciliation stands."""

    journal_seq: int
    replayed: bool


class LedgerSource(msgspec.Struct, frozen=True, kw_only=True):
    """How far a source of entries has come: the highest position taken, 0 where it has none.

    `heard_at` is when it told something last, to the minute where its position stood still.
    `reconciliation` is the latest that the server was told of; None: of none.
    """

    source: str
    position: int
    heard_at: datetime
    reconciliation: Reconciliation | None


class OpenItem(msgspec.Struct, frozen=True, kw_only=True):
    """One invoice that is not settled, in minor units.

    `open_minor` is what is owed on it as the ledger tells, below zero where it is paid ahead or too
    much; `captured_minor` was captured here and is not yet `posted` by the ledger. `disputed_minor`
    is how much of it is disputed, which may be more than is open.
    """

    invoice_id: str
    open_minor: int
    captured_minor: int
    posted: bool
    issue_date: date | None
    due_date: date | None
    order_id: str
    disputed_minor: int


class OpenAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What one account owes, in minor units, as of the entry `journal_seq` of the journal.

    `outstanding_minor` is `unallocated_minor` and what is open on all items. An account that does
    not fit on a page comes again with the items that are left, and there it is None.
    """

    account_id: str
    currency: str
    unallocated_minor: int
    outstanding_minor: int | None
    items: tuple[OpenItem, ...]
    journal_seq: int


def post_entries(
    source: str, entries: Sequence[LedgerEntry], *, timeout_s: float | None = None
) -> Call[tuple[EntryResult, ...]]:
    """Posts 1 to 1,000 entries of the system `source`; one result for each, in their order.

    Entries stand alone: a bad one is refused in its result and the others take effect. An entry
    whose first sending got no answer may come back as DUPLICATE: it stands, once.
    """
    return unary(
        method_path(_SERVICE, "PostEntries"),
        pb.PostEntriesRequest(source=source, entries=[entry_message(e) for e in entries]),
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
        entries = [entry_message(entry) for entry in batch]
        return pb.StreamEntriesRequest(source=source, entries=entries).SerializeToString()

    return Upload(
        method_path(_SERVICE, "StreamEntries"),
        build,
        parser(pb.StreamEntriesResponse, _progress),
        timeout_s,
    )


def list_sources(*, page_size: int = 0, timeout_s: float | None = None) -> Listing[LedgerSource]:
    """The sources of entries in order of their names, read page by page as they are needed.

    `page_size` 0 is the server's 100, at most 1,000; `timeout_s` holds for one page.
    """

    def page(token: str) -> Call[Page[LedgerSource]]:
        return unary(
            method_path(_SERVICE, "ListSources"),
            pb.ListSourcesRequest(page_size=page_size, page_token=token),
            pb.ListSourcesResponse,
            lambda message: Page(
                [_source(row) for row in message.sources], message.next_page_token
            ),
            lane=Lane.BULK,
            timeout_s=timeout_s,
        )

    return Listing(page)


def move_source(
    source: str, position: int, *, timeout_s: float | None = None
) -> Call[LedgerSource]:
    """Says that the stream of `source` has been read up to `position`, with no entry.

    A ledger with nothing to say is so known to be alive; 0 says no more than that. The position
    never moves back, so it is sent again without harm. Returns how the source stands then.
    """
    return unary(
        method_path(_SERVICE, "MoveSource"),
        pb.MoveSourceRequest(source=source, position=position),
        pb.MoveSourceResponse,
        lambda message: _source(message.source),
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )


def record_reconciliation(
    source: str,
    reconciliation: Reconciliation,
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[ReconciliationResult]:
    """Keeps what a reconciliation of `source` found, whether the two agreed or not.

    The server's log and metrics tell of one that found differences. Raises NotFoundError
    (SOURCE_NOT_FOUND) for a source that the server has never heard of.
    """
    request = pb.RecordReconciliationRequest(
        request_id=request_id or new_request_id(),
        source=source,
        reconciliation=pb.Reconciliation(
            position=reconciliation.position,
            accounts_compared=reconciliation.accounts_compared,
            items_compared=reconciliation.items_compared,
            accounts_differing=reconciliation.accounts_differing,
            accounts_unsettled=reconciliation.accounts_unsettled,
            accounts_unreadable=reconciliation.accounts_unreadable,
        ),
        channel=channel,
    )
    return unary(
        method_path(_SERVICE, "RecordReconciliation"),
        request,
        pb.RecordReconciliationResponse,
        lambda message: ReconciliationResult(
            journal_seq=message.journal_seq, replayed=message.replayed
        ),
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )


def list_open_items(
    account_id: str = "", *, page_size: int = 0, timeout_s: float | None = None
) -> Listing[OpenAccount]:
    """What accounts owe invoice by invoice, of one account or of all that owe anything.

    In the order in which they were opened, read page by page as they are needed. `page_size`
    counts items: 0 is the server's 1,000, at most 10,000; `timeout_s` holds for one page. Each page
    shows what was durable when it was asked for, so that one may stand behind another.
    """

    def page(token: str) -> Call[Page[OpenAccount]]:
        return unary(
            method_path(_SERVICE, "ListOpenItems"),
            pb.ListOpenItemsRequest(account_id=account_id, page_size=page_size, page_token=token),
            pb.ListOpenItemsResponse,
            _open_page,
            lane=Lane.BULK,
            timeout_s=timeout_s,
        )

    return Listing(page)


def entry_message(entry: LedgerEntry) -> pb.LedgerEntry:
    """Writes a message of the contract."""
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


def _source(message: pb.LedgerSource) -> LedgerSource:
    return LedgerSource(
        source=message.source,
        position=message.position,
        heard_at=message.heard_at.ToDatetime(tzinfo=UTC),
        reconciliation=(
            _reconciliation(message.reconciliation) if message.HasField("reconciliation") else None
        ),
    )


def _reconciliation(message: pb.Reconciliation) -> Reconciliation:
    return Reconciliation(
        position=message.position,
        accounts_compared=message.accounts_compared,
        items_compared=message.items_compared,
        accounts_differing=message.accounts_differing,
        accounts_unsettled=message.accounts_unsettled,
        accounts_unreadable=message.accounts_unreadable,
        record_time=time_or_none(message, "record_time"),
    )


def _open_page(message: pb.ListOpenItemsResponse) -> Page[OpenAccount]:
    accounts = [_open_account(row, message.journal_seq) for row in message.accounts]
    return Page(accounts, message.next_page_token)


def _open_account(row: pb.OpenAccount, journal_seq: int) -> OpenAccount:
    return OpenAccount(
        account_id=row.account_id,
        currency=row.currency,
        unallocated_minor=row.unallocated_minor,
        outstanding_minor=row.outstanding_minor if row.HasField("outstanding_minor") else None,
        items=tuple(_open_item(item) for item in row.items),
        journal_seq=journal_seq,
    )


def _open_item(item: pb.OpenItem) -> OpenItem:
    return OpenItem(
        invoice_id=item.invoice_id,
        open_minor=item.open_minor,
        captured_minor=item.captured_minor,
        posted=item.posted,
        issue_date=date_or_none(item.issue_date),
        due_date=date_or_none(item.due_date),
        order_id=item.order_id,
        disputed_minor=item.disputed_minor,
    )
