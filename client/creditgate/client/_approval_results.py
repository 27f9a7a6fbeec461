"""ApprovalService: what it answers, read from the messages of the contract."""

from datetime import date, datetime, timedelta
from enum import StrEnum

import msgspec

from creditgate.client._common import REASON_CODE, Reason, ReasonCode, reason_from
from creditgate.client._decision_results import (
    CASE_STATUS,
    CaseStatus,
    ReserveResult,
    reserve_result,
)
from creditgate.client._wire import EnumCodec, Page, date_or_none, time_or_none
from creditgate.v1 import approval_pb2 as pb


class CaseOrder(StrEnum):
    """In which order cases are listed: the oldest first, or the most urgent."""

    UNKNOWN = "UNKNOWN"
    OLDEST = "OLDEST"
    PRIORITY = "PRIORITY"


CASE_ORDER = EnumCodec(CaseOrder, pb.CaseOrder)


class Waiver(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed: these reasons are no obstacle up to an amount, for a time.

    `amount_minor` is what the order may be worth at most, in minor units of the account's currency.
    """

    waived_reasons: list[ReasonCode]
    amount_minor: int
    expire_time: datetime | None


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """One person's yes; `on_behalf_of` is empty where the authority of `role` is their own."""

    by: str
    on_behalf_of: str
    role: str
    time: datetime | None


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said of a case; `text` is empty once it was erased."""

    by: str
    time: datetime | None
    text: str


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """An order that was referred, and what became of it.

    `amount_minor`, `tax_minor` and `freight_minor` are the order's own, in minor units of
    `currency`. `worth_minor` is all of it in those of `account_currency`, that of the account that
    is billed, by the rate of now: authority is held to it, and so are the amounts of `reasons` and
    of `waiver`. `sold_to_account_id` is who ordered, empty where that is who is billed.

    `escalate_time` is None where the clock will not escalate it, `close_time` while it has not
    ended. None of `asked_by` may sign. `waiver` is None before the first signature. `revision` is
    how often its order was asked for otherwise, so that it began anew.
    """

    case_id: str
    account_id: str
    order_id: str
    amount_minor: int
    currency: str
    contract_id: str
    terms_id: str
    ttl: timedelta
    reasons: list[Reason]
    channel: str
    asked_by: list[str]
    open_time: datetime | None
    status: CaseStatus
    priority: int
    level: int
    escalate_time: datetime | None
    expire_time: datetime | None
    claimed_by: str
    waiver: Waiver | None
    signatures: list[Signature]
    signatures_missing: int
    comments: list[Comment]
    reservation_id: str
    close_time: datetime | None
    revision: int
    worth_minor: int
    account_currency: str
    ship_date: date | None
    tax_minor: int
    freight_minor: int
    sold_to_account_id: str


class ReviewResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to what is done about a case.

    `order` is what became of its order, where that was decided again.
    """

    case_id: str
    status: CaseStatus
    signatures_missing: int
    order: ReserveResult | None
    journal_seq: int
    replayed: bool


class Delegation(msgspec.Struct, frozen=True, kw_only=True):
    """Who may sign with whose authority, from when until when."""

    delegator: str
    to: str
    role: str
    start_time: datetime | None
    expire_time: datetime | None


class DelegationResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `delegate`."""

    journal_seq: int
    replayed: bool


def case_from(message: pb.Case) -> Case:
    """Reads a message of the contract."""
    return Case(
        case_id=message.case_id,
        account_id=message.account_id,
        order_id=message.order_id,
        amount_minor=message.amount_minor,
        currency=message.currency,
        contract_id=message.contract_id,
        terms_id=message.terms_id,
        ttl=message.ttl.ToTimedelta(),
        reasons=[reason_from(reason) for reason in message.reasons],
        channel=message.channel,
        asked_by=list(message.asked_by),
        open_time=time_or_none(message, "open_time"),
        status=CASE_STATUS.read(message.status),
        priority=message.priority,
        level=message.level,
        escalate_time=time_or_none(message, "escalate_time"),
        expire_time=time_or_none(message, "expire_time"),
        claimed_by=message.claimed_by,
        waiver=_waiver(message.waiver) if message.HasField("waiver") else None,
        signatures=[
            Signature(
                by=one.by,
                on_behalf_of=one.on_behalf_of,
                role=one.role,
                time=time_or_none(one, "time"),
            )
            for one in message.signatures
        ],
        signatures_missing=message.signatures_missing,
        comments=[
            Comment(by=one.by, time=time_or_none(one, "time"), text=one.text)
            for one in message.comments
        ],
        reservation_id=message.reservation_id,
        close_time=time_or_none(message, "close_time"),
        revision=message.revision,
        worth_minor=message.worth_minor,
        account_currency=message.account_currency,
        ship_date=date_or_none(message.ship_date),
        tax_minor=message.tax_minor,
        freight_minor=message.freight_minor,
        sold_to_account_id=message.sold_to_account_id,
    )


def _waiver(message: pb.Waiver) -> Waiver:
    return Waiver(
        waived_reasons=[REASON_CODE.read(code) for code in message.waived_reasons],
        amount_minor=message.amount_minor,
        expire_time=time_or_none(message, "expire_time"),
    )


def cases_page(message: pb.ListCasesResponse) -> Page[Case]:
    """Reads a message of the contract."""
    return Page([case_from(case) for case in message.cases], message.next_page_token)


def review_result(message: pb.ReviewCaseResponse) -> ReviewResult:
    """Reads a message of the contract."""
    return ReviewResult(
        case_id=message.case_id,
        status=CASE_STATUS.read(message.status),
        signatures_missing=message.signatures_missing,
        order=reserve_result(message.order) if message.HasField("order") else None,
        journal_seq=message.journal_seq,
        replayed=message.replayed,
    )


def delegation_from(message: pb.Delegation) -> Delegation:
    """Reads a message of the contract."""
    return Delegation(
        delegator=message.delegator,
        to=message.to,
        role=message.role,
        start_time=time_or_none(message, "start_time"),
        expire_time=time_or_none(message, "expire_time"),
    )


def delegation_result(message: pb.DelegateResponse) -> DelegationResult:
    """Reads a message of the contract."""
    return DelegationResult(journal_seq=message.journal_seq, replayed=message.replayed)
