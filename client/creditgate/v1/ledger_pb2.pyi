import datetime

from creditgate.v1 import common_pb2 as _common_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EntryKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENTRY_KIND_UNSPECIFIED: _ClassVar[EntryKind]
    ENTRY_KIND_INVOICE: _ClassVar[EntryKind]
    ENTRY_KIND_PAYMENT: _ClassVar[EntryKind]
    ENTRY_KIND_CREDIT_MEMO: _ClassVar[EntryKind]
    ENTRY_KIND_ADJUSTMENT: _ClassVar[EntryKind]
    ENTRY_KIND_OPENING_BALANCE: _ClassVar[EntryKind]
    ENTRY_KIND_DISPUTE: _ClassVar[EntryKind]

class EntryOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENTRY_OUTCOME_UNSPECIFIED: _ClassVar[EntryOutcome]
    ENTRY_OUTCOME_POSTED: _ClassVar[EntryOutcome]
    ENTRY_OUTCOME_DUPLICATE: _ClassVar[EntryOutcome]
ENTRY_KIND_UNSPECIFIED: EntryKind
ENTRY_KIND_INVOICE: EntryKind
ENTRY_KIND_PAYMENT: EntryKind
ENTRY_KIND_CREDIT_MEMO: EntryKind
ENTRY_KIND_ADJUSTMENT: EntryKind
ENTRY_KIND_OPENING_BALANCE: EntryKind
ENTRY_KIND_DISPUTE: EntryKind
ENTRY_OUTCOME_UNSPECIFIED: EntryOutcome
ENTRY_OUTCOME_POSTED: EntryOutcome
ENTRY_OUTCOME_DUPLICATE: EntryOutcome

class Allocation(_message.Message):
    __slots__ = ("invoice_id", "amount_minor")
    INVOICE_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    invoice_id: str
    amount_minor: int
    def __init__(self, invoice_id: _Optional[str] = ..., amount_minor: _Optional[int] = ...) -> None: ...

class LedgerEntry(_message.Message):
    __slots__ = ("entry_id", "position", "account_id", "kind", "amount_minor", "currency", "invoice_id", "order_id", "issue_date", "due_date", "allocations")
    ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    INVOICE_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUE_DATE_FIELD_NUMBER: _ClassVar[int]
    DUE_DATE_FIELD_NUMBER: _ClassVar[int]
    ALLOCATIONS_FIELD_NUMBER: _ClassVar[int]
    entry_id: str
    position: int
    account_id: str
    kind: EntryKind
    amount_minor: int
    currency: str
    invoice_id: str
    order_id: str
    issue_date: str
    due_date: str
    allocations: _containers.RepeatedCompositeFieldContainer[Allocation]
    def __init__(self, entry_id: _Optional[str] = ..., position: _Optional[int] = ..., account_id: _Optional[str] = ..., kind: _Optional[_Union[EntryKind, str]] = ..., amount_minor: _Optional[int] = ..., currency: _Optional[str] = ..., invoice_id: _Optional[str] = ..., order_id: _Optional[str] = ..., issue_date: _Optional[str] = ..., due_date: _Optional[str] = ..., allocations: _Optional[_Iterable[_Union[Allocation, _Mapping]]] = ...) -> None: ...

class EntryResult(_message.Message):
    __slots__ = ("outcome", "error", "journal_seq")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    outcome: EntryOutcome
    error: _common_pb2.ItemError
    journal_seq: int
    def __init__(self, outcome: _Optional[_Union[EntryOutcome, str]] = ..., error: _Optional[_Union[_common_pb2.ItemError, _Mapping]] = ..., journal_seq: _Optional[int] = ...) -> None: ...

class PostEntriesRequest(_message.Message):
    __slots__ = ("source", "entries")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    source: str
    entries: _containers.RepeatedCompositeFieldContainer[LedgerEntry]
    def __init__(self, source: _Optional[str] = ..., entries: _Optional[_Iterable[_Union[LedgerEntry, _Mapping]]] = ...) -> None: ...

class PostEntriesResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[EntryResult]
    def __init__(self, results: _Optional[_Iterable[_Union[EntryResult, _Mapping]]] = ...) -> None: ...

class StreamEntriesRequest(_message.Message):
    __slots__ = ("source", "entries")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    source: str
    entries: _containers.RepeatedCompositeFieldContainer[LedgerEntry]
    def __init__(self, source: _Optional[str] = ..., entries: _Optional[_Iterable[_Union[LedgerEntry, _Mapping]]] = ...) -> None: ...

