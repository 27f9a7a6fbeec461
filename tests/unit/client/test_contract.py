"""The client against the contract: no call, field or enum value is missing."""

import inspect
from collections.abc import Callable, Sequence
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from creditgate.client import (
    Account,
    AccountStatus,
    AccountUpsert,
    AdjustResult,
    Allocation,
    Calendar,
    CaptureResult,
    Case,
    CaseOrder,
    CaseStatus,
    Change,
    ChangesProgress,
    Checkpoint,
    CheckResult,
    Comment,
    ConfirmResult,
    CreditLimit,
    Cure,
    DateTable,
    DateTableRow,
    DayOfMonth,
    DayTable,
    DayTableRow,
    Decision,
    Delegation,
    DelegationResult,
    Discount,
    Effect,
    EndOfMonth,
    EntryKind,
    EntryOutcome,
    EntryRejection,
    EntryResult,
    ErasureResult,
    ExchangeRate,
    Hold,
    HoldKind,
    Instalment,
    InvoiceTerms,
    ItemError,
    LedgerEntry,
    LedgerSource,
    LimitApproval,
    LimitKind,
    LimitProposal,
    LimitSource,
    NetDays,
    NonWorkingDay,
    OrderCounting,
    OrderItem,
    OrderState,
    PastDecision,
    PendingAdjustments,
    PendingProposal,
    Policy,
    PolicyProblem,
    PolicyResult,
    PolicyStatus,
    Position,
    ProposalDecision,
    ProposalState,
    ProposedAdjustments,
    ProposeResult,
    Reason,
    ReasonCode,
    ReasonUnit,
    Reconciliation,
    ReconciliationResult,
    ReleaseResult,
    RemoveResult,
    Reservation,
    ReservationState,
    ReserveResult,
    RevalueResult,
    ReviewResult,
    RollingLimit,
    Segment,
    SetResult,
    Shadow,
    ShadowDifference,
    Signature,
    StatusResult,
    StreamProgress,
    TemporaryLimit,
    TemporaryLimitKind,
    Terms,
    TermsAssignment,
    TermsDiscount,
    TermsInstalment,
    TermsOf,
    TermsSource,
    UpsertOutcome,
    UpsertResult,
    Verification,
    VerificationRecord,
    Waiver,
)
from creditgate.client import _account as account_calls
from creditgate.client import _adjustments as adjustments_calls
from creditgate.client import _approval as approval_calls
from creditgate.client import _audit as audit_calls
from creditgate.client import _clock as clock_calls
from creditgate.client import _conditions as conditions_calls
from creditgate.client import _decision as decision_calls
from creditgate.client import _ledger as ledger_calls
from creditgate.client import _limits as limits_calls
from creditgate.client import _policy as policy_calls
from creditgate.client import _rates as rates_calls
from creditgate.client import _terms as terms_calls
from creditgate.client._wire import EnumCodec
from creditgate.v1 import (
    account_pb2,
    approval_pb2,
    audit_pb2,
    clock_pb2,
    common_pb2,
    conditions_pb2,
    decision_pb2,
    ledger_pb2,
    limits_pb2,
    policy_pb2,
    rates_pb2,
    terms_pb2,
    verification_pb2,
)

FILES = [
    (decision_pb2, decision_calls),
    (account_pb2, SimpleNamespace(**vars(account_calls) | vars(conditions_calls))),
    (ledger_pb2, SimpleNamespace(**vars(ledger_calls) | vars(adjustments_calls))),
    (limits_pb2, limits_calls),
    (terms_pb2, terms_calls),
    (policy_pb2, policy_calls),
    (approval_pb2, approval_calls),
    (rates_pb2, rates_calls),
    (clock_pb2, clock_calls),
    (audit_pb2, audit_calls),
]


def snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def calls() -> list[tuple[MethodDescriptor, Callable[..., Any]]]:
    found = []
    for messages, builders in FILES:
        for service in messages.DESCRIPTOR.services_by_name.values():
            found += [(method, getattr(builders, snake(method.name))) for method in service.methods]
    assert len(found) == 76
    return found


@pytest.mark.parametrize(("method", "build"), calls(), ids=lambda value: getattr(value, "name", ""))
def test_every_field_of_a_request_can_be_given(
    method: MethodDescriptor, build: Callable[..., Any]
) -> None:
    fields = {field.name for field in method.input_type.fields} - {"page_token"}
    given = set(inspect.signature(build).parameters) - {"timeout_s", "page_token"}
    streamed = {"entries", "items"} & fields if method.client_streaming else set()
    named = {"items"} if method.name == "BatchCheckAndReserve" else set()
    assert given | streamed | named == fields


STRUCTS: list[tuple[Any, type[msgspec.Struct], Sequence[str]]] = [
    (decision_pb2.CheckAndReserveResponse, ReserveResult, ["result"]),
    (decision_pb2.CheckResponse, CheckResult, ["result"]),
    (decision_pb2.AdjustResponse, AdjustResult, ["result"]),
    (decision_pb2.CaptureResponse, CaptureResult, ["result"]),
    (decision_pb2.ReleaseResponse, ReleaseResult, ["result"]),
    (decision_pb2.ConfirmResponse, ConfirmResult, ["result"]),
    (decision_pb2.GetDecisionResponse, PastDecision, ["result"]),
    (decision_pb2.Cure, Cure, []),
    (decision_pb2.Reservation, Reservation, []),
    (decision_pb2.OrderCounting, OrderCounting, []),
    (decision_pb2.CheckAndReserveRequest, OrderItem, []),
    (common_pb2.Reason, Reason, []),
    (common_pb2.CreditLimit, CreditLimit, []),
    (common_pb2.ItemError, ItemError, []),
    (account_pb2.Account, Account, []),
    (account_pb2.AccountUpsert, AccountUpsert, []),
    (account_pb2.Segment, Segment, []),
    (account_pb2.UpsertResult, UpsertResult, []),
    (account_pb2.Position, Position, []),
    (account_pb2.SuspendAccountResponse, StatusResult, []),
    (account_pb2.ReinstateAccountResponse, StatusResult, []),
    (account_pb2.CloseAccountResponse, StatusResult, []),
    (conditions_pb2.Hold, Hold, []),
    (conditions_pb2.TemporaryLimit, TemporaryLimit, []),
    (conditions_pb2.RollingLimit, RollingLimit, []),
    (account_pb2.PlaceHoldResponse, SetResult, []),
    (account_pb2.SetRollingLimitResponse, SetResult, []),
    (account_pb2.RemoveRollingLimitResponse, RemoveResult, []),
    (account_pb2.SetTemporaryLimitResponse, SetResult, []),
    (account_pb2.LiftHoldResponse, RemoveResult, []),
    (account_pb2.RemoveTemporaryLimitResponse, RemoveResult, []),
    (terms_pb2.NetDays, NetDays, []),
    (terms_pb2.EndOfMonth, EndOfMonth, []),
    (terms_pb2.DayOfMonth, DayOfMonth, []),
    (terms_pb2.DayTable, DayTable, []),
    (terms_pb2.DayTableRow, DayTableRow, []),
    (terms_pb2.DateTable, DateTable, []),
    (terms_pb2.DateTableRow, DateTableRow, []),
    (terms_pb2.TermsInstalment, TermsInstalment, []),
    (terms_pb2.TermsDiscount, TermsDiscount, []),
    (terms_pb2.Terms, Terms, []),
    (terms_pb2.Calendar, Calendar, []),
    (terms_pb2.TermsAssignment, TermsAssignment, []),
    (terms_pb2.GetTermsOfResponse, TermsOf, []),
    (terms_pb2.Instalment, Instalment, []),
    (terms_pb2.Discount, Discount, []),
    (terms_pb2.InvoiceTerms, InvoiceTerms, []),
    (ledger_pb2.LedgerEntry, LedgerEntry, []),
    (ledger_pb2.Allocation, Allocation, []),
    (ledger_pb2.EntryResult, EntryResult, []),
    (ledger_pb2.EntryRejection, EntryRejection, []),
    (ledger_pb2.StreamEntriesResponse, StreamProgress, []),
    (ledger_pb2.LedgerSource, LedgerSource, []),
    (ledger_pb2.Reconciliation, Reconciliation, []),
    (ledger_pb2.RecordReconciliationResponse, ReconciliationResult, []),
    (ledger_pb2.PendingAdjustments, PendingAdjustments, []),
    (ledger_pb2.ProposeAdjustmentsResponse, ProposedAdjustments, []),
    (ledger_pb2.ApproveAdjustmentsResponse, ProposalDecision, []),
    (ledger_pb2.RejectAdjustmentsResponse, ProposalDecision, []),
    (verification_pb2.Verification, Verification, []),
    (verification_pb2.LimitProposal, LimitProposal, []),
    (verification_pb2.LimitApproval, LimitApproval, []),
    (limits_pb2.VerificationRecord, VerificationRecord, []),
    (limits_pb2.PendingProposal, PendingProposal, []),
    (limits_pb2.ProposeLimitResponse, ProposeResult, []),
    (limits_pb2.ApproveProposalResponse, ProposalDecision, []),
    (limits_pb2.RejectProposalResponse, ProposalDecision, []),
    (policy_pb2.Policy, Policy, []),
    (policy_pb2.PolicyProblem, PolicyProblem, []),
    (policy_pb2.GetShadowResponse, Shadow, []),
    (policy_pb2.ShadowDifference, ShadowDifference, []),
    (policy_pb2.ShadowPolicyResponse, PolicyResult, []),
    (policy_pb2.PutPolicyResponse, PolicyResult, []),
    (policy_pb2.ActivatePolicyResponse, PolicyResult, []),
    (decision_pb2.WatchReservationResponse, OrderState, []),
    (approval_pb2.Case, Case, []),
    (approval_pb2.Waiver, Waiver, []),
    (approval_pb2.Signature, Signature, []),
    (approval_pb2.Comment, Comment, []),
    (approval_pb2.ReviewCaseResponse, ReviewResult, []),
    (approval_pb2.Delegation, Delegation, []),
    (approval_pb2.DelegateResponse, DelegationResult, []),
    (rates_pb2.ExchangeRate, ExchangeRate, []),
    (rates_pb2.RevalueReservationsResponse, RevalueResult, []),
    (audit_pb2.Change, Change, []),
    (audit_pb2.StreamChangesResponse, ChangesProgress, []),
    (audit_pb2.Checkpoint, Checkpoint, []),
    (audit_pb2.EraseTextsResponse, ErasureResult, []),
]


