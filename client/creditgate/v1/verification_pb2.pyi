import datetime

from creditgate.v1 import common_pb2 as _common_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProposalState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROPOSAL_STATE_UNSPECIFIED: _ClassVar[ProposalState]
    PROPOSAL_STATE_PENDING: _ClassVar[ProposalState]
    PROPOSAL_STATE_APPROVED: _ClassVar[ProposalState]
PROPOSAL_STATE_UNSPECIFIED: ProposalState
PROPOSAL_STATE_PENDING: ProposalState
PROPOSAL_STATE_APPROVED: ProposalState

class Verification(_message.Message):
    __slots__ = ("reference", "source", "date", "score", "document_sha256", "recorded_by", "record_time")
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_SHA256_FIELD_NUMBER: _ClassVar[int]
    RECORDED_BY_FIELD_NUMBER: _ClassVar[int]
    RECORD_TIME_FIELD_NUMBER: _ClassVar[int]
    reference: str
    source: str
    date: str
    score: int
    document_sha256: str
    recorded_by: str
    record_time: _timestamp_pb2.Timestamp
    def __init__(self, reference: _Optional[str] = ..., source: _Optional[str] = ..., date: _Optional[str] = ..., score: _Optional[int] = ..., document_sha256: _Optional[str] = ..., recorded_by: _Optional[str] = ..., record_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LimitProposal(_message.Message):
    __slots__ = ("proposal_id", "limit", "verification", "proposed_by", "propose_time", "reason", "limit_then")
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    VERIFICATION_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_BY_FIELD_NUMBER: _ClassVar[int]
    PROPOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    LIMIT_THEN_FIELD_NUMBER: _ClassVar[int]
    proposal_id: str
    limit: _common_pb2.CreditLimit
    verification: str
    proposed_by: str
    propose_time: _timestamp_pb2.Timestamp
    reason: str
    limit_then: _common_pb2.CreditLimit
    def __init__(self, proposal_id: _Optional[str] = ..., limit: _Optional[_Union[_common_pb2.CreditLimit, _Mapping]] = ..., verification: _Optional[str] = ..., proposed_by: _Optional[str] = ..., propose_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ..., limit_then: _Optional[_Union[_common_pb2.CreditLimit, _Mapping]] = ...) -> None: ...

class LimitApproval(_message.Message):
    __slots__ = ("approved_by", "by_policy", "approve_time", "verification")
    APPROVED_BY_FIELD_NUMBER: _ClassVar[int]
    BY_POLICY_FIELD_NUMBER: _ClassVar[int]
    APPROVE_TIME_FIELD_NUMBER: _ClassVar[int]
    VERIFICATION_FIELD_NUMBER: _ClassVar[int]
    approved_by: str
    by_policy: bool
    approve_time: _timestamp_pb2.Timestamp
    verification: str
    def __init__(self, approved_by: _Optional[str] = ..., by_policy: _Optional[bool] = ..., approve_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., verification: _Optional[str] = ...) -> None: ...
