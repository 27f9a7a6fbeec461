import datetime

from creditgate.v1 import common_pb2 as _common_pb2
from creditgate.v1 import conditions_pb2 as _conditions_pb2
from creditgate.v1 import verification_pb2 as _verification_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AccountStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_STATUS_UNSPECIFIED: _ClassVar[AccountStatus]
    ACCOUNT_STATUS_ACTIVE: _ClassVar[AccountStatus]
    ACCOUNT_STATUS_SUSPENDED: _ClassVar[AccountStatus]
    ACCOUNT_STATUS_CLOSED: _ClassVar[AccountStatus]

class UpsertOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UPSERT_OUTCOME_UNSPECIFIED: _ClassVar[UpsertOutcome]
    UPSERT_OUTCOME_CREATED: _ClassVar[UpsertOutcome]
    UPSERT_OUTCOME_UPDATED: _ClassVar[UpsertOutcome]
    UPSERT_OUTCOME_UNCHANGED: _ClassVar[UpsertOutcome]

class LimitSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIMIT_SOURCE_UNSPECIFIED: _ClassVar[LimitSource]
    LIMIT_SOURCE_ACCOUNT: _ClassVar[LimitSource]
    LIMIT_SOURCE_SEGMENT: _ClassVar[LimitSource]
    LIMIT_SOURCE_NONE: _ClassVar[LimitSource]
    LIMIT_SOURCE_OVERRIDE: _ClassVar[LimitSource]
    LIMIT_SOURCE_UNVERIFIED: _ClassVar[LimitSource]
ACCOUNT_STATUS_UNSPECIFIED: AccountStatus
ACCOUNT_STATUS_ACTIVE: AccountStatus
ACCOUNT_STATUS_SUSPENDED: AccountStatus
ACCOUNT_STATUS_CLOSED: AccountStatus
UPSERT_OUTCOME_UNSPECIFIED: UpsertOutcome
UPSERT_OUTCOME_CREATED: UpsertOutcome
UPSERT_OUTCOME_UPDATED: UpsertOutcome
UPSERT_OUTCOME_UNCHANGED: UpsertOutcome
LIMIT_SOURCE_UNSPECIFIED: LimitSource
LIMIT_SOURCE_ACCOUNT: LimitSource
LIMIT_SOURCE_SEGMENT: LimitSource
LIMIT_SOURCE_NONE: LimitSource
LIMIT_SOURCE_OVERRIDE: LimitSource
LIMIT_SOURCE_UNVERIFIED: LimitSource

class Account(_message.Message):
    __slots__ = ("account_id", "display_name", "currency", "parent_account_id", "segment_id", "limit", "max_order_amount_minor", "status", "status_reason", "create_time", "update_time", "shared_limit_minor", "holds", "temporary_limits", "rolling_limit", "verifications", "proposals", "limit_approval", "verified_by")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    PARENT_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    MAX_ORDER_AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    STATUS_REASON_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    SHARED_LIMIT_MINOR_FIELD_NUMBER: _ClassVar[int]
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    TEMPORARY_LIMITS_FIELD_NUMBER: _ClassVar[int]
    ROLLING_LIMIT_FIELD_NUMBER: _ClassVar[int]
    VERIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    PROPOSALS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_APPROVAL_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_BY_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    display_name: str
    currency: str
    parent_account_id: str
    segment_id: str
    limit: _common_pb2.CreditLimit
    max_order_amount_minor: int
    status: AccountStatus
    status_reason: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    shared_limit_minor: int
    holds: _containers.RepeatedCompositeFieldContainer[_conditions_pb2.Hold]
    temporary_limits: _containers.RepeatedCompositeFieldContainer[_conditions_pb2.TemporaryLimit]
    rolling_limit: _conditions_pb2.RollingLimit
    verifications: _containers.RepeatedCompositeFieldContainer[_verification_pb2.Verification]
    proposals: _containers.RepeatedCompositeFieldContainer[_verification_pb2.LimitProposal]
    limit_approval: _verification_pb2.LimitApproval
    verified_by: str
    def __init__(self, account_id: _Optional[str] = ..., display_name: _Optional[str] = ..., currency: _Optional[str] = ..., parent_account_id: _Optional[str] = ..., segment_id: _Optional[str] = ..., limit: _Optional[_Union[_common_pb2.CreditLimit, _Mapping]] = ..., max_order_amount_minor: _Optional[int] = ..., status: _Optional[_Union[AccountStatus, str]] = ..., status_reason: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., shared_limit_minor: _Optional[int] = ..., holds: _Optional[_Iterable[_Union[_conditions_pb2.Hold, _Mapping]]] = ..., temporary_limits: _Optional[_Iterable[_Union[_conditions_pb2.TemporaryLimit, _Mapping]]] = ..., rolling_limit: _Optional[_Union[_conditions_pb2.RollingLimit, _Mapping]] = ..., verifications: _Optional[_Iterable[_Union[_verification_pb2.Verification, _Mapping]]] = ..., proposals: _Optional[_Iterable[_Union[_verification_pb2.LimitProposal, _Mapping]]] = ..., limit_approval: _Optional[_Union[_verification_pb2.LimitApproval, _Mapping]] = ..., verified_by: _Optional[str] = ...) -> None: ...