@pytest.mark.parametrize(("message", "struct", "unfolded"), STRUCTS)
def test_every_field_of_a_message_is_in_its_struct(
    message: Any, struct: type[msgspec.Struct], unfolded: Sequence[str]
) -> None:
    fields = {field.name for field in message.DESCRIPTOR.fields} - set(unfolded)
    if unfolded:
        fields |= {field.name for field in decision_pb2.DecisionResult.DESCRIPTOR.fields}
    assert set(struct.__struct_fields__) == fields


ENUMS: list[tuple[type[StrEnum], EnumTypeWrapper]] = [
    (Decision, common_pb2.Decision),
    (ReasonCode, common_pb2.ReasonCode),
    (ReasonUnit, common_pb2.ReasonUnit),
    (Effect, common_pb2.Effect),
    (PolicyStatus, policy_pb2.PolicyStatus),
    (CaseStatus, decision_pb2.CaseStatus),
    (CaseOrder, approval_pb2.CaseOrder),
    (LimitKind, common_pb2.LimitKind),
    (ReservationState, decision_pb2.ReservationState),
    (AccountStatus, account_pb2.AccountStatus),
    (LimitSource, account_pb2.LimitSource),
    (UpsertOutcome, account_pb2.UpsertOutcome),
    (HoldKind, conditions_pb2.HoldKind),
    (TemporaryLimitKind, conditions_pb2.TemporaryLimitKind),
    (ProposalState, verification_pb2.ProposalState),
    (NonWorkingDay, terms_pb2.NonWorkingDay),
    (TermsSource, terms_pb2.TermsSource),
    (EntryKind, ledger_pb2.EntryKind),
    (EntryOutcome, ledger_pb2.EntryOutcome),
]


@pytest.mark.parametrize(("enum", "wire"), ENUMS)
def test_enums_are_those_of_the_contract(enum: type[StrEnum], wire: EnumTypeWrapper) -> None:
    codec = EnumCodec(enum, wire)
    read = [codec.read(number) for number in sorted(wire.values()) if number]
    assert [enum("UNKNOWN"), *read] == list(enum)
    for member in read:
        assert wire.Value(codec.write(member)) in wire.values()
        assert codec.read(wire.Value(codec.write(member))) is member
    assert wire.Value(codec.write(None)) == 0


@pytest.mark.parametrize(("enum", "wire"), ENUMS)
def test_a_value_of_a_newer_server_is_unknown(enum: type[StrEnum], wire: EnumTypeWrapper) -> None:
    codec = EnumCodec(enum, wire)
    assert codec.read(999) is enum("UNKNOWN")
    assert codec.read(0) is enum("UNKNOWN")
