"""CreditAccountService: its calls."""

from collections.abc import Sequence

from creditgate.client._account_results import (
    STATUS,
    Account,
    AccountStatus,
    AccountUpsert,
    Position,
    Segment,
    SegmentPosition,
    StatusResult,
    UpsertResult,
    account_from,
    account_page,
    position_from,
    segment_page,
    status_result,
    upsert_results,
)
from creditgate.client._common import limit_message
from creditgate.client._wire import (
    Call,
    Lane,
    Listing,
    Page,
    Watch,
    method_path,
    new_request_id,
    parser,
    unary,
)
from creditgate.v1 import account_pb2 as pb

_SERVICE = pb.DESCRIPTOR.services_by_name["CreditAccountService"]


def upsert_accounts(
    accounts: Sequence[AccountUpsert],
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[tuple[UpsertResult, ...]]:
    """Creates 1 to 1,000 accounts or changes the fields given; one result for each, in their order.

    Rows stand alone: a bad row is refused in its result and the others take effect.
    """
    rows = [
        pb.AccountUpsert(
            account_id=row.account_id,
            display_name=row.display_name,
            currency=row.currency,
            parent_account_id=row.parent_account_id,
            segment_id=row.segment_id,
            limit=limit_message(row.limit),
            max_order_amount_minor=row.max_order_amount_minor,
            shared_limit=limit_message(row.shared_limit),
        )
        for row in accounts
    ]
    return unary(
        method_path(_SERVICE, "UpsertAccounts"),
        pb.UpsertAccountsRequest(
            request_id=request_id or new_request_id(), accounts=rows, channel=channel
        ),
        pb.UpsertAccountsResponse,
        upsert_results,
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )


def upsert_segments(
    segments: Sequence[Segment],
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[tuple[UpsertResult, ...]]:
    """Creates segments, or changes default limits and caps; a row for each segment and currency.

    1 to 1,000 rows, which stand alone; one result for each, in their order.
    """
    rows = [
        pb.Segment(
            segment_id=row.segment_id,
            currency=row.currency,
            default_limit=limit_message(row.default_limit),
            cap=limit_message(row.cap),
        )
        for row in segments
    ]
    return unary(
        method_path(_SERVICE, "UpsertSegments"),
        pb.UpsertSegmentsRequest(
            request_id=request_id or new_request_id(), segments=rows, channel=channel
        ),
        pb.UpsertSegmentsResponse,
        upsert_results,
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )


def get_account(account_id: str, *, timeout_s: float | None = None) -> Call[Account]:
    """An account's master data. Raises NotFoundError (ACCOUNT_NOT_FOUND)."""
    return unary(
        method_path(_SERVICE, "GetAccount"),
        pb.GetAccountRequest(account_id=account_id),
        pb.GetAccountResponse,
        lambda got: account_from(got.account),
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def list_accounts(
    *,
    account_id_prefix: str = "",
    segment_id: str = "",
    parent_account_id: str = "",
    currency: str = "",
    status: AccountStatus | None = None,
    page_size: int = 0,
    timeout_s: float | None = None,
) -> Listing[Account]:
    """Every account that the filters let through, oldest first, read page by page as it is needed.

    `page_size` 0 is the server's 100, at most 1,000; `timeout_s` holds for one page.
    """

    def page(token: str) -> Call[Page[Account]]:
        request = pb.ListAccountsRequest(
            account_id_prefix=account_id_prefix,
            segment_id=segment_id,
            parent_account_id=parent_account_id,
            currency=currency,
            status=STATUS.write(status),
            page_size=page_size,
            page_token=token,
        )
        return unary(
            method_path(_SERVICE, "ListAccounts"),
            request,
            pb.ListAccountsResponse,
            account_page,
            lane=Lane.BULK,
            timeout_s=timeout_s,
        )

    return Listing(page)


def list_segments(
    *, page_size: int = 0, timeout_s: float | None = None
) -> Listing[SegmentPosition]:
    """Every segment, oldest first, once for each currency in which it has a default limit or a cap.

    Read page by page as it is needed: `page_size` 0 is the server's 100 segments, at most 1,000;
    `timeout_s` holds for one page.
    """

    def page(token: str) -> Call[Page[SegmentPosition]]:
        return unary(
            method_path(_SERVICE, "ListSegments"),
            pb.ListSegmentsRequest(page_size=page_size, page_token=token),
            pb.ListSegmentsResponse,
            segment_page,
            lane=Lane.DECISION,
            timeout_s=timeout_s,
        )

    return Listing(page)


def get_position(account_id: str, *, timeout_s: float | None = None) -> Call[Position]:
    """Where an account stands now. Raises NotFoundError (ACCOUNT_NOT_FOUND)."""
    return unary(
        method_path(_SERVICE, "GetPosition"),
        pb.GetPositionRequest(account_id=account_id),
        pb.GetPositionResponse,
        lambda got: position_from(got.position),
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def watch_positions(
    account_ids: Sequence[str], *, timeout_s: float | None = None
) -> Watch[Position]:
    """The position of each of 1 to 1,000 accounts now, then again after every change.

    That is a change at the account, or at one below it; what others take of a limit that they have
    together, and a new shared limit or parent of an account above, is told with its next. A reader
    slower than the changes gets only the newest. The stream has no end of its own; when it breaks
    (UnavailableError), begin again: it starts with the present positions.
    """
    return Watch(
        method_path(_SERVICE, "WatchPositions"),
        pb.WatchPositionsRequest(account_ids=account_ids).SerializeToString(),
        parser(pb.WatchPositionsResponse, lambda got: position_from(got.position)),
        timeout_s,
    )


def suspend_account(
    account_id: str,
    reason: str,
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[StatusResult]:
    """Refuses new exposure from now on; open reservations stay, but are not confirmed.

    `reason` is for the audit trail.
    """
    request = pb.SuspendAccountRequest(
        request_id=request_id or new_request_id(),
        account_id=account_id,
        reason=reason,
        channel=channel,
    )
    return unary(
        method_path(_SERVICE, "SuspendAccount"),
        request,
        pb.SuspendAccountResponse,
        status_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def reinstate_account(
    account_id: str,
    reason: str,
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[StatusResult]:
    """Takes back a suspension or a closing. `reason` is for the audit trail."""
    request = pb.ReinstateAccountRequest(
        request_id=request_id or new_request_id(),
        account_id=account_id,
        reason=reason,
        channel=channel,
    )
    return unary(
        method_path(_SERVICE, "ReinstateAccount"),
        request,
        pb.ReinstateAccountResponse,
        status_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def close_account(
    account_id: str,
    reason: str,
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[StatusResult]:
    """Like a suspension, for good: the customer has left. `reason` is for the audit trail."""
    request = pb.CloseAccountRequest(
        request_id=request_id or new_request_id(),
        account_id=account_id,
        reason=reason,
        channel=channel,
    )
    return unary(
        method_path(_SERVICE, "CloseAccount"),
        request,
        pb.CloseAccountResponse,
        status_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )
