"""PolicyService: its calls, and what it answers."""

from datetime import datetime
from enum import StrEnum

import msgspec

from creditgate.client._common import Decision, ReasonCode, decision_from, reason_code_from
from creditgate.client._wire import (
    Call,
    EnumCodec,
    Lane,
    Listing,
    Page,
    method_path,
    new_request_id,
    time_or_none,
    unary,
)
from creditgate.v1 import policy_pb2 as pb

_SERVICE = pb.DESCRIPTOR.services_by_name["PolicyService"]


class PolicyStatus(StrEnum):
    """What became of a version: put and never activated, in force, in force once, or tried."""

    UNKNOWN = "UNKNOWN"
    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    RETIRED = "RETIRED"
    SHADOW = "SHADOW"


_STATUS = EnumCodec(PolicyStatus, pb.PolicyStatus)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the policy. Version 1 is the rules that are built in."""

    version: int
    status: PolicyStatus
    put_by: str
    put_time: datetime | None
    activated_by: str
    """Who activated it last; empty where nobody has."""
    activate_time: datetime | None
    text: str
    """TOML, as it was written; empty in a list."""


class PolicyProblem(msgspec.Struct, frozen=True):
    """One mistake in the text of a policy, by its line, from 1."""

    line: int
    message: str


class PolicyResult(msgspec.Struct, frozen=True, kw_only=True):
    """The version that was put or activated."""

    version: int
    journal_seq: int
    replayed: bool


class ShadowDifference(msgspec.Struct, frozen=True, kw_only=True):
    """Orders that the version that is tried would have ended otherwise in the same way."""

    was: Decision
    now: Decision
    rule: ReasonCode
    """The rule by which they differ: the first of the strongest in the stricter decision."""
    currency: str
    orders: int
    amount_minor: int
    """What they asked for together."""


class Shadow(msgspec.Struct, frozen=True, kw_only=True):
    """What a version that is tried beside the one in force would have decided otherwise."""

    version: int
    """0: none is tried."""
    since: datetime | None
    """Of the first order that both decided; None: there was none."""
    orders: int
    differences: tuple[ShadowDifference, ...]


def check_policy(text: str, *, timeout_s: float | None = None) -> Call[tuple[PolicyProblem, ...]]:
    """Everything that is wrong with a text, in order of its lines; empty: it may be put.

    At most 100 are listed. Changes nothing.
    """
    return unary(
        method_path(_SERVICE, "CheckPolicy"),
        pb.CheckPolicyRequest(text=text),
        pb.CheckPolicyResponse,
        lambda got: tuple(PolicyProblem(one.line, one.message) for one in got.problems),
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def put_policy(
    text: str,
    reason: str,
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[PolicyResult]:
    """Keeps a text as the next version, which does nothing until another person activates it.

    `reason` is for the audit trail. Raises InvalidRequestError (POLICY_INVALID) with a field
    violation for each mistake, as far as there is room; `check_policy` lists all.
    """
    return unary(
        method_path(_SERVICE, "PutPolicy"),
        pb.PutPolicyRequest(
            request_id=request_id or new_request_id(), text=text, reason=reason, channel=channel
        ),
        pb.PutPolicyResponse,
        _result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def activate_policy(
    version: int,
    reason: str,
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[PolicyResult]:
    """Brings a version into force from the very next order on.

    `reason` is for the audit trail. Raises NotFoundError (POLICY_NOT_FOUND) and PreconditionError
    (POLICY_NEEDS_SECOND for who put it, POLICY_IN_FORCE).
    """
    return unary(
        method_path(_SERVICE, "ActivatePolicy"),
        pb.ActivatePolicyRequest(
            request_id=request_id or new_request_id(),
            version=version,
            reason=reason,
            channel=channel,
        ),
        pb.ActivatePolicyResponse,
        _result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def shadow_policy(
    version: int,
    reason: str,
    *,
    channel: str = "",
    request_id: str | None = None,
    timeout_s: float | None = None,
) -> Call[PolicyResult]:
    """Tries a version beside the one in force: every order is decided under it too.

    Nothing comes of that but the figures of `get_shadow`. 0 ends it. `reason` is for the audit
    trail. Raises NotFoundError (POLICY_NOT_FOUND) and PreconditionError (POLICY_IN_FORCE).
    """
    return unary(
        method_path(_SERVICE, "ShadowPolicy"),
        pb.ShadowPolicyRequest(
            request_id=request_id or new_request_id(),
            version=version,
            reason=reason,
            channel=channel,
        ),
        pb.ShadowPolicyResponse,
        _result,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def get_shadow(*, timeout_s: float | None = None) -> Call[Shadow]:
    """What the version that is tried would have decided otherwise.

    Counted since it is tried, or since the server was started.
    """
    return unary(
        method_path(_SERVICE, "GetShadow"),
        pb.GetShadowRequest(),
        pb.GetShadowResponse,
        _shadow,
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def get_policy(version: int = 0, *, timeout_s: float | None = None) -> Call[Policy]:
    """A version with its text; 0 is the one in force. Raises NotFoundError (POLICY_NOT_FOUND)."""
    return unary(
        method_path(_SERVICE, "GetPolicy"),
        pb.GetPolicyRequest(version=version),
        pb.GetPolicyResponse,
        lambda got: _policy(got.policy),
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def list_policies(*, page_size: int = 0, timeout_s: float | None = None) -> Listing[Policy]:
    """All versions that were put, oldest first, without their texts.

    Read page by page as they are needed; `page_size` 0 is the server's 100, at most 1,000;
    `timeout_s` holds for one page.
    """

    def page(token: str) -> Call[Page[Policy]]:
        return unary(
            method_path(_SERVICE, "ListPolicies"),
            pb.ListPoliciesRequest(page_size=page_size, page_token=token),
            pb.ListPoliciesResponse,
            lambda got: Page([_policy(row) for row in got.policies], got.next_page_token),
            lane=Lane.DECISION,
            timeout_s=timeout_s,
        )

    return Listing(page)


def _policy(message: pb.Policy) -> Policy:
    return Policy(
        version=message.version,
        status=_STATUS.read(message.status),
        put_by=message.put_by,
        put_time=time_or_none(message, "put_time"),
        activated_by=message.activated_by,
        activate_time=time_or_none(message, "activate_time"),
        text=message.text,
    )


def _shadow(message: pb.GetShadowResponse) -> Shadow:
    return Shadow(
        version=message.version,
        since=time_or_none(message, "since"),
        orders=message.orders,
        differences=tuple(
            ShadowDifference(
                was=decision_from(row.was),
                now=decision_from(row.now),
                rule=reason_code_from(row.rule),
                currency=row.currency,
                orders=row.orders,
                amount_minor=row.amount_minor,
            )
            for row in message.differences
        ),
    )


def _result(
    message: pb.PutPolicyResponse | pb.ActivatePolicyResponse | pb.ShadowPolicyResponse,
) -> PolicyResult:
    return PolicyResult(
        version=message.version, journal_seq=message.journal_seq, replayed=message.replayed
    )
