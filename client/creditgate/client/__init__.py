"""The Python client of creditgate: `Client` for threads, `AsyncClient` for asyncio.

    with Client("127.0.0.1:50051") as client:
        result = client.check_and_reserve("ACME-7", "SO-1001", 125_00, "USD")
        if result.decision is not Decision.APPROVED:
            print(result.reasons)

Amounts are integers in minor units of their currency everywhere; `creditgate.client.money` reads
and writes decimals, `creditgate.client.terms` payment terms in words. All that is raised stands in
one tree; each class says when, and what to do then:

    CreditgateError
    ├── MoneyError (also a ValueError)    text or a currency that cannot be turned into minor units
    ├── ClientClosedError                 the client was used after close()
    └── CallError                         a call ended with a gRPC error: no decision came
        ├── InvalidRequestError           INVALID_ARGUMENT    a field is wrong: correct it
        ├── NotFoundError                 NOT_FOUND           no such account, reservation, segment
        ├── ConflictError                 ALREADY_EXISTS      the id stands for something else
        ├── PreconditionError             FAILED_PRECONDITION the present state forbids it
        ├── OutOfRangeError               OUT_OF_RANGE        a sum or the clock out of its range
        ├── AccessError                   PERMISSION_DENIED, UNAUTHENTICATED
        ├── TransientError                worth asking again, with the same request_id
        │   ├── OverloadedError           RESOURCE_EXHAUSTED  queue or store full; see retry_delay_s
        │   ├── UnavailableError          UNAVAILABLE, CANCELLED  not reachable, or shutting down
        │   └── DeadlineExceededError     DEADLINE_EXCEEDED   no answer in time
        └── ServerError                   every other code: a fault of the server or of versions

A decline is no error: it is a result whose decision is DECLINED. An argument of the wrong type is a
TypeError, one that does not fit into its field (64 bits, UTF-8) a ValueError, as everywhere in
Python: both before anything is sent.
"""

from creditgate.client import money, terms
from creditgate.client._account_results import (
    Account,
    AccountStatus,
    AccountUpsert,
    LimitSource,
    Position,
    Segment,
    SegmentPosition,
    SharedPosition,
    StatusResult,
    UpsertResult,
)
from creditgate.client._adjustments import PendingAdjustments, ProposedAdjustments
from creditgate.client._aio import AsyncClient
from creditgate.client._approval_results import (
    Case,
    CaseOrder,
    Comment,
    Delegation,
    DelegationResult,
    ReviewResult,
    Signature,
    Waiver,
)
from creditgate.client._audit import (
    Change,
    ChangesProgress,
    Checkpoint,
    ErasureResult,
    RecordChange,
)
from creditgate.client._common import (
    CreditLimit,
    Decision,
    Effect,
    ItemError,
    LimitKind,
    LimitLevel,
    Reason,
    ReasonCode,
    ReasonUnit,
)
from creditgate.client._conditions_results import (
    Hold,
    HoldKind,
    RemoveResult,
    RollingLimit,
    SetResult,
    TemporaryLimit,
    TemporaryLimitKind,
    UpsertOutcome,
)
from creditgate.client._decision_results import (
    AdjustResult,
    CaptureResult,
    CaseStatus,
    CheckResult,
    ConfirmResult,
    Cure,
    DecisionResult,
    OrderCounting,
    OrderItem,
    OrderState,
    PastDecision,
    ReleaseResult,
    Reservation,
    ReservationState,
    ReserveResult,
)
from creditgate.client._errors import (
    AccessError,
    CallError,
    ClientClosedError,
    ConflictError,
    CreditgateError,
    DeadlineExceededError,
    FieldViolation,
    InvalidRequestError,
    MoneyError,
    NotFoundError,
    OutOfRangeError,
    OverloadedError,
    PreconditionError,
    ServerError,
    TransientError,
    UnavailableError,
)
from creditgate.client._ledger import (
    Allocation,
    EntryKind,
    EntryOutcome,
    EntryRejection,
    EntryResult,
    LedgerEntry,
    LedgerSource,
    OpenAccount,
    OpenItem,
    Reconciliation,
    ReconciliationResult,
    StreamProgress,
)
from creditgate.client._limits_results import (
    LimitApproval,
    LimitProposal,
    PendingProposal,
    ProposalDecision,
    ProposalState,
    ProposeResult,
    Verification,
    VerificationRecord,
)
from creditgate.client._options import ClientOptions, RetryPolicy, Tls
from creditgate.client._policy import (
    Policy,
    PolicyProblem,
    PolicyResult,
    PolicyStatus,
    Shadow,
    ShadowDifference,
)
from creditgate.client._rates_results import ExchangeRate, RevalueResult
from creditgate.client._sync import Client
from creditgate.client._terms_results import (
    Calendar,
    DateTable,
    DateTableRow,
    DayOfMonth,
    DayTable,
    DayTableRow,
    Discount,
    DueRule,
    EndOfMonth,
    Instalment,
    InvoiceTerms,
    NetDays,
    NonWorkingDay,
    Terms,
    TermsAssignment,
    TermsDiscount,
    TermsInstalment,
    TermsOf,
    TermsSource,
)

