"""CreditDecisionService: what it answers, read from the messages of the contract."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from creditgate.client._common import (
    Decision,
    ItemError,
    LimitLevel,
    Reason,
    decision_from,
    item_error_from,
    limit_level_or_none,
    reason_from,
)
from creditgate.client._rates_results import ExchangeRate, rate_from
from creditgate.client._terms_results import InvoiceTerms, invoice_terms_from
from creditgate.client._wire import (
    EnumCodec,
    Page,
    date_or_none,
    int_or_none,
    time_or_none,
)
from creditgate.v1 import decision_pb2 as pb


class ReservationState(StrEnum):
    """OPEN until nothing of the reservation is open, then CLOSED."""

    UNKNOWN = "UNKNOWN"
    OPEN = "OPEN"
    CLOSED = "CLOSED"


class CaseStatus(StrEnum):
    """How far a case has come: see docs/approvals.md."""

    UNKNOWN = "UNKNOWN"
    OPEN = "OPEN"
    CLAIMED = "CLAIMED"
    ESCALATED = "ESCALATED"
    APPROVED = "APPROVED"
    USED = "USED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"


STATE = EnumCodec(ReservationState, pb.ReservationState)
CASE_STATUS = EnumCodec(CaseStatus, pb.CaseStatus)


class OrderCounting(msgspec.Struct, frozen=True, kw_only=True):
    """How an order counts that does not count as it is.

    It is in another currency than its account's, does not count in full or not yet, or is billed to
    another account. The first amounts are all of the order, in minor units of `currency`;
    `counted_minor` is what counts of the open one, in `account_currency`. `rate` is None where both
    are the same currency. `excluded_minor` is what of its first amount does not count: tax,
    freight. `waiting` is true while its day of shipping is too far away to count at all.
    """

    currency: str
    open_minor: int
    captured_minor: int
    released_minor: int
    expired_minor: int
    counted_minor: int
    account_currency: str
    rate: ExchangeRate | None
    excluded_minor: int
    ship_date: date | None
    waiting: bool
    sold_to_account_id: str


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """What one order holds, in minor units of `currency`, its account's.

    `counting` has the order's own amounts, where it does not count as it is; else it is None.

    `contract_id` and `terms_id` are what its order named of payment terms, empty for nothing.
    """

    reservation_id: str
    account_id: str
    order_id: str
    currency: str
    state: ReservationState
    open_minor: int
    captured_minor: int
    released_minor: int
    expired_minor: int
    expire_time: datetime | None
    create_time: datetime | None
    contract_id: str
    terms_id: str
    counting: OrderCounting | None = None

    @property
    def order_currency(self) -> str:
        """The order's own currency, in which it is adjusted, captured and released."""
        return self.counting.currency if self.counting else self.currency

    @property
    def total_minor(self) -> int:
        """All that was ever reserved: open, captured, released and expired."""
        return self.open_minor + self.captured_minor + self.released_minor + self.expired_minor


class Cure(msgspec.Struct, frozen=True, kw_only=True):
    """What would have an order approved, if nothing else changes.

    `invoice_id` is the invoice whose payment alone would do, the one that is due first where
    several would, and `open_minor` what is owed on it; empty where none does. `fits_from` is the
    day from which it fits, if each invoice is paid on its due day; None where it is not known.
    """

    invoice_id: str
    open_minor: int
    fits_from: date | None


