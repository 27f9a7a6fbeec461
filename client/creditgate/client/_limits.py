"""LimitService: its calls."""

from collections.abc import Sequence

from creditgate.client._account_results import UpsertResult, upsert_results
from creditgate.client._common import CreditLimit, limit_message
from creditgate.client._limits_results import (
    PendingProposal,
    ProposalDecision,
    ProposeResult,
    VerificationRecord,
    proposal_decision,
    proposal_page,
    propose_result,
    record_message,
)
from creditgate.client._wire import (
    Call,
    Lane,
    Listing,
    Page,
    method_path,
    new_request_id,
    unary,
)
from creditgate.v1 import limits_pb2 as pb

_SERVICE = pb.DESCRIPTOR.services_by_name["LimitService"]


def record_verifications(
    verifications: Sequence[VerificationRecord],
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[tuple[UpsertResult, ...]]:
    """Keeps 1 to 1,000 verifications; one result for each, in their order.

    Rows stand alone. Of an account the latest 8 are kept, by their dates; an earlier one is
    UNCHANGED. One that is kept is never replaced (ALREADY_EXISTS, VERIFICATION_REUSED).
    """
    rows = [record_message(row) for row in verifications]
    return unary(
        method_path(_SERVICE, "RecordVerifications"),
        pb.RecordVerificationsRequest(
            request_id=request_id or new_request_id(), verifications=rows, channel=channel
        ),
        pb.RecordVerificationsResponse,
        upsert_results,
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )


def propose_limit(
    account_id: str,
    limit: CreditLimit,
    reason: str,
    *,
    verification: str = "",
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[ProposeResult]:
    """Proposes a limit: in force at once where the policy approves it, else somebody else has to.

    `verification` is the reference of the one that it stands on. Takes the place of what the same
    caller has waiting for the account. `reason` is for whoever approves it.
    """
    request = pb.ProposeLimitRequest(
        request_id=request_id or new_request_id(),
        account_id=account_id,
        limit=limit_message(limit),
        verification=verification,
        reason=reason,
        channel=channel,
    )
    return unary(
        method_path(_SERVICE, "ProposeLimit"),
        request,
        pb.ProposeLimitResponse,
        propose_result,
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )


def approve_proposal(
    account_id: str,
    proposal_id: str,
    reason: str = "",
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[ProposalDecision]:
    """Puts a proposed limit into force.

    Raises PreconditionError (OWN_PROPOSAL) for whoever proposed it, and NotFoundError
    (PROPOSAL_NOT_FOUND) for one that does not wait.
    """
    request = pb.ApproveProposalRequest(
        request_id=request_id or new_request_id(),
        account_id=account_id,
        proposal_id=proposal_id,
        reason=reason,
        channel=channel,
    )
    return unary(
        method_path(_SERVICE, "ApproveProposal"),
        request,
        pb.ApproveProposalResponse,
        proposal_decision,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def reject_proposal(
    account_id: str,
    proposal_id: str,
    reason: str,
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[ProposalDecision]:
    """Turns a proposed limit down; whoever proposed it may, too.

    Raises NotFoundError (PROPOSAL_NOT_FOUND) for one that does not wait.
    """
    request = pb.RejectProposalRequest(
        request_id=request_id or new_request_id(),
        account_id=account_id,
        proposal_id=proposal_id,
        reason=reason,
        channel=channel,
    )
    return unary(
        method_path(_SERVICE, "RejectProposal"),
        request,
        pb.RejectProposalResponse,
        proposal_decision,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def list_proposals(
    account_id: str = "", *, page_size: int = 0, timeout_s: float | None = None
) -> Listing[PendingProposal]:
    """Every limit that waits, the oldest first: of an account, or of all.

    `page_size` 0 is the server's 100, at most 1,000; `timeout_s` holds for one page.
    """

    def page(token: str) -> Call[Page[PendingProposal]]:
        request = pb.ListProposalsRequest(
            account_id=account_id, page_size=page_size, page_token=token
        )
        return unary(
            method_path(_SERVICE, "ListProposals"),
            request,
            pb.ListProposalsResponse,
            proposal_page,
            lane=Lane.BULK,
            timeout_s=timeout_s,
        )

    return Listing(page)
