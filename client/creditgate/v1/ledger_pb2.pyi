from creditgate.v1 import common_pb2 as _common_pb2
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
