from creditgate.v1 import account_pb2 as _account_pb2
from creditgate.v1 import common_pb2 as _common_pb2
from creditgate.v1 import verification_pb2 as _verification_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VerificationRecord(_message.Message):
    __slots__ = ("account_id", "verification")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    VERIFICATION_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    verification: _verification_pb2.Verification
    def __init__(self, account_id: _Optional[str] = ..., verification: _Optional[_Union[_verification_pb2.Verification, _Mapping]] = ...) -> None: ...

class RecordVerificationsRequest(_message.Message):
    __slots__ = ("request_id", "verifications", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VERIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    verifications: _containers.RepeatedCompositeFieldContainer[VerificationRecord]
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., verifications: _Optional[_Iterable[_Union[VerificationRecord, _Mapping]]] = ..., channel: _Optional[str] = ...) -> None: ...

class RecordVerificationsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_account_pb2.UpsertResult]
    def __init__(self, results: _Optional[_Iterable[_Union[_account_pb2.UpsertResult, _Mapping]]] = ...) -> None: ...

class ProposeLimitRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "limit", "verification", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    VERIFICATION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    limit: _common_pb2.CreditLimit
    verification: str
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., limit: _Optional[_Union[_common_pb2.CreditLimit, _Mapping]] = ..., verification: _Optional[str] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class ProposeLimitResponse(_message.Message):
    __slots__ = ("proposal_id", "state", "journal_seq", "replayed")
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    proposal_id: str
    state: _verification_pb2.ProposalState
    journal_seq: int
    replayed: bool
    def __init__(self, proposal_id: _Optional[str] = ..., state: _Optional[_Union[_verification_pb2.ProposalState, str]] = ..., journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class ApproveProposalRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "proposal_id", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    proposal_id: str
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., proposal_id: _Optional[str] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class ApproveProposalResponse(_message.Message):
    __slots__ = ("journal_seq", "replayed")
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    journal_seq: int
    replayed: bool
    def __init__(self, journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class RejectProposalRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "proposal_id", "reason", "channel")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: str
    proposal_id: str
    reason: str
    channel: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[str] = ..., proposal_id: _Optional[str] = ..., reason: _Optional[str] = ..., channel: _Optional[str] = ...) -> None: ...

class RejectProposalResponse(_message.Message):
    __slots__ = ("journal_seq", "replayed")
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    journal_seq: int
    replayed: bool
    def __init__(self, journal_seq: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class ListProposalsRequest(_message.Message):
    __slots__ = ("account_id", "page_size", "page_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    page_size: int
    page_token: str
    def __init__(self, account_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class PendingProposal(_message.Message):
    __slots__ = ("account_id", "currency", "limit_now", "proposal")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_NOW_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    currency: str
    limit_now: _common_pb2.CreditLimit
    proposal: _verification_pb2.LimitProposal
    def __init__(self, account_id: _Optional[str] = ..., currency: _Optional[str] = ..., limit_now: _Optional[_Union[_common_pb2.CreditLimit, _Mapping]] = ..., proposal: _Optional[_Union[_verification_pb2.LimitProposal, _Mapping]] = ...) -> None: ...

class ListProposalsResponse(_message.Message):
    __slots__ = ("proposals", "next_page_token")
    PROPOSALS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    proposals: _containers.RepeatedCompositeFieldContainer[PendingProposal]
    next_page_token: str
    def __init__(self, proposals: _Optional[_Iterable[_Union[PendingProposal, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
