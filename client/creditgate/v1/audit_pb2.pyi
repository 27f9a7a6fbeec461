import datetime

from creditgate.v1 import account_pb2 as _account_pb2
from creditgate.v1 import approval_pb2 as _approval_pb2
from creditgate.v1 import common_pb2 as _common_pb2
from creditgate.v1 import decision_pb2 as _decision_pb2
from creditgate.v1 import ledger_pb2 as _ledger_pb2
from creditgate.v1 import policy_pb2 as _policy_pb2
from creditgate.v1 import rates_pb2 as _rates_pb2
from creditgate.v1 import terms_pb2 as _terms_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Change(_message.Message):
    __slots__ = ("journal_seq", "time", "actor", "channel", "reason", "reason_erased", "command", "request_id", "account_id", "decision", "records", "source")
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REASON_ERASED_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    journal_seq: int
    time: _timestamp_pb2.Timestamp
    actor: str
    channel: str
    reason: str
    reason_erased: bool
    command: str
    request_id: str
    account_id: str
    decision: _common_pb2.Decision
    records: _containers.RepeatedCompositeFieldContainer[RecordChange]
    source: str
    def __init__(self, journal_seq: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., channel: _Optional[str] = ..., reason: _Optional[str] = ..., reason_erased: _Optional[bool] = ..., command: _Optional[str] = ..., request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., decision: _Optional[_Union[_common_pb2.Decision, str]] = ..., records: _Optional[_Iterable[_Union[RecordChange, _Mapping]]] = ..., source: _Optional[str] = ...) -> None: ...

class RecordChange(_message.Message):
    __slots__ = ("account_id", "before", "after")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    before: Record
    after: Record
    def __init__(self, account_id: _Optional[str] = ..., before: _Optional[_Union[Record, _Mapping]] = ..., after: _Optional[_Union[Record, _Mapping]] = ...) -> None: ...

class Record(_message.Message):
    __slots__ = ("account", "counters", "reservation", "segment", "terms", "calendar", "assignment", "policy", "case", "delegation", "rate", "utilisation", "adjustments", "reconciliation")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    CALENDAR_FIELD_NUMBER: _ClassVar[int]
    ASSIGNMENT_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    CASE_FIELD_NUMBER: _ClassVar[int]
    DELEGATION_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    UTILISATION_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENTS_FIELD_NUMBER: _ClassVar[int]
    RECONCILIATION_FIELD_NUMBER: _ClassVar[int]
    account: _account_pb2.Account
    counters: Counters
    reservation: _decision_pb2.Reservation
    segment: _account_pb2.Segment
    terms: _terms_pb2.Terms
    calendar: _terms_pb2.Calendar
    assignment: _terms_pb2.TermsAssignment
    policy: _policy_pb2.Policy
    case: _approval_pb2.Case
    delegation: _approval_pb2.Delegation
    rate: _rates_pb2.ExchangeRate
    utilisation: Utilisation
    adjustments: _ledger_pb2.PendingAdjustments
    reconciliation: _ledger_pb2.Reconciliation
    def __init__(self, account: _Optional[_Union[_account_pb2.Account, _Mapping]] = ..., counters: _Optional[_Union[Counters, _Mapping]] = ..., reservation: _Optional[_Union[_decision_pb2.Reservation, _Mapping]] = ..., segment: _Optional[_Union[_account_pb2.Segment, _Mapping]] = ..., terms: _Optional[_Union[_terms_pb2.Terms, _Mapping]] = ..., calendar: _Optional[_Union[_terms_pb2.Calendar, _Mapping]] = ..., assignment: _Optional[_Union[_terms_pb2.TermsAssignment, _Mapping]] = ..., policy: _Optional[_Union[_policy_pb2.Policy, _Mapping]] = ..., case: _Optional[_Union[_approval_pb2.Case, _Mapping]] = ..., delegation: _Optional[_Union[_approval_pb2.Delegation, _Mapping]] = ..., rate: _Optional[_Union[_rates_pb2.ExchangeRate, _Mapping]] = ..., utilisation: _Optional[_Union[Utilisation, _Mapping]] = ..., adjustments: _Optional[_Union[_ledger_pb2.PendingAdjustments, _Mapping]] = ..., reconciliation: _Optional[_Union[_ledger_pb2.Reconciliation, _Mapping]] = ...) -> None: ...

class Utilisation(_message.Message):
    __slots__ = ("percent",)
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    percent: int
    def __init__(self, percent: _Optional[int] = ...) -> None: ...

class Counters(_message.Message):
    __slots__ = ("outstanding_minor", "captured_minor", "reserved_minor", "unallocated_minor")
    OUTSTANDING_MINOR_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_MINOR_FIELD_NUMBER: _ClassVar[int]
    RESERVED_MINOR_FIELD_NUMBER: _ClassVar[int]
    UNALLOCATED_MINOR_FIELD_NUMBER: _ClassVar[int]
    outstanding_minor: int
    captured_minor: int
    reserved_minor: int
    unallocated_minor: int
    def __init__(self, outstanding_minor: _Optional[int] = ..., captured_minor: _Optional[int] = ..., reserved_minor: _Optional[int] = ..., unallocated_minor: _Optional[int] = ...) -> None: ...

class ListChangesRequest(_message.Message):
    __slots__ = ("account_id", "since", "after_seq", "page_size", "page_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    since: _timestamp_pb2.Timestamp
    after_seq: int
    page_size: int
    page_token: str
    def __init__(self, account_id: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., after_seq: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListChangesResponse(_message.Message):
    __slots__ = ("changes", "next_page_token", "journal_seq")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[Change]
    next_page_token: str
    journal_seq: int
    def __init__(self, changes: _Optional[_Iterable[_Union[Change, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., journal_seq: _Optional[int] = ...) -> None: ...

class StreamChangesRequest(_message.Message):
    __slots__ = ("account_id", "since", "after_seq", "follow")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    since: _timestamp_pb2.Timestamp
    after_seq: int
    follow: bool
    def __init__(self, account_id: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., after_seq: _Optional[int] = ..., follow: _Optional[bool] = ...) -> None: ...

class StreamChangesResponse(_message.Message):
    __slots__ = ("changes", "journal_seq")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[Change]
    journal_seq: int
    def __init__(self, changes: _Optional[_Iterable[_Union[Change, _Mapping]]] = ..., journal_seq: _Optional[int] = ...) -> None: ...

class EraseTextsRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "reason", "channel", "journal_seqs")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    reason: str
    channel: str
    journal_seqs: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ..., journal_seqs: _Optional[_Iterable[int]] = ...) -> None: ...

class EraseTextsResponse(_message.Message):
    __slots__ = ("entries_erased", "journal_seq", "replayed")
    ENTRIES_ERASED_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    entries_erased: int
    journal_seq: int
    replayed: bool
    def __init__(self, entries_erased: _Optional[int] = ..., journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class GetCheckpointRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Checkpoint(_message.Message):
    __slots__ = ("format", "epoch", "journal_seq", "time", "digest", "signature")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    format: int
    epoch: int
    journal_seq: int
    time: _timestamp_pb2.Timestamp
    digest: bytes
    signature: bytes
    def __init__(self, format: _Optional[int] = ..., epoch: _Optional[int] = ..., journal_seq: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., digest: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class GetCheckpointResponse(_message.Message):
    __slots__ = ("checkpoint",)
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    checkpoint: Checkpoint
    def __init__(self, checkpoint: _Optional[_Union[Checkpoint, _Mapping]] = ...) -> None: ...
