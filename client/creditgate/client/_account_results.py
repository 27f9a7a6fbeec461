"""CreditAccountService: what it takes and answers, read from the messages of the contract."""

from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction

import msgspec

from creditgate.client._common import (
    CreditLimit,
    ItemError,
    LimitKind,
    LimitLevel,
    item_error_from,
    limit_from,
    limit_level_from,
    limit_level_or_none,
)
from creditgate.client._conditions_results import (
    OUTCOME,
    Hold,
    RollingLimit,
    TemporaryLimit,
    UpsertOutcome,
    hold_from,
    rolling_limit_or_none,
    temporary_limit_from,
)
from creditgate.client._limits_results import (
    PROPOSAL_STATE,
    LimitApproval,
    LimitProposal,
    ProposalState,
    Verification,
    approval_or_none,
    proposal_from,
    verification_from,
)
from creditgate.client._wire import EnumCodec, Page, date_or_none, int_or_none, time_or_none
from creditgate.v1 import account_pb2 as pb
from creditgate.v1 import limits_pb2, rates_pb2, terms_pb2


class AccountStatus(StrEnum):
    """Whether an account may take on new exposure."""

    UNKNOWN = "UNKNOWN"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    CLOSED = "CLOSED"


class LimitSource(StrEnum):
    """Where an effective limit comes from.

    NONE: there was nothing to inherit, so no credit; OVERRIDE: a temporary limit of today;
    UNVERIFIED: none was ever approved on a verification, which the policy asks for of an account's
    first order, so no credit.
    """

    UNKNOWN = "UNKNOWN"
    ACCOUNT = "ACCOUNT"
    SEGMENT = "SEGMENT"
    NONE = "NONE"
    OVERRIDE = "OVERRIDE"
    UNVERIFIED = "UNVERIFIED"


STATUS = EnumCodec(AccountStatus, pb.AccountStatus)
_SOURCE = EnumCodec(LimitSource, pb.LimitSource)


class AccountUpsert(msgspec.Struct, frozen=True, kw_only=True):
    """The fields to set; None keeps what is there.

    A new account needs `currency`, which cannot change later, and inherits its limit. An empty
    `parent_account_id` or `segment_id` and a zero `max_order_amount_minor` remove the value.
    `shared_limit` is an amount or unlimited, which removes it, without an end.
    """

    account_id: str
    display_name: str | None = None
    currency: str | None = None
    parent_account_id: str | None = None
    segment_id: str | None = None
    limit: CreditLimit | None = None
    max_order_amount_minor: int | None = None
    shared_limit: CreditLimit | None = None


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """What accounts of this segment and currency inherit, and their cap; None keeps what is there.

    `default_limit` is any kind of limit but INHERIT; `cap`, the most that all of them may owe
    together, an amount or unlimited, which removes it, without an end.
    """

    segment_id: str
    currency: str
    default_limit: CreditLimit | None = None
    cap: CreditLimit | None = None


class SegmentPosition(msgspec.Struct, frozen=True, kw_only=True):
    """A segment in one currency, in its minor units; None: it has no default limit, or no cap.

    `exposure_minor` is what all its accounts in this currency owe together, `available_minor` what
    the cap leaves. What 64 bits do not hold is the end of their range.
    """

    segment_id: str
    currency: str
    default_limit: CreditLimit | None
    cap_minor: int | None
    exposure_minor: int
    available_minor: int | None


class UpsertResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one row: an outcome, or else an error.

    Where `proposal_state` is set, the row's limit became, or has been since, the proposal
    `proposal_id`; see limits.owner of the policy.
    """

    outcome: UpsertOutcome | None
    error: ItemError | None
    journal_seq: int
    replayed: bool
    proposal_id: str = ""
    proposal_state: ProposalState | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One customer's credit relationship in one currency.

    `shared_limit_minor` is the most that it and all accounts below it may owe together, None for
    no bound. `holds` and `temporary_limits` are those that have not ended. `verifications` are the
    latest, `proposals` limits that wait; `limit_approval` is None where the limit was set without a
    proposal, `verified_by` empty where none was ever approved on a verification.
    """

    account_id: str
    display_name: str
    currency: str
    parent_account_id: str
    segment_id: str
    limit: CreditLimit
    max_order_amount_minor: int | None
    status: AccountStatus
    status_reason: str
    create_time: datetime | None
    update_time: datetime | None
    shared_limit_minor: int | None
    holds: tuple[Hold, ...]
    temporary_limits: tuple[TemporaryLimit, ...]
    rolling_limit: RollingLimit | None
    verifications: tuple[Verification, ...]
    proposals: tuple[LimitProposal, ...]
    limit_approval: LimitApproval | None
    verified_by: str


class StatusResult(msgspec.Struct, frozen=True, kw_only=True):
    """The status of an account after a suspension, reinstatement or closing."""

    status: AccountStatus
    journal_seq: int
    replayed: bool


class SharedPosition(msgspec.Struct, frozen=True, kw_only=True):
    """What several accounts owe together, in minor units; None: they have no limit together.

    What 64 bits do not hold is the end of their range.
    """

    level: LimitLevel
    limit_minor: int | None
    exposure_minor: int
    available_minor: int | None


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Where an account stood after journal entry `journal_seq`, in minor units of `currency`.

    `last_order_date` is the last day on which orders are taken under a limit that has an end, with
    its days of grace; what channels may go beyond the limit is not in `available_minor`.
    `holds` are those in force, `temporary_limits` those of today; `effective_limit` has them in it.
    exposure = outstanding + captured + reserved; available = effective limit (hard cap where there
    is an average) - exposure, or what `bound_by` leaves where that is less; None when unlimited,
    negative after a limit cut. `disputed_minor` of what is outstanding is disputed, and does not
    count in `available_minor` where the policy excludes it.
    `shared`: the account with all below it, where there are any or they share a limit, and every
    account above it with all below that, the nearest first; then its segment, where that has a cap.
    """

    account_id: str
    currency: str
    status: AccountStatus
    effective_limit: CreditLimit
    limit_source: LimitSource
    outstanding_minor: int
    captured_minor: int
    reserved_minor: int
    exposure_minor: int
    available_minor: int | None
    journal_seq: int
    shared: tuple[SharedPosition, ...]
    bound_by: LimitLevel | None
    holds: tuple[Hold, ...]
    temporary_limits: tuple[TemporaryLimit, ...]
    rolling_limit: RollingLimit | None
    last_order_date: date | None = None
    disputed_minor: int = 0

    @property
    def utilisation(self) -> Fraction | None:
        """Exposure / effective limit, exactly; None where the limit is not an amount above zero."""
        limit_minor = self.effective_limit.amount_minor
        if self.effective_limit.kind is not LimitKind.AMOUNT or not limit_minor:
            return None
        return Fraction(self.exposure_minor, limit_minor)


def account_from(message: pb.Account) -> Account:
    """Reads a message of the contract."""
    return Account(
        account_id=message.account_id,
        display_name=message.display_name,
        currency=message.currency,
        parent_account_id=message.parent_account_id,
        segment_id=message.segment_id,
        limit=limit_from(message.limit),
        max_order_amount_minor=int_or_none(message, "max_order_amount_minor"),
        status=STATUS.read(message.status),
        status_reason=message.status_reason,
        create_time=time_or_none(message, "create_time"),
        update_time=time_or_none(message, "update_time"),
        shared_limit_minor=int_or_none(message, "shared_limit_minor"),
        holds=tuple(map(hold_from, message.holds)),
        temporary_limits=tuple(map(temporary_limit_from, message.temporary_limits)),
        rolling_limit=rolling_limit_or_none(message),
        verifications=tuple(map(verification_from, message.verifications)),
        proposals=tuple(map(proposal_from, message.proposals)),
        limit_approval=approval_or_none(message),
        verified_by=message.verified_by,
    )


def account_page(message: pb.ListAccountsResponse) -> Page[Account]:
    """Reads a message of the contract."""
    return Page([account_from(account) for account in message.accounts], message.next_page_token)


def segment_page(message: pb.ListSegmentsResponse) -> Page[SegmentPosition]:
    """Reads a message of the contract."""
    rows = [_segment_from(row) for row in message.segments]
    return Page(rows, message.next_page_token)


def _segment_from(row: pb.SegmentPosition) -> SegmentPosition:
    return SegmentPosition(
        segment_id=row.segment_id,
        currency=row.currency,
        default_limit=limit_from(row.default_limit) if row.HasField("default_limit") else None,
        cap_minor=int_or_none(row, "cap_minor"),
        exposure_minor=row.exposure_minor,
        available_minor=int_or_none(row, "available_minor"),
    )


def position_from(message: pb.Position) -> Position:
    """Reads a message of the contract."""
    return Position(
        account_id=message.account_id,
        currency=message.currency,
        status=STATUS.read(message.status),
        effective_limit=limit_from(message.effective_limit),
        limit_source=_SOURCE.read(message.limit_source),
        outstanding_minor=message.outstanding_minor,
        captured_minor=message.captured_minor,
        reserved_minor=message.reserved_minor,
        exposure_minor=message.exposure_minor,
        available_minor=int_or_none(message, "available_minor"),
        journal_seq=message.journal_seq,
        shared=tuple(_shared_from(group) for group in message.shared),
        bound_by=limit_level_or_none(message, "bound_by"),
        holds=tuple(map(hold_from, message.holds)),
        temporary_limits=tuple(map(temporary_limit_from, message.temporary_limits)),
        rolling_limit=rolling_limit_or_none(message),
        last_order_date=date_or_none(message.last_order_date),
        disputed_minor=message.disputed_minor,
    )


def _shared_from(message: pb.SharedPosition) -> SharedPosition:
    return SharedPosition(
        level=limit_level_from(message.level),
        limit_minor=int_or_none(message, "limit_minor"),
        exposure_minor=message.exposure_minor,
        available_minor=int_or_none(message, "available_minor"),
    )


def upsert_results(
    message: pb.UpsertAccountsResponse
    | pb.UpsertSegmentsResponse
    | terms_pb2.UpsertTermsResponse
    | terms_pb2.UpsertCalendarsResponse
    | terms_pb2.AssignTermsResponse
    | limits_pb2.RecordVerificationsResponse
    | rates_pb2.UpsertRatesResponse,
) -> tuple[UpsertResult, ...]:
    """Reads a message of the contract."""
    return tuple(
        UpsertResult(
            outcome=None if row.HasField("error") else OUTCOME.read(row.outcome),
            error=item_error_from(row.error) if row.HasField("error") else None,
            journal_seq=row.journal_seq,
            replayed=row.replayed,
            proposal_id=row.proposal_id,
            proposal_state=PROPOSAL_STATE.read(row.proposal_state) if row.proposal_id else None,
        )
        for row in message.results
    )


def status_result(
    message: pb.SuspendAccountResponse | pb.ReinstateAccountResponse | pb.CloseAccountResponse,
) -> StatusResult:
    """Reads a message of the contract."""
    return StatusResult(
        status=STATUS.read(message.status),
        journal_seq=message.journal_seq,
        replayed=message.replayed,
    )