class DecisionResult(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with everything that led to it; amounts in minor units of the account's currency.

    `reasons` names every violated rule in order of precedence; of an order that is approved in full
    those that only notify.
    `available_minor` is what new orders could still use afterwards under all limits, None when
    unlimited; `bound_by` the limit of several accounts that leaves no more, if one does.
    `fitting_amount_minor` is what would have fitted where credit fell short, else None.
    `journal_seq` is 0 for `check` and `confirm`. `replayed` is true for the stored answer to an
    earlier request with the same id. `cure` is None where nothing was refused, or nothing is known
    that would help, in the account's currency. `account_currency` is set where the order's is
    another: `fitting_amount_minor` and what was approved are in the order's then.
    """

    decision: Decision
    reasons: tuple[Reason, ...]
    available_minor: int | None
    fitting_amount_minor: int | None
    journal_seq: int
    decide_time: datetime | None
    policy_version: int
    replayed: bool
    bound_by: LimitLevel | None
    cure: Cure | None
    account_currency: str = ""

    @property
    def approved(self) -> bool:
        """True when the whole amount was approved."""
        return self.decision is Decision.APPROVED


class CheckResult(DecisionResult, frozen=True, kw_only=True):
    """The answer to `check`: what `check_and_reserve` would have reserved at this moment."""

    approved_amount_minor: int
    counting: OrderCounting | None = None


class ReserveResult(DecisionResult, frozen=True, kw_only=True):
    """The answer to `check_and_reserve`; `reservation_id` is empty when nothing was reserved.

    `case_id` is the case in which the order waits to be signed, or under which it was approved, and
    its `reasons` then name what was waived; where it is declined, the one in which it was rejected.
    """

    reservation_id: str
    approved_amount_minor: int
    expire_time: datetime | None
    case_id: str
    counting: OrderCounting | None = None


class OrderState(msgspec.Struct, frozen=True, kw_only=True):
    """How an order stands: what it holds, None for nothing, and how far its case has come."""

    reservation: Reservation | None
    case_id: str
    case_status: CaseStatus | None
    journal_seq: int


class AdjustResult(DecisionResult, frozen=True, kw_only=True):
    """The answer to `adjust`, with the reservation as it stands now."""

    reservation: Reservation


class ConfirmResult(DecisionResult, frozen=True, kw_only=True):
    """The answer to `confirm`: whether the goods may leave, with the reservation as it stands."""

    reservation: Reservation


class CaptureResult(DecisionResult, frozen=True, kw_only=True):
    """The answer to `capture`, with the reservation as it stands now.

    `captured_amount_minor` is zero when declined, or when the ledger has the invoice already.
    `breach` is true when `forced` carried the capture past the rules in `reasons`. `terms` says
    when what this call captured is due; None where no terms are assigned, or the ledger has the
    invoice already.
    """

    reservation: Reservation
    captured_amount_minor: int
    breach: bool
    terms: InvoiceTerms | None


class ReleaseResult(DecisionResult, frozen=True, kw_only=True):
    """The answer to `release`, with the reservation as it stands now.

    `case_id` is that of an order that was waiting in a case, and is taken back: its reservation has
    no id, and holds nothing. Else it is empty.
    """

    reservation: Reservation
    released_amount_minor: int
    case_id: str


class PastDecision(DecisionResult, frozen=True, kw_only=True):
    """A decision as it stands in the journal, with who asked for it, through what and why.

    `command` is reserve, reserve_all, adjust, capture or release; approve_case or retry_cases where
    an order that was waiting was reserved by a signature, or the clock. `amount_minor` is the
    order's amount, for an adjustment its new total, for a capture or release what was asked for,
    None: all that was open; `approved_amount_minor` what was reserved, captured or released. These
    are in minor units of `currency`, the order's. `account_id` is who is billed; `counting` is how
    the order counted afterwards, None where it counts as it is. Of an order that could not be
    valued `account_currency` is empty.
    """

    command: str
    request_id: str
    account_id: str
    order_id: str
    currency: str
    amount_minor: int | None
    approved_amount_minor: int
    reservation_id: str
    actor: str
    channel: str
    reason: str
    counting: OrderCounting | None = None


class OrderItem(msgspec.Struct, frozen=True, kw_only=True):
    """One order of a batch.

    `request_id` and `allow_partial` belong to independent batches alone; there, an item without a
    request_id is given one that follows from the batch's.
    """

    account_id: str
    order_id: str
    amount_minor: int
    currency: str
    allow_partial: bool = False
    channel: str = ""
    ttl: timedelta | None = None
    contract_id: str = ""
    terms_id: str = ""
    ship_date: date | None = None
    tax_minor: int = 0
    freight_minor: int = 0
    bill_to_account_id: str = ""
    request_id: str | None = None


def _decided(message: pb.DecisionResult) -> dict[str, Any]:
    """The fields that every decision has, for the results above to be made with."""
    return {
        "decision": decision_from(message.decision),
        "reasons": tuple(reason_from(reason) for reason in message.reasons),
        "available_minor": int_or_none(message, "available_minor"),
        "fitting_amount_minor": int_or_none(message, "fitting_amount_minor"),
        "journal_seq": message.journal_seq,
        "decide_time": time_or_none(message, "decide_time"),
        "policy_version": message.policy_version,
        "replayed": message.replayed,
        "bound_by": limit_level_or_none(message, "bound_by"),
        "cure": cure_from(message.cure) if message.HasField("cure") else None,
        "account_currency": message.account_currency,
    }


def _counting_or_none(
    message: pb.Reservation
    | pb.CheckAndReserveResponse
    | pb.CheckResponse
    | pb.GetDecisionResponse,
) -> OrderCounting | None:
    if not message.HasField("counting"):
        return None
    found = message.counting
    return OrderCounting(
        currency=found.currency,
        open_minor=found.open_minor,
        captured_minor=found.captured_minor,
        released_minor=found.released_minor,
        expired_minor=found.expired_minor,
        counted_minor=found.counted_minor,
        account_currency=found.account_currency,
        rate=rate_from(found.rate) if found.HasField("rate") else None,
        excluded_minor=found.excluded_minor,
        ship_date=date_or_none(found.ship_date),
        waiting=found.waiting,
        sold_to_account_id=found.sold_to_account_id,
    )


def cure_from(message: pb.Cure) -> Cure:
    """Reads a message of the contract."""
    return Cure(
        invoice_id=message.invoice_id,
        open_minor=message.open_minor,
        fits_from=date_or_none(message.fits_from),
    )


def past_decision(message: pb.GetDecisionResponse) -> PastDecision:
    """Reads a message of the contract."""
    return PastDecision(
        **_decided(message.result),
        command=message.command,
        request_id=message.request_id,
        account_id=message.account_id,
        order_id=message.order_id,
        currency=message.currency,
        amount_minor=int_or_none(message, "amount_minor"),
        approved_amount_minor=message.approved_amount_minor,
        reservation_id=message.reservation_id,
        actor=message.actor,
        channel=message.channel,
        reason=message.reason,
        counting=_counting_or_none(message),
    )


def reservation_from(message: pb.Reservation) -> Reservation:
    """Reads a message of the contract."""
    return Reservation(
        reservation_id=message.reservation_id,
        account_id=message.account_id,
        order_id=message.order_id,
        currency=message.currency,
        state=STATE.read(message.state),
        open_minor=message.open_minor,
        captured_minor=message.captured_minor,
        released_minor=message.released_minor,
        expired_minor=message.expired_minor,
        expire_time=time_or_none(message, "expire_time"),
        create_time=time_or_none(message, "create_time"),
        contract_id=message.contract_id,
        terms_id=message.terms_id,
        counting=_counting_or_none(message),
    )


def reserve_result(message: pb.CheckAndReserveResponse) -> ReserveResult:
    """Reads a message of the contract."""
    return ReserveResult(
        **_decided(message.result),
        reservation_id=message.reservation_id,
        approved_amount_minor=message.approved_amount_minor,
        expire_time=time_or_none(message, "expire_time"),
        case_id=message.case_id,
        counting=_counting_or_none(message),
    )


def order_state(message: pb.WatchReservationResponse) -> OrderState:
    """Reads a message of the contract."""
    held = message.HasField("reservation")
    return OrderState(
        reservation=reservation_from(message.reservation) if held else None,
        case_id=message.case_id,
        case_status=CASE_STATUS.read(message.case_status) if message.case_id else None,
        journal_seq=message.journal_seq,
    )


def check_result(message: pb.CheckResponse) -> CheckResult:
    """Reads a message of the contract."""
    return CheckResult(
        **_decided(message.result),
        approved_amount_minor=message.approved_amount_minor,
        counting=_counting_or_none(message),
    )


def adjust_result(message: pb.AdjustResponse) -> AdjustResult:
    """Reads a message of the contract."""
    return AdjustResult(
        **_decided(message.result), reservation=reservation_from(message.reservation)
    )


def capture_result(message: pb.CaptureResponse) -> CaptureResult:
    """Reads a message of the contract."""
    return CaptureResult(
        **_decided(message.result),
        reservation=reservation_from(message.reservation),
        captured_amount_minor=message.captured_amount_minor,
        breach=message.breach,
        terms=invoice_terms_from(message.terms) if message.HasField("terms") else None,
    )


def confirm_result(message: pb.ConfirmResponse) -> ConfirmResult:
    """Reads a message of the contract."""
    return ConfirmResult(
        **_decided(message.result), reservation=reservation_from(message.reservation)
    )


def release_result(message: pb.ReleaseResponse) -> ReleaseResult:
    """Reads a message of the contract."""
    return ReleaseResult(
        **_decided(message.result),
        reservation=reservation_from(message.reservation),
        released_amount_minor=message.released_amount_minor,
        case_id=message.case_id,
    )


def batch_results(
    message: pb.BatchCheckAndReserveResponse,
) -> tuple[ReserveResult | ItemError, ...]:
    """Reads a message of the contract."""
    return tuple(
        item_error_from(item.error) if item.HasField("error") else reserve_result(item.response)
        for item in message.results
    )


def reservation_page(message: pb.ListReservationsResponse) -> Page[Reservation]:
    """Reads a message of the contract."""
    items = [reservation_from(reservation) for reservation in message.reservations]
    return Page(items, message.next_page_token)
