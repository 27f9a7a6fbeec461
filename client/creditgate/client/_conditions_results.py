"""What stands beside an account's terms for a time, read from the messages of the contract."""

from datetime import date, datetime
from enum import StrEnum

import msgspec

from creditgate.client._wire import EnumCodec, int_or_none, time_or_none
from creditgate.v1 import account_pb2 as pb
from creditgate.v1 import conditions_pb2


class UpsertOutcome(StrEnum):
    """What became of one row; UNCHANGED: every field had this value already."""

    UNKNOWN = "UNKNOWN"
    CREATED = "CREATED"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"


class HoldKind(StrEnum):
    """Who holds an account: a person, a credit bureau, or a fraud signal."""

    UNKNOWN = "UNKNOWN"
    MANUAL = "MANUAL"
    BUREAU = "BUREAU"
    FRAUD = "FRAUD"


class TemporaryLimitKind(StrEnum):
    """What a temporary limit does: OVERRIDE stands in place of the limit, the others add to it."""

    UNKNOWN = "UNKNOWN"
    OVERRIDE = "OVERRIDE"
    INCREASE = "INCREASE"
    COLLATERAL = "COLLATERAL"
    INSURANCE = "INSURANCE"


OUTCOME = EnumCodec(UpsertOutcome, pb.UpsertOutcome)
HOLD_KIND = EnumCodec(HoldKind, conditions_pb2.HoldKind)
TEMPORARY_LIMIT_KIND = EnumCodec(TemporaryLimitKind, conditions_pb2.TemporaryLimitKind)


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """What refuses new orders of an account; `expire_time` None: until it is lifted."""

    hold_id: str
    kind: HoldKind
    source: str
    expire_time: datetime | None
    reason: str
    place_time: datetime | None


class TemporaryLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit from one day to another (UTC), both included, in minor units."""

    limit_id: str
    kind: TemporaryLimitKind
    amount_minor: int
    first_date: date
    last_date: date


class RollingLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A hard cap on exposure, and over how many whole days and today its average is taken.

    In minor units. `average_minor` is rounded up; None until so many days are recorded, and outside
    of positions.
    """

    hard_cap_minor: int
    days: int
    average_minor: int | None


class SetResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a hold or a limit that was set."""

    outcome: UpsertOutcome
    journal_seq: int
    replayed: bool


class RemoveResult(msgspec.Struct, frozen=True, kw_only=True):
    """A hold was lifted, or a limit removed."""

    journal_seq: int
    replayed: bool


def hold_from(message: conditions_pb2.Hold) -> Hold:
    """Reads a message of the contract."""
    return Hold(
        hold_id=message.hold_id,
        kind=HOLD_KIND.read(message.kind),
        source=message.source,
        expire_time=time_or_none(message, "expire_time"),
        reason=message.reason,
        place_time=time_or_none(message, "place_time"),
    )


def temporary_limit_from(message: conditions_pb2.TemporaryLimit) -> TemporaryLimit:
    """Reads a message of the contract."""
    return TemporaryLimit(
        limit_id=message.limit_id,
        kind=TEMPORARY_LIMIT_KIND.read(message.kind),
        amount_minor=message.amount_minor,
        first_date=date.fromisoformat(message.first_date),
        last_date=date.fromisoformat(message.last_date),
    )


def rolling_limit_or_none(message: pb.Account | pb.Position) -> RollingLimit | None:
    """Reads a field of the contract that may be absent."""
    if not message.HasField("rolling_limit"):
        return None
    limit = message.rolling_limit
    return RollingLimit(
        hard_cap_minor=limit.hard_cap_minor,
        days=limit.days,
        average_minor=int_or_none(limit, "average_minor"),
    )


def set_result(
    message: pb.PlaceHoldResponse | pb.SetTemporaryLimitResponse | pb.SetRollingLimitResponse,
) -> SetResult:
    """Reads a message of the contract."""
    return SetResult(
        outcome=OUTCOME.read(message.outcome),
        journal_seq=message.journal_seq,
        replayed=message.replayed,
    )


def remove_result(
    message: pb.LiftHoldResponse | pb.RemoveTemporaryLimitResponse | pb.RemoveRollingLimitResponse,
) -> RemoveResult:
    """Reads a message of the contract."""
    return RemoveResult(journal_seq=message.journal_seq, replayed=message.replayed)
