import datetime

from creditgate.v1 import common_pb2 as _common_pb2
from creditgate.v1 import decision_pb2 as _decision_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CaseOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CASE_ORDER_UNSPECIFIED: _ClassVar[CaseOrder]
    CASE_ORDER_OLDEST: _ClassVar[CaseOrder]
    CASE_ORDER_PRIORITY: _ClassVar[CaseOrder]
CASE_ORDER_UNSPECIFIED: CaseOrder
CASE_ORDER_OLDEST: CaseOrder
CASE_ORDER_PRIORITY: CaseOrder

class Case(_message.Message):
    __slots__ = ("case_id", "account_id", "order_id", "amount_minor", "currency", "contract_id", "terms_id", "ttl", "reasons", "channel", "asked_by", "open_time", "status", "priority", "level", "escalate_time", "expire_time", "claimed_by", "waiver", "signatures", "signatures_missing", "comments", "reservation_id", "close_time", "revision", "worth_minor", "account_currency", "ship_date", "tax_minor", "freight_minor", "sold_to_account_id")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_ID_FIELD_NUMBER: _ClassVar[int]
    TERMS_ID_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    ASKED_BY_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    ESCALATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_BY_FIELD_NUMBER: _ClassVar[int]
    WAIVER_FIELD_NUMBER: _ClassVar[int]
    SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    SIGNATURES_MISSING_FIELD_NUMBER: _ClassVar[int]
    COMMENTS_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    WORTH_MINOR_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_CURRENCY_FIELD_NUMBER: _ClassVar[int]
    SHIP_DATE_FIELD_NUMBER: _ClassVar[int]
    TAX_MINOR_FIELD_NUMBER: _ClassVar[int]
    FREIGHT_MINOR_FIELD_NUMBER: _ClassVar[int]
    SOLD_TO_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    account_id: str
    order_id: str
    amount_minor: int
    currency: str
    contract_id: str
    terms_id: str
    ttl: _duration_pb2.Duration
    reasons: _containers.RepeatedCompositeFieldContainer[_common_pb2.Reason]
    channel: str
    asked_by: _containers.RepeatedScalarFieldContainer[str]
    open_time: _timestamp_pb2.Timestamp
    status: _decision_pb2.CaseStatus
    priority: int
    level: int
    escalate_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    claimed_by: str
    waiver: Waiver
    signatures: _containers.RepeatedCompositeFieldContainer[Signature]
    signatures_missing: int
    comments: _containers.RepeatedCompositeFieldContainer[Comment]
    reservation_id: str
    close_time: _timestamp_pb2.Timestamp
    revision: int
    worth_minor: int
    account_currency: str
    ship_date: str
    tax_minor: int
    freight_minor: int
    sold_to_account_id: str
    def __init__(self, case_id: _Optional[str] = ..., account_id: _Optional[str] = ..., order_id: _Optional[str] = ..., amount_minor: _Optional[int] = ..., currency: _Optional[str] = ..., contract_id: _Optional[str] = ..., terms_id: _Optional[str] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., reasons: _Optional[_Iterable[_Union[_common_pb2.Reason, _Mapping]]] = ..., channel: _Optional[str] = ..., asked_by: _Optional[_Iterable[str]] = ..., open_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status: _Optional[_Union[_decision_pb2.CaseStatus, str]] = ..., priority: _Optional[int] = ..., level: _Optional[int] = ..., escalate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., claimed_by: _Optional[str] = ..., waiver: _Optional[_Union[Waiver, _Mapping]] = ..., signatures: _Optional[_Iterable[_Union[Signature, _Mapping]]] = ..., signatures_missing: _Optional[int] = ..., comments: _Optional[_Iterable[_Union[Comment, _Mapping]]] = ..., reservation_id: _Optional[str] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revision: _Optional[int] = ..., worth_minor: _Optional[int] = ..., account_currency: _Optional[str] = ..., ship_date: _Optional[str] = ..., tax_minor: _Optional[int] = ..., freight_minor: _Optional[int] = ..., sold_to_account_id: _Optional[str] = ...) -> None: ...

class Waiver(_message.Message):
    __slots__ = ("waived_reasons", "amount_minor", "expire_time")
    WAIVED_REASONS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    waived_reasons: _containers.RepeatedScalarFieldContainer[_common_pb2.ReasonCode]
    amount_minor: int
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, waived_reasons: _Optional[_Iterable[_Union[_common_pb2.ReasonCode, str]]] = ..., amount_minor: _Optional[int] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Signature(_message.Message):
    __slots__ = ("by", "on_behalf_of", "role", "time")
    BY_FIELD_NUMBER: _ClassVar[int]
    ON_BEHALF_OF_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    by: str
    on_behalf_of: str
    role: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, by: _Optional[str] = ..., on_behalf_of: _Optional[str] = ..., role: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Comment(_message.Message):
    __slots__ = ("by", "time", "text")
    BY_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    by: str
    time: _timestamp_pb2.Timestamp
    text: str
    def __init__(self, by: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., text: _Optional[str] = ...) -> None: ...

class ListCasesRequest(_message.Message):
    __slots__ = ("statuses", "account_id", "signable_by", "order", "page_size", "page_token")
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNABLE_BY_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    statuses: _containers.RepeatedScalarFieldContainer[_decision_pb2.CaseStatus]
    account_id: str
    signable_by: str
    order: CaseOrder
    page_size: int
    page_token: str
    def __init__(self, statuses: _Optional[_Iterable[_Union[_decision_pb2.CaseStatus, str]]] = ..., account_id: _Optional[str] = ..., signable_by: _Optional[str] = ..., order: _Optional[_Union[CaseOrder, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCasesResponse(_message.Message):
    __slots__ = ("cases", "next_page_token")
    CASES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    cases: _containers.RepeatedCompositeFieldContainer[Case]
    next_page_token: str
    def __init__(self, cases: _Optional[_Iterable[_Union[Case, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetCaseRequest(_message.Message):
    __slots__ = ("case_id",)
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    def __init__(self, case_id: _Optional[str] = ...) -> None: ...

class GetCaseResponse(_message.Message):
    __slots__ = ("case",)
    CASE_FIELD_NUMBER: _ClassVar[int]
    case: Case
    def __init__(self, case: _Optional[_Union[Case, _Mapping]] = ...) -> None: ...

class ClaimCaseRequest(_message.Message):
    __slots__ = ("request_id", "case_id", "take_over", "role", "channel", "comment")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    TAKE_OVER_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    case_id: str
    take_over: bool
    role: str
    channel: str
    comment: str
    def __init__(self, request_id: _Optional[str] = ..., case_id: _Optional[str] = ..., take_over: _Optional[bool] = ..., role: _Optional[str] = ..., channel: _Optional[str] = ..., comment: _Optional[str] = ...) -> None: ...

class ApproveCaseRequest(_message.Message):
    __slots__ = ("request_id", "case_id", "waived_reasons", "amount_minor", "expire_time", "on_behalf_of", "role", "channel", "comment", "revision")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    WAIVED_REASONS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    ON_BEHALF_OF_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    case_id: str
    waived_reasons: _containers.RepeatedScalarFieldContainer[_common_pb2.ReasonCode]
    amount_minor: int
    expire_time: _timestamp_pb2.Timestamp
    on_behalf_of: str
    role: str
    channel: str
    comment: str
    revision: int
    def __init__(self, request_id: _Optional[str] = ..., case_id: _Optional[str] = ..., waived_reasons: _Optional[_Iterable[_Union[_common_pb2.ReasonCode, str]]] = ..., amount_minor: _Optional[int] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., on_behalf_of: _Optional[str] = ..., role: _Optional[str] = ..., channel: _Optional[str] = ..., comment: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class RejectCaseRequest(_message.Message):
    __slots__ = ("request_id", "case_id", "role", "channel", "comment")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    case_id: str
    role: str
    channel: str
    comment: str
    def __init__(self, request_id: _Optional[str] = ..., case_id: _Optional[str] = ..., role: _Optional[str] = ..., channel: _Optional[str] = ..., comment: _Optional[str] = ...) -> None: ...

class EscalateCaseRequest(_message.Message):
    __slots__ = ("request_id", "case_id", "role", "channel", "comment")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    case_id: str
    role: str
    channel: str
    comment: str
    def __init__(self, request_id: _Optional[str] = ..., case_id: _Optional[str] = ..., role: _Optional[str] = ..., channel: _Optional[str] = ..., comment: _Optional[str] = ...) -> None: ...

class CommentOnCaseRequest(_message.Message):
    __slots__ = ("request_id", "case_id", "comment", "priority", "role", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    case_id: str
    comment: str
    priority: int
    role: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., case_id: _Optional[str] = ..., comment: _Optional[str] = ..., priority: _Optional[int] = ..., role: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class ReviewCaseResponse(_message.Message):
    __slots__ = ("case_id", "status", "signatures_missing", "order", "journal_seq", "replayed")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SIGNATURES_MISSING_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    status: _decision_pb2.CaseStatus
    signatures_missing: int
    order: _decision_pb2.CheckAndReserveResponse
    journal_seq: int
    replayed: bool
    def __init__(self, case_id: _Optional[str] = ..., status: _Optional[_Union[_decision_pb2.CaseStatus, str]] = ..., signatures_missing: _Optional[int] = ..., order: _Optional[_Union[_decision_pb2.CheckAndReserveResponse, _Mapping]] = ..., journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class DelegateRequest(_message.Message):
    __slots__ = ("request_id", "to", "start_time", "expire_time", "role", "channel", "reason", "delegator")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DELEGATOR_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    to: str
    start_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    role: str
    channel: str
    reason: str
    delegator: str
    def __init__(self, request_id: _Optional[str] = ..., to: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., role: _Optional[str] = ..., channel: _Optional[str] = ..., reason: _Optional[str] = ..., delegator: _Optional[str] = ...) -> None: ...

class DelegateResponse(_message.Message):
    __slots__ = ("journal_seq", "replayed")
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    journal_seq: int
    replayed: bool
    def __init__(self, journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class Delegation(_message.Message):
    __slots__ = ("delegator", "to", "role", "start_time", "expire_time")
    DELEGATOR_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    delegator: str
    to: str
    role: str
    start_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, delegator: _Optional[str] = ..., to: _Optional[str] = ..., role: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListDelegationsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListDelegationsResponse(_message.Message):
    __slots__ = ("delegations",)
    DELEGATIONS_FIELD_NUMBER: _ClassVar[int]
    delegations: _containers.RepeatedCompositeFieldContainer[Delegation]
    def __init__(self, delegations: _Optional[_Iterable[_Union[Delegation, _Mapping]]] = ...) -> None: ...