class StreamEntriesResponse(_message.Message):
    __slots__ = ("received", "posted", "duplicate", "rejected", "rejections")
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    POSTED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    REJECTIONS_FIELD_NUMBER: _ClassVar[int]
    received: int
    posted: int
    duplicate: int
    rejected: int
    rejections: _containers.RepeatedCompositeFieldContainer[EntryRejection]
    def __init__(self, received: _Optional[int] = ..., posted: _Optional[int] = ..., duplicate: _Optional[int] = ..., rejected: _Optional[int] = ..., rejections: _Optional[_Iterable[_Union[EntryRejection, _Mapping]]] = ...) -> None: ...

class EntryRejection(_message.Message):
    __slots__ = ("index", "entry_id", "error")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    index: int
    entry_id: str
    error: _common_pb2.ItemError
    def __init__(self, index: _Optional[int] = ..., entry_id: _Optional[str] = ..., error: _Optional[_Union[_common_pb2.ItemError, _Mapping]] = ...) -> None: ...

class LedgerSource(_message.Message):
    __slots__ = ("source", "position", "heard_at", "reconciliation")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    HEARD_AT_FIELD_NUMBER: _ClassVar[int]
    RECONCILIATION_FIELD_NUMBER: _ClassVar[int]
    source: str
    position: int
    heard_at: _timestamp_pb2.Timestamp
    reconciliation: Reconciliation
    def __init__(self, source: _Optional[str] = ..., position: _Optional[int] = ..., heard_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reconciliation: _Optional[_Union[Reconciliation, _Mapping]] = ...) -> None: ...

