"""The public surface: what is exported, and nothing else."""

import inspect
import types

import creditgate.client
from creditgate.client import AsyncClient, Client, CreditgateError

EXPORTED = [
    "AccessError",
    "Account",
    "AccountStatus",
    "AccountUpsert",
    "AdjustResult",
    "Allocation",
    "AsyncClient",
    "Calendar",
    "CallError",
    "CaptureResult",
    "Case",
    "CaseOrder",
    "CaseStatus",
    "Change",
    "ChangesProgress",
    "CheckResult",
    "Checkpoint",
    "Client",
    "ClientClosedError",
    "ClientOptions",
    "Comment",
    "ConfirmResult",
    "ConflictError",
    "CreditLimit",
    "CreditgateError",
    "Cure",
    "DateTable",
    "DateTableRow",
    "DayOfMonth",
    "DayTable",
    "DayTableRow",
    "DeadlineExceededError",
    "Decision",
    "DecisionResult",
    "Delegation",
    "DelegationResult",
    "Discount",
    "DueRule",
    "Effect",
    "EndOfMonth",
    "EntryKind",
    "EntryOutcome",
    "EntryRejection",
    "EntryResult",
    "ErasureResult",
    "ExchangeRate",
    "FieldViolation",
    "Hold",
    "HoldKind",
    "Instalment",
    "InvalidRequestError",
    "InvoiceTerms",
    "ItemError",
    "LedgerEntry",
    "LedgerSource",
    "LimitApproval",
    "LimitKind",
    "LimitLevel",
    "LimitProposal",
    "LimitSource",
    "MoneyError",
    "NetDays",
    "NonWorkingDay",
    "NotFoundError",
    "OpenAccount",
    "OpenItem",
    "OrderCounting",
    "OrderItem",
    "OrderState",
    "OutOfRangeError",
    "OverloadedError",
    "PastDecision",
    "PendingAdjustments",
    "PendingProposal",
    "Policy",
    "PolicyProblem",
    "PolicyResult",
    "PolicyStatus",
    "Position",
    "PreconditionError",
    "ProposalDecision",
    "ProposalState",
    "ProposeResult",
    "ProposedAdjustments",
    "Reason",
    "ReasonCode",
    "ReasonUnit",
    "Reconciliation",
    "ReconciliationResult",
    "RecordChange",
    "ReleaseResult",
    "RemoveResult",
    "Reservation",
    "ReservationState",
    "ReserveResult",
    "RetryPolicy",
    "ReviewResult",
    "RevalueResult",
    "RollingLimit",
    "Segment",
    "SegmentPosition",
    "ServerError",
    "SetResult",
    "Shadow",
    "ShadowDifference",
    "SharedPosition",
    "Signature",
    "StatusResult",
    "StreamProgress",
    "TemporaryLimit",
    "TemporaryLimitKind",
    "Terms",
    "TermsAssignment",
    "TermsDiscount",
    "TermsInstalment",
    "TermsOf",
    "TermsSource",
    "Tls",
    "TransientError",
    "UnavailableError",
    "UpsertOutcome",
    "UpsertResult",
    "Verification",
    "VerificationRecord",
    "Waiver",
    "money",
    "terms",
]

METHODS = [
    "activate_policy",
    "adjust",
    "approve_adjustments",
    "approve_case",
    "approve_proposal",
    "assign_terms",
    "batch_check_and_reserve",
    "capture",
    "check",
    "check_and_reserve",
    "check_policy",
    "claim_case",
    "close",
    "close_account",
    "comment_on_case",
    "confirm",
    "delegate",
    "erase_texts",
    "escalate_case",
    "get_account",
    "get_case",
    "get_checkpoint",
    "get_decision",
    "get_policy",
    "get_position",
    "get_reservation",
    "get_shadow",
    "get_terms_of",
    "get_time",
    "lift_hold",
    "list_accounts",
    "list_adjustments",
    "list_calendars",
    "list_cases",
    "list_changes",
    "list_delegations",
    "list_open_items",
    "list_policies",
    "list_proposals",
    "list_rates",
    "list_reservations",
    "list_segments",
    "list_sources",
    "list_terms",
    "list_terms_assignments",
    "move_source",
    "place_hold",
    "post_entries",
    "propose_adjustments",
    "propose_limit",
    "put_policy",
    "quote_terms",
    "record_reconciliation",
    "record_verifications",
    "reinstate_account",
    "reject_adjustments",
    "reject_case",
    "reject_proposal",
    "release",
    "remove_rolling_limit",
    "remove_temporary_limit",
    "revalue_reservations",
    "set_rolling_limit",
    "set_temporary_limit",
    "set_time",
    "shadow_policy",
    "stream_changes",
    "stream_check_and_reserve",
    "stream_entries",
    "suspend_account",
    "upsert_accounts",
    "upsert_calendars",
    "upsert_rates",
    "upsert_segments",
    "upsert_terms",
    "watch_positions",
    "watch_reservation",
]


def test_exported_members() -> None:
    assert sorted(creditgate.client.__all__) == sorted(EXPORTED)
    public = {
        name
        for name, value in vars(creditgate.client).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public == set(EXPORTED) - {"money", "terms"}


def test_every_exported_member_is_documented() -> None:
    for name in EXPORTED:
        assert getattr(creditgate.client, name).__doc__, name


def test_classes_are_named_as_they_are_imported() -> None:
    for name in EXPORTED:
        member = getattr(creditgate.client, name)
        if isinstance(member, type):
            assert member.__module__ == "creditgate.client", name


def test_both_clients_have_the_same_methods_with_the_same_parameters() -> None:
    for client in (Client, AsyncClient):
        assert [name for name in sorted(vars(client)) if not name.startswith("_")] == METHODS
    for name in METHODS:
        if name == "close":
            continue
        ours, twin = getattr(Client, name), getattr(AsyncClient, name)
        assert ours.__doc__ == twin.__doc__
        assert ours.__name__ == twin.__name__ == name
        assert inspect.signature(ours).parameters == inspect.signature(twin).parameters


def test_help_shows_the_parameters_and_the_result() -> None:
    signature = inspect.signature(Client("127.0.0.1:1").check)
    assert list(signature.parameters) == [
        "account_id",
        "amount_minor",
        "currency",
        "allow_partial",
        "channel",
        "contract_id",
        "terms_id",
        "ship_date",
        "tax_minor",
        "freight_minor",
        "bill_to_account_id",
        "timeout_s",
    ]
    assert signature.return_annotation is creditgate.client.CheckResult


def test_all_errors_are_exported() -> None:
    def walk(kind: type[CreditgateError]) -> None:
        assert kind.__name__ in EXPORTED
        for child in kind.__subclasses__():
            walk(child)

    walk(CreditgateError)
