"""What every service shares: decisions and their reasons, credit limits, errors of single rows."""

from datetime import date, timedelta
from enum import StrEnum
from typing import Self

import grpc
import msgspec
from google.protobuf.message import Message

from creditgate.client._wire import EnumCodec, date_or_none, date_text
from creditgate.v1 import common_pb2

_EPOCH = date(1970, 1, 1)


class Decision(StrEnum):
    """What became of an order. UNKNOWN comes from a newer server and is never an approval."""

    UNKNOWN = "UNKNOWN"
    APPROVED = "APPROVED"
    PARTIALLY_APPROVED = "PARTIALLY_APPROVED"
    REFERRED = "REFERRED"
    DECLINED = "DECLINED"


class ReasonCode(StrEnum):
    """The rules that an order can violate, by their numbers. A decision has its own order."""

    UNKNOWN = "UNKNOWN"
    ACCOUNT_CLOSED = "ACCOUNT_CLOSED"
    ACCOUNT_SUSPENDED = "ACCOUNT_SUSPENDED"
    NO_CREDIT_LIMIT = "NO_CREDIT_LIMIT"
    LIMIT_EXPIRED = "LIMIT_EXPIRED"
    MAX_ORDER_AMOUNT_EXCEEDED = "MAX_ORDER_AMOUNT_EXCEEDED"
    INSUFFICIENT_CREDIT = "INSUFFICIENT_CREDIT"
    BATCH_NOT_APPROVED = "BATCH_NOT_APPROVED"
    SHARED_LIMIT_EXCEEDED = "SHARED_LIMIT_EXCEEDED"
    SEGMENT_CAP_EXCEEDED = "SEGMENT_CAP_EXCEEDED"
    ACCOUNT_ON_HOLD = "ACCOUNT_ON_HOLD"
    TERMS_UPGRADED = "TERMS_UPGRADED"
    BUREAU_SUSPENSION = "BUREAU_SUSPENSION"
    FRAUD_SUSPENSION = "FRAUD_SUSPENSION"
    ROLLING_AVERAGE_EXCEEDED = "ROLLING_AVERAGE_EXCEEDED"
    ORDER_AMOUNT_EXCEEDED = "ORDER_AMOUNT_EXCEEDED"
    UTILISATION_REACHED = "UTILISATION_REACHED"
    SCORE_TOO_LOW = "SCORE_TOO_LOW"
    SCORE_MISSING = "SCORE_MISSING"
    FIRST_ORDER = "FIRST_ORDER"
    LEDGER_STALE = "LEDGER_STALE"
    OVERDUE_DAYS = "OVERDUE_DAYS"
    OVERDUE_AMOUNT = "OVERDUE_AMOUNT"
    OVERDUE_SHARE = "OVERDUE_SHARE"
    OLDEST_ITEM = "OLDEST_ITEM"
    VELOCITY_COUNT = "VELOCITY_COUNT"
    VELOCITY_AMOUNT = "VELOCITY_AMOUNT"
    LIMIT_TOLERATED = "LIMIT_TOLERATED"
    LIMIT_IN_GRACE = "LIMIT_IN_GRACE"
    FX_RATE_UNAVAILABLE = "FX_RATE_UNAVAILABLE"
    FX_RATE_STALE = "FX_RATE_STALE"
    APPROVAL_EXPIRED = "APPROVAL_EXPIRED"


class Effect(StrEnum):
    """What a violated rule leads to; the strongest of all reasons decides, HOLD being the last."""

    UNKNOWN = "UNKNOWN"
    NOTIFY = "NOTIFY"
    ALERT = "ALERT"
    REFER = "REFER"
    DECLINE = "DECLINE"
    HOLD = "HOLD"


class ReasonUnit(StrEnum):
    """In what unit a reason states what was observed and the threshold."""

    UNKNOWN = "UNKNOWN"
    MINOR = "MINOR"
    DATE = "DATE"
    INDEX = "INDEX"
    PERCENT = "PERCENT"
    HOURS = "HOURS"
    POINTS = "POINTS"
    DAYS = "DAYS"
    ORDERS = "ORDERS"


class LimitKind(StrEnum):
    """How a credit limit is stated."""

    UNKNOWN = "UNKNOWN"
    AMOUNT = "AMOUNT"
    UNLIMITED = "UNLIMITED"
    NO_CREDIT = "NO_CREDIT"
    INHERIT = "INHERIT"


_DECISION = EnumCodec(Decision, common_pb2.Decision)
REASON_CODE = EnumCodec(ReasonCode, common_pb2.ReasonCode)
_REASON_UNIT = EnumCodec(ReasonUnit, common_pb2.ReasonUnit)
_EFFECT = EnumCodec(Effect, common_pb2.Effect)
_LIMIT_KIND = EnumCodec(LimitKind, common_pb2.LimitKind)