class Reconciliation(_message.Message):
    __slots__ = ("position", "accounts_compared", "items_compared", "accounts_differing", "accounts_unsettled", "accounts_unreadable", "record_time")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_COMPARED_FIELD_NUMBER: _ClassVar[int]
    ITEMS_COMPARED_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_DIFFERING_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_UNSETTLED_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_UNREADABLE_FIELD_NUMBER: _ClassVar[int]
    RECORD_TIME_FIELD_NUMBER: _ClassVar[int]
    position: int
    accounts_compared: int
    items_compared: int
    accounts_differing: int
    accounts_unsettled: int
    accounts_unreadable: int
    record_time: _timestamp_pb2.Timestamp
    def __init__(self, position: _Optional[int] = ..., accounts_compared: _Optional[int] = ..., items_compared: _Optional[int] = ..., accounts_differing: _Optional[int] = ..., accounts_unsettled: _Optional[int] = ..., accounts_unreadable: _Optional[int] = ..., record_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListSourcesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSourcesResponse(_message.Message):
    __slots__ = ("sources", "next_page_token")
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    sources: _containers.RepeatedCompositeFieldContainer[LedgerSource]
    next_page_token: str
    def __init__(self, sources: _Optional[_Iterable[_Union[LedgerSource, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class MoveSourceRequest(_message.Message):
    __slots__ = ("source", "position")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    source: str
    position: int
    def __init__(self, source: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class MoveSourceResponse(_message.Message):
    __slots__ = ("source",)
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    source: LedgerSource
    def __init__(self, source: _Optional[_Union[LedgerSource, _Mapping]] = ...) -> None: ...

class RecordReconciliationRequest(_message.Message):
    __slots__ = ("request_id", "source", "reconciliation", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    RECONCILIATION_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    source: str
    reconciliation: Reconciliation
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., source: _Optional[str] = ..., reconciliation: _Optional[_Union[Reconciliation, _Mapping]] = ..., channel: _Optional[str] = ...) -> None: ...

class RecordReconciliationResponse(_message.Message):
    __slots__ = ("journal_seq", "replayed")
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    journal_seq: int
    replayed: bool
    def __init__(self, journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class ListOpenItemsRequest(_message.Message):
    __slots__ = ("account_id", "page_size", "page_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    page_size: int
    page_token: str
    def __init__(self, account_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListOpenItemsResponse(_message.Message):
    __slots__ = ("accounts", "next_page_token", "journal_seq")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[OpenAccount]
    next_page_token: str
    journal_seq: int
    def __init__(self, accounts: _Optional[_Iterable[_Union[OpenAccount, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., journal_seq: _Optional[int] = ...) -> None: ...

class OpenAccount(_message.Message):
    __slots__ = ("account_id", "currency", "unallocated_minor", "outstanding_minor", "items")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    UNALLOCATED_MINOR_FIELD_NUMBER: _ClassVar[int]
    OUTSTANDING_MINOR_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    currency: str
    unallocated_minor: int
    outstanding_minor: int
    items: _containers.RepeatedCompositeFieldContainer[OpenItem]
    def __init__(self, account_id: _Optional[str] = ..., currency: _Optional[str] = ..., unallocated_minor: _Optional[int] = ..., outstanding_minor: _Optional[int] = ..., items: _Optional[_Iterable[_Union[OpenItem, _Mapping]]] = ...) -> None: ...

class OpenItem(_message.Message):
    __slots__ = ("invoice_id", "open_minor", "captured_minor", "posted", "issue_date", "due_date", "order_id", "disputed_minor")
    INVOICE_ID_FIELD_NUMBER: _ClassVar[int]
    OPEN_MINOR_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_MINOR_FIELD_NUMBER: _ClassVar[int]
    POSTED_FIELD_NUMBER: _ClassVar[int]
    ISSUE_DATE_FIELD_NUMBER: _ClassVar[int]
    DUE_DATE_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    DISPUTED_MINOR_FIELD_NUMBER: _ClassVar[int]
    invoice_id: str
    open_minor: int
    captured_minor: int
    posted: bool
    issue_date: str
    due_date: str
    order_id: str
    disputed_minor: int
    def __init__(self, invoice_id: _Optional[str] = ..., open_minor: _Optional[int] = ..., captured_minor: _Optional[int] = ..., posted: _Optional[bool] = ..., issue_date: _Optional[str] = ..., due_date: _Optional[str] = ..., order_id: _Optional[str] = ..., disputed_minor: _Optional[int] = ...) -> None: ...

class ProposeAdjustmentsRequest(_message.Message):
    __slots__ = ("request_id", "source", "entries", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    source: str
    entries: _containers.RepeatedCompositeFieldContainer[LedgerEntry]
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., source: _Optional[str] = ..., entries: _Optional[_Iterable[_Union[LedgerEntry, _Mapping]]] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class ProposeAdjustmentsResponse(_message.Message):
    __slots__ = ("adjustments_id", "journal_seq", "replayed")
    ADJUSTMENTS_ID_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    adjustments_id: str
    journal_seq: int
    replayed: bool
    def __init__(self, adjustments_id: _Optional[str] = ..., journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class ApproveAdjustmentsRequest(_message.Message):
    __slots__ = ("request_id", "adjustments_id", "entries", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENTS_ID_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    adjustments_id: str
    entries: _containers.RepeatedCompositeFieldContainer[LedgerEntry]
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., adjustments_id: _Optional[str] = ..., entries: _Optional[_Iterable[_Union[LedgerEntry, _Mapping]]] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class ApproveAdjustmentsResponse(_message.Message):
    __slots__ = ("journal_seq", "replayed")
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    journal_seq: int
    replayed: bool
    def __init__(self, journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class RejectAdjustmentsRequest(_message.Message):
    __slots__ = ("request_id", "adjustments_id", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENTS_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    adjustments_id: str
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., adjustments_id: _Optional[str] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class RejectAdjustmentsResponse(_message.Message):
    __slots__ = ("journal_seq", "replayed")
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    journal_seq: int
    replayed: bool
    def __init__(self, journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class ListAdjustmentsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAdjustmentsResponse(_message.Message):
    __slots__ = ("adjustments", "next_page_token")
    ADJUSTMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    adjustments: _containers.RepeatedCompositeFieldContainer[PendingAdjustments]
    next_page_token: str
    def __init__(self, adjustments: _Optional[_Iterable[_Union[PendingAdjustments, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class PendingAdjustments(_message.Message):
    __slots__ = ("adjustments_id", "source", "entry_count", "entries_sha256", "proposed_by", "propose_time")
    ADJUSTMENTS_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ENTRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_SHA256_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_BY_FIELD_NUMBER: _ClassVar[int]
    PROPOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    adjustments_id: str
    source: str
    entry_count: int
    entries_sha256: str
    proposed_by: str
    propose_time: _timestamp_pb2.Timestamp
    def __init__(self, adjustments_id: _Optional[str] = ..., source: _Optional[str] = ..., entry_count: _Optional[int] = ..., entries_sha256: _Optional[str] = ..., proposed_by: _Optional[str] = ..., propose_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
