"""LedgerService: adjustments under four eyes."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from creditgate.client._ledger import LedgerEntry, entry_message
from creditgate.client._limits_results import ProposalDecision
from creditgate.client._wire import (
    Call,
    Lane,
    Listing,
    Page,
    method_path,
    new_request_id,
    time_or_none,
    unary,
)
from creditgate.v1 import ledger_pb2 as pb

_SERVICE = pb.DESCRIPTOR.services_by_name["LedgerService"]


class ProposedAdjustments(msgspec.Struct, frozen=True, kw_only=True):
    """What a proposal of adjustments is known by."""

    adjustments_id: str
    journal_seq: int
    replayed: bool


class PendingAdjustments(msgspec.Struct, frozen=True, kw_only=True):
    """Adjustments that wait for a second person; why is in the entry that proposed them.

    `entries_sha256` is over the entries as they stand in a request, in hexadecimal digits.
    """

    adjustments_id: str
    source: str
    entry_count: int
    entries_sha256: str
    proposed_by: str
    propose_time: datetime | None


def propose_adjustments(
    source: str,
    entries: Sequence[LedgerEntry],
    reason: str,
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[ProposedAdjustments]:
    """Asks for 1 to 1,000 entries of kind ADJUSTMENT to be posted under `source`.

    The server keeps their digest alone: whoever approves them brings the same entries. `reason` is
    for that person. Raises PreconditionError (TOO_MANY_ADJUSTMENTS) while 1,000 proposals wait.
    """
    request = pb.ProposeAdjustmentsRequest(
        request_id=request_id or new_request_id(),
        source=source,
        entries=[entry_message(entry) for entry in entries],
        reason=reason,
        channel=channel,
    )
    return unary(
        method_path(_SERVICE, "ProposeAdjustments"),
        request,
        pb.ProposeAdjustmentsResponse,
        _proposed,
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )


def approve_adjustments(
    adjustments_id: str,
    entries: Sequence[LedgerEntry],
    reason: str = "",
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[ProposalDecision]:
    """Posts the entries of a proposal, all or none.

    Raises PreconditionError (OWN_ADJUSTMENTS) for whoever proposed them, or where the entries are
    others (ADJUSTMENTS_CHANGED), and NotFoundError (ADJUSTMENTS_NOT_FOUND) where they do not wait.
    An entry that cannot be posted is named in the error, and none is.
    """
    request = pb.ApproveAdjustmentsRequest(
        request_id=request_id or new_request_id(),
        adjustments_id=adjustments_id,
        entries=[entry_message(entry) for entry in entries],
        reason=reason,
        channel=channel,
    )
    return unary(
        method_path(_SERVICE, "ApproveAdjustments"),
        request,
        pb.ApproveAdjustmentsResponse,
        _decided,
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )


def reject_adjustments(
    adjustments_id: str,
    reason: str,
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[ProposalDecision]:
    """Turns a proposal of adjustments down; whoever made it may, too.

    Raises NotFoundError (ADJUSTMENTS_NOT_FOUND) for one that does not wait.
    """
    request = pb.RejectAdjustmentsRequest(
        request_id=request_id or new_request_id(),
        adjustments_id=adjustments_id,
        reason=reason,
        channel=channel,
    )
    return unary(
        method_path(_SERVICE, "RejectAdjustments"),
        request,
        pb.RejectAdjustmentsResponse,
        _decided,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def list_adjustments(
    *, page_size: int = 0, timeout_s: float | None = None
) -> Listing[PendingAdjustments]:
    """Every proposal of adjustments that waits, the oldest first.

    `page_size` 0 is the server's 100, at most 1,000; `timeout_s` holds for one page.
    """

    def page(token: str) -> Call[Page[PendingAdjustments]]:
        return unary(
            method_path(_SERVICE, "ListAdjustments"),
            pb.ListAdjustmentsRequest(page_size=page_size, page_token=token),
            pb.ListAdjustmentsResponse,
            lambda message: Page(
                [_pending(row) for row in message.adjustments], message.next_page_token
            ),
            lane=Lane.BULK,
            timeout_s=timeout_s,
        )

    return Listing(page)


def _proposed(message: pb.ProposeAdjustmentsResponse) -> ProposedAdjustments:
    return ProposedAdjustments(
        adjustments_id=message.adjustments_id,
        journal_seq=message.journal_seq,
        replayed=message.replayed,
    )


def _decided(
    message: pb.ApproveAdjustmentsResponse | pb.RejectAdjustmentsResponse,
) -> ProposalDecision:
    return ProposalDecision(journal_seq=message.journal_seq, replayed=message.replayed)


def _pending(row: pb.PendingAdjustments) -> PendingAdjustments:
    return PendingAdjustments(
        adjustments_id=row.adjustments_id,
        source=row.source,
        entry_count=row.entry_count,
        entries_sha256=row.entries_sha256,
        proposed_by=row.proposed_by,
        propose_time=time_or_none(row, "propose_time"),
    )