class AccountUpsert(_message.Message):
    __slots__ = ("account_id", "display_name", "currency", "parent_account_id", "segment_id", "limit", "max_order_amount_minor", "shared_limit")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    PARENT_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    MAX_ORDER_AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    SHARED_LIMIT_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    display_name: str
    currency: str
    parent_account_id: str
    segment_id: str
    limit: _common_pb2.CreditLimit
    max_order_amount_minor: int
    shared_limit: _common_pb2.CreditLimit
    def __init__(self, account_id: _Optional[str] = ..., display_name: _Optional[str] = ..., currency: _Optional[str] = ..., parent_account_id: _Optional[str] = ..., segment_id: _Optional[str] = ..., limit: _Optional[_Union[_common_pb2.CreditLimit, _Mapping]] = ..., max_order_amount_minor: _Optional[int] = ..., shared_limit: _Optional[_Union[_common_pb2.CreditLimit, _Mapping]] = ...) -> None: ...

class UpsertResult(_message.Message):
    __slots__ = ("outcome", "error", "journal_seq", "replayed", "proposal_id", "proposal_state")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_STATE_FIELD_NUMBER: _ClassVar[int]
    outcome: UpsertOutcome
    error: _common_pb2.ItemError
    journal_seq: int
    replayed: bool
    proposal_id: str
    proposal_state: _verification_pb2.ProposalState
    def __init__(self, outcome: _Optional[_Union[UpsertOutcome, str]] = ..., error: _Optional[_Union[_common_pb2.ItemError, _Mapping]] = ..., journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ..., proposal_id: _Optional[str] = ..., proposal_state: _Optional[_Union[_verification_pb2.ProposalState, str]] = ...) -> None: ...

class UpsertAccountsRequest(_message.Message):
    __slots__ = ("request_id", "accounts", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    accounts: _containers.RepeatedCompositeFieldContainer[AccountUpsert]
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., accounts: _Optional[_Iterable[_Union[AccountUpsert, _Mapping]]] = ..., channel: _Optional[str] = ...) -> None: ...

class UpsertAccountsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[UpsertResult]
    def __init__(self, results: _Optional[_Iterable[_Union[UpsertResult, _Mapping]]] = ...) -> None: ...

class Segment(_message.Message):
    __slots__ = ("segment_id", "currency", "default_limit", "cap")
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_LIMIT_FIELD_NUMBER: _ClassVar[int]
    CAP_FIELD_NUMBER: _ClassVar[int]
    segment_id: str
    currency: str
    default_limit: _common_pb2.CreditLimit
    cap: _common_pb2.CreditLimit
    def __init__(self, segment_id: _Optional[str] = ..., currency: _Optional[str] = ..., default_limit: _Optional[_Union[_common_pb2.CreditLimit, _Mapping]] = ..., cap: _Optional[_Union[_common_pb2.CreditLimit, _Mapping]] = ...) -> None: ...

class UpsertSegmentsRequest(_message.Message):
    __slots__ = ("request_id", "segments", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    segments: _containers.RepeatedCompositeFieldContainer[Segment]
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., segments: _Optional[_Iterable[_Union[Segment, _Mapping]]] = ..., channel: _Optional[str] = ...) -> None: ...

class UpsertSegmentsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[UpsertResult]
    def __init__(self, results: _Optional[_Iterable[_Union[UpsertResult, _Mapping]]] = ...) -> None: ...

class SegmentPosition(_message.Message):
    __slots__ = ("segment_id", "currency", "default_limit", "cap_minor", "exposure_minor", "available_minor")
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_LIMIT_FIELD_NUMBER: _ClassVar[int]
    CAP_MINOR_FIELD_NUMBER: _ClassVar[int]
    EXPOSURE_MINOR_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_MINOR_FIELD_NUMBER: _ClassVar[int]
    segment_id: str
    currency: str
    default_limit: _common_pb2.CreditLimit
    cap_minor: int
    exposure_minor: int
    available_minor: int
    def __init__(self, segment_id: _Optional[str] = ..., currency: _Optional[str] = ..., default_limit: _Optional[_Union[_common_pb2.CreditLimit, _Mapping]] = ..., cap_minor: _Optional[int] = ..., exposure_minor: _Optional[int] = ..., available_minor: _Optional[int] = ...) -> None: ...

class ListSegmentsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSegmentsResponse(_message.Message):
    __slots__ = ("segments", "next_page_token")
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    segments: _containers.RepeatedCompositeFieldContainer[SegmentPosition]
    next_page_token: str
    def __init__(self, segments: _Optional[_Iterable[_Union[SegmentPosition, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetAccountRequest(_message.Message):
    __slots__ = ("account_id",)
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    def __init__(self, account_id: _Optional[str] = ...) -> None: ...

class GetAccountResponse(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: Account
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ...) -> None: ...

class ListAccountsRequest(_message.Message):
    __slots__ = ("account_id_prefix", "segment_id", "parent_account_id", "currency", "status", "page_size", "page_token")
    ACCOUNT_ID_PREFIX_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id_prefix: str
    segment_id: str
    parent_account_id: str
    currency: str
    status: AccountStatus
    page_size: int
    page_token: str
    def __init__(self, account_id_prefix: _Optional[str] = ..., segment_id: _Optional[str] = ..., parent_account_id: _Optional[str] = ..., currency: _Optional[str] = ..., status: _Optional[_Union[AccountStatus, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAccountsResponse(_message.Message):
    __slots__ = ("accounts", "next_page_token")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[Account]
    next_page_token: str
    def __init__(self, accounts: _Optional[_Iterable[_Union[Account, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class SharedPosition(_message.Message):
    __slots__ = ("level", "limit_minor", "exposure_minor", "available_minor")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    LIMIT_MINOR_FIELD_NUMBER: _ClassVar[int]
    EXPOSURE_MINOR_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_MINOR_FIELD_NUMBER: _ClassVar[int]
    level: _common_pb2.LimitLevel
    limit_minor: int
    exposure_minor: int
    available_minor: int
    def __init__(self, level: _Optional[_Union[_common_pb2.LimitLevel, _Mapping]] = ..., limit_minor: _Optional[int] = ..., exposure_minor: _Optional[int] = ..., available_minor: _Optional[int] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("account_id", "currency", "status", "effective_limit", "limit_source", "outstanding_minor", "captured_minor", "reserved_minor", "exposure_minor", "available_minor", "journal_seq", "shared", "bound_by", "holds", "temporary_limits", "rolling_limit", "last_order_date", "disputed_minor")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_SOURCE_FIELD_NUMBER: _ClassVar[int]
    OUTSTANDING_MINOR_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_MINOR_FIELD_NUMBER: _ClassVar[int]
    RESERVED_MINOR_FIELD_NUMBER: _ClassVar[int]
    EXPOSURE_MINOR_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_MINOR_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    BOUND_BY_FIELD_NUMBER: _ClassVar[int]
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    TEMPORARY_LIMITS_FIELD_NUMBER: _ClassVar[int]
    ROLLING_LIMIT_FIELD_NUMBER: _ClassVar[int]
    LAST_ORDER_DATE_FIELD_NUMBER: _ClassVar[int]
    DISPUTED_MINOR_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    currency: str
    status: AccountStatus
    effective_limit: _common_pb2.CreditLimit
    limit_source: LimitSource
    outstanding_minor: int
    captured_minor: int
    reserved_minor: int
    exposure_minor: int
    available_minor: int
    journal_seq: int
    shared: _containers.RepeatedCompositeFieldContainer[SharedPosition]
    bound_by: _common_pb2.LimitLevel
    holds: _containers.RepeatedCompositeFieldContainer[_conditions_pb2.Hold]
    temporary_limits: _containers.RepeatedCompositeFieldContainer[_conditions_pb2.TemporaryLimit]
    rolling_limit: _conditions_pb2.RollingLimit
    last_order_date: str
    disputed_minor: int
    def __init__(self, account_id: _Optional[str] = ..., currency: _Optional[str] = ..., status: _Optional[_Union[AccountStatus, str]] = ..., effective_limit: _Optional[_Union[_common_pb2.CreditLimit, _Mapping]] = ..., limit_source: _Optional[_Union[LimitSource, str]] = ..., outstanding_minor: _Optional[int] = ..., captured_minor: _Optional[int] = ..., reserved_minor: _Optional[int] = ..., exposure_minor: _Optional[int] = ..., available_minor: _Optional[int] = ..., journal_seq: _Optional[int] = ..., shared: _Optional[_Iterable[_Union[SharedPosition, _Mapping]]] = ..., bound_by: _Optional[_Union[_common_pb2.LimitLevel, _Mapping]] = ..., holds: _Optional[_Iterable[_Union[_conditions_pb2.Hold, _Mapping]]] = ..., temporary_limits: _Optional[_Iterable[_Union[_conditions_pb2.TemporaryLimit, _Mapping]]] = ..., rolling_limit: _Optional[_Union[_conditions_pb2.RollingLimit, _Mapping]] = ..., last_order_date: _Optional[str] = ..., disputed_minor: _Optional[int] = ...) -> None: ...

class GetPositionRequest(_message.Message):
    __slots__ = ("account_id",)
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    def __init__(self, account_id: _Optional[str] = ...) -> None: ...

class GetPositionResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: Position
    def __init__(self, position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class WatchPositionsRequest(_message.Message):
    __slots__ = ("account_ids",)
    ACCOUNT_IDS_FIELD_NUMBER: _ClassVar[int]
    account_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, account_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class WatchPositionsResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: Position
    def __init__(self, position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class SuspendAccountRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class SuspendAccountResponse(_message.Message):
    __slots__ = ("status", "journal_seq", "replayed")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    status: AccountStatus
    journal_seq: int
    replayed: bool
    def __init__(self, status: _Optional[_Union[AccountStatus, str]] = ..., journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class ReinstateAccountRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class ReinstateAccountResponse(_message.Message):
    __slots__ = ("status", "journal_seq", "replayed")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    status: AccountStatus
    journal_seq: int
    replayed: bool
    def __init__(self, status: _Optional[_Union[AccountStatus, str]] = ..., journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class CloseAccountRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class CloseAccountResponse(_message.Message):
    __slots__ = ("status", "journal_seq", "replayed")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    status: AccountStatus
    journal_seq: int
    replayed: bool
    def __init__(self, status: _Optional[_Union[AccountStatus, str]] = ..., journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class PlaceHoldRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "hold_id", "kind", "source", "expire_time", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    hold_id: str
    kind: _conditions_pb2.HoldKind
    source: str
    expire_time: _timestamp_pb2.Timestamp
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., hold_id: _Optional[str] = ..., kind: _Optional[_Union[_conditions_pb2.HoldKind, str]] = ..., source: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class PlaceHoldResponse(_message.Message):
    __slots__ = ("outcome", "journal_seq", "replayed")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    outcome: UpsertOutcome
    journal_seq: int
    replayed: bool
    def __init__(self, outcome: _Optional[_Union[UpsertOutcome, str]] = ..., journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class LiftHoldRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "hold_id", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    hold_id: str
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., hold_id: _Optional[str] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class LiftHoldResponse(_message.Message):
    __slots__ = ("journal_seq", "replayed")
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    journal_seq: int
    replayed: bool
    def __init__(self, journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class SetTemporaryLimitRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "limit_id", "kind", "amount_minor", "first_date", "last_date", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    FIRST_DATE_FIELD_NUMBER: _ClassVar[int]
    LAST_DATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    limit_id: str
    kind: _conditions_pb2.TemporaryLimitKind
    amount_minor: int
    first_date: str
    last_date: str
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., limit_id: _Optional[str] = ..., kind: _Optional[_Union[_conditions_pb2.TemporaryLimitKind, str]] = ..., amount_minor: _Optional[int] = ..., first_date: _Optional[str] = ..., last_date: _Optional[str] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class SetTemporaryLimitResponse(_message.Message):
    __slots__ = ("outcome", "journal_seq", "replayed")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    outcome: UpsertOutcome
    journal_seq: int
    replayed: bool
    def __init__(self, outcome: _Optional[_Union[UpsertOutcome, str]] = ..., journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class RemoveTemporaryLimitRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "limit_id", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    limit_id: str
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., limit_id: _Optional[str] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class RemoveTemporaryLimitResponse(_message.Message):
    __slots__ = ("journal_seq", "replayed")
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    journal_seq: int
    replayed: bool
    def __init__(self, journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class SetRollingLimitRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "hard_cap_minor", "days", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    HARD_CAP_MINOR_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    hard_cap_minor: int
    days: int
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., hard_cap_minor: _Optional[int] = ..., days: _Optional[int] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class SetRollingLimitResponse(_message.Message):
    __slots__ = ("outcome", "journal_seq", "replayed")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    outcome: UpsertOutcome
    journal_seq: int
    replayed: bool
    def __init__(self, outcome: _Optional[_Union[UpsertOutcome, str]] = ..., journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class RemoveRollingLimitRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class RemoveRollingLimitResponse(_message.Message):
    __slots__ = ("journal_seq", "replayed")
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    journal_seq: int
    replayed: bool
    def __init__(self, journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...