class LimitLevel(msgspec.Struct, frozen=True):
    """A limit that several accounts are held to together: one of the two ids is set.

    It is what the account `account_id` shares with all accounts below it, or the cap of the segment
    `segment_id`.
    """

    account_id: str = ""
    segment_id: str = ""

    def __str__(self) -> str:
        if self.account_id:
            return f"{self.account_id} and below"
        return f"segment {self.segment_id}" if self.segment_id else "a limit of an unknown kind"


class Reason(msgspec.Struct, frozen=True):
    """One violated rule, what was observed, and the threshold it was held against.

    Amounts are minor units (unit MINOR), days are dates (DATE), places in a batch count from 0
    (INDEX), shares of a limit whole percent (PERCENT), scores points (POINTS). Where the rule is a
    plain yes or no, all three are None. `level` is set where the limit is one of several accounts
    together, `hold_id` where it is a hold, `sold_to_account_id` where it is the status or a hold of
    who ordered what another account is billed for. `effect` None is from a server that does not
    say it.
    """

    code: ReasonCode
    unit: ReasonUnit | None = None
    observed: int | date | None = None
    threshold: int | date | None = None
    level: LimitLevel | None = None
    hold_id: str = ""
    effect: Effect | None = None
    sold_to_account_id: str = ""


class CreditLimit(msgspec.Struct, frozen=True):
    """Approved maximum exposure; make one with `of`, `unlimited`, `no_credit` or `inherit`.

    `amount_minor` is set for the kind AMOUNT alone; zero is an amount, never "unset".
    `valid_until` is the last day (UTC) on which the limit holds, None for no end.
    """

    kind: LimitKind
    amount_minor: int | None = None
    valid_until: date | None = None

    @classmethod
    def of(cls, amount_minor: int, *, valid_until: date | None = None) -> Self:
        """A limit of an amount in minor units, not negative."""
        return cls(LimitKind.AMOUNT, amount_minor, valid_until)

    @classmethod
    def unlimited(cls, *, valid_until: date | None = None) -> Self:
        """No maximum."""
        return cls(LimitKind.UNLIMITED, None, valid_until)

    @classmethod
    def no_credit(cls) -> Self:
        """Every order is declined with NO_CREDIT_LIMIT."""
        return cls(LimitKind.NO_CREDIT)

    @classmethod
    def inherit(cls) -> Self:
        """The default limit of the account's segment in the account's currency."""
        return cls(LimitKind.INHERIT)


class ItemError(msgspec.Struct, frozen=True):
    """Why one row of a bulk call was refused, as a value: the other rows are not affected.

    `code` is the name of a gRPC code, e.g. NOT_FOUND; `reason` the UPPER_SNAKE word to act upon;
    `field` the field at fault, empty where no single one is.
    """

    code: str
    reason: str
    field: str
    message: str


def decision_from(number: int) -> Decision:
    """Reads an enum value of the contract."""
    return _DECISION.read(number)


def reason_code_from(number: int) -> ReasonCode:
    """Reads an enum value of the contract."""
    return REASON_CODE.read(number)


def reason_from(message: common_pb2.Reason) -> Reason:
    """Reads a message of the contract."""
    code = REASON_CODE.read(message.code)
    effect = _EFFECT.read(message.effect) if message.effect else None
    if message.unit == common_pb2.REASON_UNIT_UNSPECIFIED:
        sold_to = message.sold_to_account_id
        return Reason(code, hold_id=message.hold_id, effect=effect, sold_to_account_id=sold_to)
    unit = _REASON_UNIT.read(message.unit)
    observed: int | date = message.observed
    threshold: int | date = message.threshold
    if unit is ReasonUnit.DATE:
        observed = _EPOCH + timedelta(days=message.observed)
        threshold = _EPOCH + timedelta(days=message.threshold)
    level = limit_level_or_none(message, "level")
    return Reason(code, unit, observed, threshold, level, effect=effect)


def limit_level_or_none(message: Message, field: str) -> LimitLevel | None:
    """Reads a field of the contract that may be absent."""
    if not message.HasField(field):
        return None
    return limit_level_from(getattr(message, field))


def limit_level_from(message: common_pb2.LimitLevel) -> LimitLevel:
    """Reads a message of the contract."""
    return LimitLevel(message.account_id, message.segment_id)


def limit_from(message: common_pb2.CreditLimit) -> CreditLimit:
    """Reads a message of the contract."""
    kind = _LIMIT_KIND.read(message.kind)
    amount = message.amount_minor if kind is LimitKind.AMOUNT else None
    return CreditLimit(kind, amount, date_or_none(message.valid_until))


def limit_message(limit: CreditLimit | None) -> common_pb2.CreditLimit | None:
    """Writes a message of the contract; None stays absent."""
    if limit is None:
        return None
    return common_pb2.CreditLimit(
        kind=_LIMIT_KIND.write(limit.kind),
        amount_minor=limit.amount_minor,
        valid_until=date_text(limit.valid_until),
    )


def item_error_from(message: common_pb2.ItemError) -> ItemError:
    """Reads a message of the contract."""
    return ItemError(
        _CODE_NAMES.get(message.code, "UNKNOWN"), message.reason, message.field, message.message
    )


_CODE_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}
