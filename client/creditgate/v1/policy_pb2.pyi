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

class PolicyStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POLICY_STATUS_UNSPECIFIED: _ClassVar[PolicyStatus]
    POLICY_STATUS_DRAFT: _ClassVar[PolicyStatus]
    POLICY_STATUS_ACTIVE: _ClassVar[PolicyStatus]
    POLICY_STATUS_RETIRED: _ClassVar[PolicyStatus]
    POLICY_STATUS_SHADOW: _ClassVar[PolicyStatus]
POLICY_STATUS_UNSPECIFIED: PolicyStatus
POLICY_STATUS_DRAFT: PolicyStatus
POLICY_STATUS_ACTIVE: PolicyStatus
POLICY_STATUS_RETIRED: PolicyStatus
POLICY_STATUS_SHADOW: PolicyStatus

class Policy(_message.Message):
    __slots__ = ("version", "status", "put_by", "put_time", "activated_by", "activate_time", "text")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PUT_BY_FIELD_NUMBER: _ClassVar[int]
    PUT_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTIVATED_BY_FIELD_NUMBER: _ClassVar[int]
    ACTIVATE_TIME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    version: int
    status: PolicyStatus
    put_by: str
    put_time: _timestamp_pb2.Timestamp
    activated_by: str
    activate_time: _timestamp_pb2.Timestamp
    text: str
    def __init__(self, version: _Optional[int] = ..., status: _Optional[_Union[PolicyStatus, str]] = ..., put_by: _Optional[str] = ..., put_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., activated_by: _Optional[str] = ..., activate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., text: _Optional[str] = ...) -> None: ...

class PolicyProblem(_message.Message):
    __slots__ = ("line", "message")
    LINE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    line: int
    message: str
    def __init__(self, line: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class CheckPolicyRequest(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class CheckPolicyResponse(_message.Message):
    __slots__ = ("problems",)
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    problems: _containers.RepeatedCompositeFieldContainer[PolicyProblem]
    def __init__(self, problems: _Optional[_Iterable[_Union[PolicyProblem, _Mapping]]] = ...) -> None: ...

class PutPolicyRequest(_message.Message):
    __slots__ = ("request_id", "text", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    text: str
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., text: _Optional[str] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class PutPolicyResponse(_message.Message):
    __slots__ = ("version", "journal_seq", "replayed")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    version: int
    journal_seq: int
    replayed: bool
    def __init__(self, version: _Optional[int] = ..., journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class ActivatePolicyRequest(_message.Message):
    __slots__ = ("request_id", "version", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    version: int
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., version: _Optional[int] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class ActivatePolicyResponse(_message.Message):
    __slots__ = ("version", "journal_seq", "replayed")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    version: int
    journal_seq: int
    replayed: bool
    def __init__(self, version: _Optional[int] = ..., journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class ShadowPolicyRequest(_message.Message):
    __slots__ = ("request_id", "version", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    version: int
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., version: _Optional[int] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class ShadowPolicyResponse(_message.Message):
    __slots__ = ("version", "journal_seq", "replayed")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    version: int
    journal_seq: int
    replayed: bool
    def __init__(self, version: _Optional[int] = ..., journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class GetShadowRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetShadowResponse(_message.Message):
    __slots__ = ("version", "since", "orders", "differences")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    version: int
    since: _timestamp_pb2.Timestamp
    orders: int
    differences: _containers.RepeatedCompositeFieldContainer[ShadowDifference]
    def __init__(self, version: _Optional[int] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., orders: _Optional[int] = ..., differences: _Optional[_Iterable[_Union[ShadowDifference, _Mapping]]] = ...) -> None: ...

class ShadowDifference(_message.Message):
    __slots__ = ("was", "now", "rule", "currency", "orders", "amount_minor")
    WAS_FIELD_NUMBER: _ClassVar[int]
    NOW_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    was: _common_pb2.Decision
    now: _common_pb2.Decision
    rule: _common_pb2.ReasonCode
    currency: str
    orders: int
    amount_minor: int
    def __init__(self, was: _Optional[_Union[_common_pb2.Decision, str]] = ..., now: _Optional[_Union[_common_pb2.Decision, str]] = ..., rule: _Optional[_Union[_common_pb2.ReasonCode, str]] = ..., currency: _Optional[str] = ..., orders: _Optional[int] = ..., amount_minor: _Optional[int] = ...) -> None: ...

class GetPolicyRequest(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: int
    def __init__(self, version: _Optional[int] = ...) -> None: ...

class GetPolicyResponse(_message.Message):
    __slots__ = ("policy",)
    POLICY_FIELD_NUMBER: _ClassVar[int]
    policy: Policy
    def __init__(self, policy: _Optional[_Union[Policy, _Mapping]] = ...) -> None: ...

class ListPoliciesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPoliciesResponse(_message.Message):
    __slots__ = ("policies", "next_page_token")
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    policies: _containers.RepeatedCompositeFieldContainer[Policy]
    next_page_token: str
    def __init__(self, policies: _Optional[_Iterable[_Union[Policy, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