__all__ = [
    "AccessError",
    "Account",
    "AccountStatus",
    "AccountUpsert",
    "AdjustResult",
    "Allocation",
    "AsyncClient",
    "Calendar",
    "CallError",
    "CaptureResult",
    "Case",
    "CaseOrder",
    "CaseStatus",
    "Change",
    "ChangesProgress",
    "CheckResult",
    "Checkpoint",
    "Client",
    "ClientClosedError",
    "ClientOptions",
    "Comment",
    "ConfirmResult",
    "ConflictError",
    "CreditLimit",
    "CreditgateError",
    "Cure",
    "DateTable",
    "DateTableRow",
    "DayOfMonth",
    "DayTable",
    "DayTableRow",
    "DeadlineExceededError",
    "Decision",
    "DecisionResult",
    "Delegation",
    "DelegationResult",
    "Discount",
    "DueRule",
    "Effect",
    "EndOfMonth",
    "EntryKind",
    "EntryOutcome",
    "EntryRejection",
    "EntryResult",
    "ErasureResult",
    "ExchangeRate",
    "FieldViolation",
    "Hold",
    "HoldKind",
    "Instalment",
    "InvalidRequestError",
    "InvoiceTerms",
    "ItemError",
    "LedgerEntry",
    "LedgerSource",
    "LimitApproval",
    "LimitKind",
    "LimitLevel",
    "LimitProposal",
    "LimitSource",
    "MoneyError",
    "NetDays",
    "NonWorkingDay",
    "NotFoundError",
    "OpenAccount",
    "OpenItem",
    "OrderCounting",
    "OrderItem",
    "OrderState",
    "OutOfRangeError",
    "OverloadedError",
    "PastDecision",
    "PendingAdjustments",
    "PendingProposal",
    "Policy",
    "PolicyProblem",
    "PolicyResult",
    "PolicyStatus",
    "Position",
    "PreconditionError",
    "ProposalDecision",
    "ProposalState",
    "ProposeResult",
    "ProposedAdjustments",
    "Reason",
    "ReasonCode",
    "ReasonUnit",
    "Reconciliation",
    "ReconciliationResult",
    "RecordChange",
    "ReleaseResult",
    "RemoveResult",
    "Reservation",
    "ReservationState",
    "ReserveResult",
    "RetryPolicy",
    "RevalueResult",
    "ReviewResult",
    "RollingLimit",
    "Segment",
    "SegmentPosition",
    "ServerError",
    "SetResult",
    "Shadow",
    "ShadowDifference",
    "SharedPosition",
    "Signature",
    "StatusResult",
    "StreamProgress",
    "TemporaryLimit",
    "TemporaryLimitKind",
    "Terms",
    "TermsAssignment",
    "TermsDiscount",
    "TermsInstalment",
    "TermsOf",
    "TermsSource",
    "Tls",
    "TransientError",
    "UnavailableError",
    "UpsertOutcome",
    "UpsertResult",
    "Verification",
    "VerificationRecord",
    "Waiver",
    "money",
    "terms",
]

# Tracebacks and help name the classes as they are imported.
for _name in __all__:
    _member = globals()[_name]
    if isinstance(_member, type):
        _member.__module__ = __name__
