"""CreditAccountService: holds, temporary and rolling limits."""

from datetime import date, datetime

from creditgate.client._conditions_results import (
    HOLD_KIND,
    TEMPORARY_LIMIT_KIND,
    HoldKind,
    RemoveResult,
    SetResult,
    TemporaryLimitKind,
    remove_result,
    set_result,
)
from creditgate.client._wire import (
    Call,
    Lane,
    date_text,
    method_path,
    new_request_id,
    unary,
    zoned,
)
from creditgate.v1 import account_pb2 as pb

_SERVICE = pb.DESCRIPTOR.services_by_name["CreditAccountService"]


def place_hold(
    account_id: str,
    hold_id: str,
    reason: str,
    *,
    kind: HoldKind = HoldKind.MANUAL,
    source: str = "",
    expire_time: datetime | None = None,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[SetResult]:
    """Refuses new exposure from the very next order on, until it is lifted or `expire_time`.

    A hold of the same id is replaced; an account has at most 16. `reason` is for the audit trail.
    Raises ValueError for an `expire_time` without a zone.
    """
    request = pb.PlaceHoldRequest(
        request_id=request_id or new_request_id(),
        account_id=account_id,
        hold_id=hold_id,
        kind=HOLD_KIND.write(kind),
        source=source,
        expire_time=zoned("expire_time", expire_time),
        reason=reason,
        channel=channel,
    )
    return unary(
        method_path(_SERVICE, "PlaceHold"),
        request,
        pb.PlaceHoldResponse,
        set_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def lift_hold(
    account_id: str,
    hold_id: str,
    reason: str,
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[RemoveResult]:
    """Ends a hold. `reason` is for the audit trail. Raises NotFoundError (HOLD_NOT_FOUND)."""
    request = pb.LiftHoldRequest(
        request_id=request_id or new_request_id(),
        account_id=account_id,
        hold_id=hold_id,
        reason=reason,
        channel=channel,
    )
    return unary(
        method_path(_SERVICE, "LiftHold"),
        request,
        pb.LiftHoldResponse,
        remove_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def set_temporary_limit(
    account_id: str,
    limit_id: str,
    kind: TemporaryLimitKind,
    amount_minor: int,
    reason: str,
    *,
    last_date: date,
    first_date: date | None = None,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[SetResult]:
    """Overrides an account's limit from one day (UTC) to another, or adds to it.

    `first_date` None is today. One of the same id is replaced; an account has at most 32, and one
    override on any day (PreconditionError, OVERRIDES_OVERLAP). `reason` is for the audit trail.
    """
    request = pb.SetTemporaryLimitRequest(
        request_id=request_id or new_request_id(),
        account_id=account_id,
        limit_id=limit_id,
        kind=TEMPORARY_LIMIT_KIND.write(kind),
        amount_minor=amount_minor,
        first_date=date_text(first_date),
        last_date=date_text(last_date),
        reason=reason,
        channel=channel,
    )
    return unary(
        method_path(_SERVICE, "SetTemporaryLimit"),
        request,
        pb.SetTemporaryLimitResponse,
        set_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def remove_temporary_limit(
    account_id: str,
    limit_id: str,
    reason: str,
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[RemoveResult]:
    """Ends a temporary limit, also one of days to come. `reason` is for the audit trail.

    Raises NotFoundError (TEMPORARY_LIMIT_NOT_FOUND).
    """
    request = pb.RemoveTemporaryLimitRequest(
        request_id=request_id or new_request_id(),
        account_id=account_id,
        limit_id=limit_id,
        reason=reason,
        channel=channel,
    )
    return unary(
        method_path(_SERVICE, "RemoveTemporaryLimit"),
        request,
        pb.RemoveTemporaryLimitResponse,
        remove_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def set_rolling_limit(
    account_id: str,
    hard_cap_minor: int,
    days: int,
    reason: str,
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[SetResult]:
    """Lets an account peak for a short time, up to a hard cap.

    Its average exposure over 1 to 366 whole days (UTC) and today is held against the limit of
    today; until so many days are recorded, from this call on, the limit stays the cap. `reason` is
    for the audit trail.
    """
    request = pb.SetRollingLimitRequest(
        request_id=request_id or new_request_id(),
        account_id=account_id,
        hard_cap_minor=hard_cap_minor,
        days=days,
        reason=reason,
        channel=channel,
    )
    return unary(
        method_path(_SERVICE, "SetRollingLimit"),
        request,
        pb.SetRollingLimitResponse,
        set_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def remove_rolling_limit(
    account_id: str,
    reason: str,
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[RemoveResult]:
    """Has the account's limit as its cap again. `reason` is for the audit trail.

    Raises NotFoundError (ROLLING_LIMIT_NOT_FOUND).
    """
    request = pb.RemoveRollingLimitRequest(
        request_id=request_id or new_request_id(),
        account_id=account_id,
        reason=reason,
        channel=channel,
    )
    return unary(
        method_path(_SERVICE, "RemoveRollingLimit"),
        request,
        pb.RemoveRollingLimitResponse,
        remove_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )
