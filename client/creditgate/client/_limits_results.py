"""What an account's limit stands on, read from the messages of the contract."""

from datetime import date, datetime
from enum import StrEnum

import msgspec

from creditgate.client._common import CreditLimit, limit_from
from creditgate.client._wire import EnumCodec, Page, date_text, int_or_none, time_or_none
from creditgate.v1 import account_pb2, limits_pb2, verification_pb2
from creditgate.v1 import verification_pb2 as pb


class ProposalState(StrEnum):
    """What became of a proposed limit: somebody else has to approve it, or the policy has."""

    UNKNOWN = "UNKNOWN"
    PENDING = "PENDING"
    APPROVED = "APPROVED"


PROPOSAL_STATE = EnumCodec(ProposalState, verification_pb2.ProposalState)


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What a third party found out about a customer.

    `reference` is its name for it, unique per account. `score` is from 0 to 1,000,000, the higher,
    the better; None: it does not say. `document_sha256` is 64 hexadecimal digits, or empty.
    `recorded_by` and `record_time` are the server's: who recorded it, and when.
    """

    reference: str
    source: str
    date: date
    score: int | None = None
    document_sha256: str = ""
    recorded_by: str = ""
    record_time: datetime | None = None


class VerificationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A verification of one account."""

    account_id: str
    verification: Verification


class LimitProposal(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that waits for approval; `verification` is the reference that it stands on.

    `limit_then` is the account's own when it was proposed: it takes the place of that one alone.
    """

    proposal_id: str
    limit: CreditLimit
    verification: str
    proposed_by: str
    propose_time: datetime | None
    reason: str
    limit_then: CreditLimit


class LimitApproval(msgspec.Struct, frozen=True, kw_only=True):
    """On whose word a limit is in force: `approved_by`, or the policy's of itself."""

    approved_by: str
    by_policy: bool
    approve_time: datetime | None
    verification: str


class PendingProposal(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that waits, and the account's own as it is now."""

    account_id: str
    currency: str
    limit_now: CreditLimit
    proposal: LimitProposal


class ProposeResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a proposal: it waits, or its limit is in force."""

    proposal_id: str
    state: ProposalState
    journal_seq: int
    replayed: bool


class ProposalDecision(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal was approved or rejected."""

    journal_seq: int
    replayed: bool


def verification_from(message: pb.Verification) -> Verification:
    """Reads a message of the contract."""
    return Verification(
        reference=message.reference,
        source=message.source,
        date=date.fromisoformat(message.date),
        score=int_or_none(message, "score"),
        document_sha256=message.document_sha256,
        recorded_by=message.recorded_by,
        record_time=time_or_none(message, "record_time"),
    )


def record_message(row: VerificationRecord) -> limits_pb2.VerificationRecord:
    """Writes a message of the contract."""
    found = row.verification
    verification = pb.Verification(
        reference=found.reference,
        source=found.source,
        date=date_text(found.date),
        score=found.score,
        document_sha256=found.document_sha256,
    )
    return limits_pb2.VerificationRecord(account_id=row.account_id, verification=verification)


def proposal_from(message: pb.LimitProposal) -> LimitProposal:
    """Reads a message of the contract."""
    return LimitProposal(
        proposal_id=message.proposal_id,
        limit=limit_from(message.limit),
        verification=message.verification,
        proposed_by=message.proposed_by,
        propose_time=time_or_none(message, "propose_time"),
        reason=message.reason,
        limit_then=limit_from(message.limit_then),
    )


def approval_or_none(message: account_pb2.Account) -> LimitApproval | None:
    """Reads a field of the contract that may be absent."""
    if not message.HasField("limit_approval"):
        return None
    approval = message.limit_approval
    return LimitApproval(
        approved_by=approval.approved_by,
        by_policy=approval.by_policy,
        approve_time=time_or_none(approval, "approve_time"),
        verification=approval.verification,
    )


def propose_result(message: limits_pb2.ProposeLimitResponse) -> ProposeResult:
    """Reads a message of the contract."""
    return ProposeResult(
        proposal_id=message.proposal_id,
        state=PROPOSAL_STATE.read(message.state),
        journal_seq=message.journal_seq,
        replayed=message.replayed,
    )


def proposal_decision(
    message: limits_pb2.ApproveProposalResponse | limits_pb2.RejectProposalResponse,
) -> ProposalDecision:
    """Reads a message of the contract."""
    return ProposalDecision(journal_seq=message.journal_seq, replayed=message.replayed)


def proposal_page(message: limits_pb2.ListProposalsResponse) -> Page[PendingProposal]:
    """Reads a message of the contract."""
    rows = [
        PendingProposal(
            account_id=row.account_id,
            currency=row.currency,
            limit_now=limit_from(row.limit_now),
            proposal=proposal_from(row.proposal),
        )
        for row in message.proposals
    ]
    return Page(rows, message.next_page_token)
