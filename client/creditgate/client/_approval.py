"""ApprovalService: orders that were referred, and those who sign them."""

from collections.abc import Sequence
from datetime import datetime

from creditgate.client._approval_results import (
    CASE_ORDER,
    Case,
    CaseOrder,
    Delegation,
    DelegationResult,
    ReviewResult,
    case_from,
    cases_page,
    delegation_from,
    delegation_result,
    review_result,
)
from creditgate.client._common import REASON_CODE, ReasonCode
from creditgate.client._decision_results import CASE_STATUS, CaseStatus
from creditgate.client._wire import (
    Call,
    Lane,
    Listing,
    Page,
    method_path,
    new_request_id,
    unary,
    zoned,
)
from creditgate.v1 import approval_pb2 as pb

_SERVICE = pb.DESCRIPTOR.services_by_name["ApprovalService"]


def list_cases(
    *,
    statuses: Sequence[CaseStatus] = (),
    account_id: str = "",
    signable_by: str = "",
    order: CaseOrder = CaseOrder.OLDEST,
    page_size: int = 0,
    timeout_s: float | None = None,
) -> Listing[Case]:
    """Cases, the oldest or the most urgent first, page by page (100 for 0, at most 1,000).

    `statuses` empty is any; `signable_by` a role leaves those that wait for its signature.
    """

    def page(token: str) -> Call[Page[Case]]:
        request = pb.ListCasesRequest(
            statuses=[CASE_STATUS.write(status) for status in statuses],
            account_id=account_id,
            signable_by=signable_by,
            order=CASE_ORDER.write(order),
            page_size=page_size,
            page_token=token,
        )
        return unary(
            method_path(_SERVICE, "ListCases"),
            request,
            pb.ListCasesResponse,
            cases_page,
            lane=Lane.BULK,
            timeout_s=timeout_s,
        )

    return Listing(page)


def get_case(case_id: str, *, timeout_s: float | None = None) -> Call[Case]:
    """One case. Raises NotFoundError (CASE_NOT_FOUND), also where it ended long ago."""
    return unary(
        method_path(_SERVICE, "GetCase"),
        pb.GetCaseRequest(case_id=case_id),
        pb.GetCaseResponse,
        lambda got: case_from(got.case),
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def claim_case(
    case_id: str,
    *,
    take_over: bool = False,
    comment: str = "",
    role: str = "",
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[ReviewResult]:
    """Says that the caller looks into it, from whoever does already where `take_over`.

    Raises PreconditionError (CASE_CLAIMED, CASE_ENDED).
    """
    request = pb.ClaimCaseRequest(
        request_id=request_id or new_request_id(),
        case_id=case_id,
        take_over=take_over,
        comment=comment,
        role=role,
        channel=channel,
    )
    return _review("ClaimCase", request, timeout_s)


def approve_case(
    case_id: str,
    waived_reasons: Sequence[ReasonCode],
    comment: str,
    *,
    amount_minor: int | None = None,
    expire_time: datetime | None = None,
    on_behalf_of: str = "",
    revision: int | None = None,
    role: str = "",
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[ReviewResult]:
    """Signs it: these reasons no longer stand in the way of its order.

    Up to `amount_minor`, in minor units of the account's currency, None for what the order is worth
    at this moment, and until `expire_time`, None for as long as
    the policy lets approvals hold. With the last signature the order is decided again and reserved
    where nothing else stands in its way. `revision` is that of the case as the signer saw it, None
    for whichever it is. `role` counts where the server takes callers at their word. Raises
    AccessError (SELF_APPROVAL, SIGNED_ALREADY, APPROVAL_NOT_AUTHORISED, NOT_DELEGATED),
    PreconditionError (CASE_ENDED, CASE_CHANGED, SIGNED_OTHERWISE), ValueError for an `expire_time`
    without a zone.
    """
    request = pb.ApproveCaseRequest(
        request_id=request_id or new_request_id(),
        case_id=case_id,
        waived_reasons=[REASON_CODE.write(code) for code in waived_reasons],
        amount_minor=amount_minor,
        expire_time=zoned("expire_time", expire_time),
        on_behalf_of=on_behalf_of,
        revision=revision,
        comment=comment,
        role=role,
        channel=channel,
    )
    return _review("ApproveCase", request, timeout_s)


def reject_case(
    case_id: str,
    comment: str,
    *,
    role: str = "",
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[ReviewResult]:
    """Says no. The order may be asked for again, in a new case."""
    request = pb.RejectCaseRequest(
        request_id=request_id or new_request_id(),
        case_id=case_id,
        comment=comment,
        role=role,
        channel=channel,
    )
    return _review("RejectCase", request, timeout_s)


def escalate_case(
    case_id: str,
    *,
    comment: str = "",
    role: str = "",
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[ReviewResult]:
    """Leaves it to those of the next band. Raises PreconditionError (NOTHING_ABOVE)."""
    request = pb.EscalateCaseRequest(
        request_id=request_id or new_request_id(),
        case_id=case_id,
        comment=comment,
        role=role,
        channel=channel,
    )
    return _review("EscalateCase", request, timeout_s)


def comment_on_case(
    case_id: str,
    comment: str = "",
    *,
    priority: int | None = None,
    role: str = "",
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[ReviewResult]:
    """Says something of it, or how urgent it is, from 0 to 9; also of one that has ended."""
    request = pb.CommentOnCaseRequest(
        request_id=request_id or new_request_id(),
        case_id=case_id,
        comment=comment,
        priority=priority,
        role=role,
        channel=channel,
    )
    return _review("CommentOnCase", request, timeout_s)


def delegate(
    to: str,
    reason: str,
    *,
    expire_time: datetime | None,
    start_time: datetime | None = None,
    delegator: str = "",
    role: str = "",
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[DelegationResult]:
    """Lets somebody sign with the caller's authority until `expire_time`; None: no longer.

    `start_time` None is now. A `delegator` other than the caller: somebody signs with that one's
    authority no longer, which finance and admin may say. Raises ValueError for times without a
    zone, NotFoundError (DELEGATION_NOT_FOUND) where there is nothing to end, AccessError
    (APPROVAL_NOT_AUTHORISED).
    """
    request = pb.DelegateRequest(
        request_id=request_id or new_request_id(),
        to=to,
        start_time=zoned("start_time", start_time),
        expire_time=zoned("expire_time", expire_time),
        reason=reason,
        delegator=delegator,
        role=role,
        channel=channel,
    )
    return unary(
        method_path(_SERVICE, "Delegate"),
        request,
        pb.DelegateResponse,
        delegation_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def list_delegations(*, timeout_s: float | None = None) -> Call[list[Delegation]]:
    """Who may sign in whose place, now or later."""
    return unary(
        method_path(_SERVICE, "ListDelegations"),
        pb.ListDelegationsRequest(),
        pb.ListDelegationsResponse,
        lambda got: [delegation_from(one) for one in got.delegations],
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


_Request = (
    pb.ClaimCaseRequest
    | pb.ApproveCaseRequest
    | pb.RejectCaseRequest
    | pb.EscalateCaseRequest
    | pb.CommentOnCaseRequest
)


def _review(method: str, request: _Request, timeout_s: float | None) -> Call[ReviewResult]:
    return unary(
        method_path(_SERVICE, method),
        request,
        pb.ReviewCaseResponse,
        review_result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )
