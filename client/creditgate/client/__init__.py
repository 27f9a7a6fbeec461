"""The Python client of creditgate: `Client` for threads, `AsyncClient` for asyncio.

    with Client("127.0.0.1:50051") as client:
        result = client.check_and_reserve("ACME-7", "SO-1001", 125_00, "USD")
        if result.decision is not Decision.APPROVED:
            print(result.reasons)

Amounts are integers in minor units of their currency everywhere; `creditgate.client.money` reads
and writes decimals. A decline is a result. The tree of errors is drawn in
`creditgate.client._errors`; each class says when it is raised and what to do then.
"""

from creditgate.client import money
from creditgate.client._account_results import (
    Account,
    AccountStatus,
    AccountUpsert,
    LimitSource,
    Position,
    Segment,
    StatusResult,
    UpsertOutcome,
    UpsertResult,
)
from creditgate.client._aio import AsyncClient
from creditgate.client._common import (
    CreditLimit,
    Decision,
    ItemError,
    LimitKind,
    Reason,
    ReasonCode,
    ReasonUnit,
)
from creditgate.client._decision_results import (
    AdjustResult,
    CaptureResult,
    CheckResult,
    DecisionResult,
    OrderItem,
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
    StreamProgress,
)
from creditgate.client._options import ClientOptions, RetryPolicy
from creditgate.client._sync import Client

__all__ = [
    "AccessError",
    "Account",
    "AccountStatus",
    "AccountUpsert",
    "AdjustResult",
    "Allocation",
    "AsyncClient",
    "CallError",
    "CaptureResult",
    "CheckResult",
    "Client",
    "ClientClosedError",
    "ClientOptions",
    "ConflictError",
    "CreditLimit",
    "CreditgateError",
    "DeadlineExceededError",
    "Decision",
    "DecisionResult",
    "EntryKind",
    "EntryOutcome",
    "EntryRejection",
    "EntryResult",
    "FieldViolation",
    "InvalidRequestError",
    "ItemError",
    "LedgerEntry",
    "LimitKind",
    "LimitSource",
    "MoneyError",
    "NotFoundError",
    "OrderItem",
    "OutOfRangeError",
    "OverloadedError",
    "Position",
    "PreconditionError",
    "Reason",
    "ReasonCode",
    "ReasonUnit",
    "ReleaseResult",
    "Reservation",
    "ReservationState",
    "ReserveResult",
    "RetryPolicy",
    "Segment",
    "ServerError",
    "StatusResult",
    "StreamProgress",
    "TransientError",
    "UnavailableError",
    "UpsertOutcome",
    "UpsertResult",
    "money",
]
