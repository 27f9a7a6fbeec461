"""The raw stubs of the contract, with short ways to write the requests that tests repeat."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Self, TypeVar
from uuid import uuid4

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from creditgate.v1 import account_pb2 as accounts_v1
from creditgate.v1 import clock_pb2 as clock_v1
from creditgate.v1 import common_pb2 as common_v1
from creditgate.v1 import decision_pb2 as decision_v1
from creditgate.v1 import ledger_pb2 as ledger_v1
from creditgate.v1 import terms_pb2 as terms_v1
from creditgate.v1.account_pb2_grpc import CreditAccountServiceStub
from creditgate.v1.audit_pb2_grpc import AuditServiceStub
from creditgate.v1.clock_pb2_grpc import ClockServiceStub
from creditgate.v1.decision_pb2_grpc import CreditDecisionServiceStub
from creditgate.v1.ledger_pb2_grpc import LedgerServiceStub
from creditgate.v1.terms_pb2_grpc import TermsServiceStub

TIMEOUT_S = 60
BULK_MAX = 1_000

APPROVED = common_v1.DECISION_APPROVED
PARTIALLY_APPROVED = common_v1.DECISION_PARTIALLY_APPROVED
REFERRED = common_v1.DECISION_REFERRED
DECLINED = common_v1.DECISION_DECLINED
INSUFFICIENT = common_v1.REASON_CODE_INSUFFICIENT_CREDIT

I64_MAX = (1 << 63) - 1


class Refused(NamedTuple):
    """How a call was refused: status, reason, and the fields that broke a rule."""

    code: grpc.StatusCode
    reason: str
    fields: tuple[str, ...] = ()


def details(error: grpc.RpcError) -> list[Message]:
    """The google.rpc details of an error, each as its own message."""
    assert isinstance(error, grpc.Call)
    metadata = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(metadata.get("grpc-status-details-bin", b""))
    known = (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo)
    found = []
    for packed in status.details:
        for kind in known:
            message = kind()
            if packed.Unpack(message):
                found.append(message)
    return found


def refused(call: Callable[[], object]) -> Refused:
    """Runs a call that must fail; says how it did. AssertionError when it succeeds."""
    try:
        answer = call()
    except grpc.RpcError as error:
        return refusal(error)
    raise AssertionError(f"must have been refused, but was answered: {answer}")


def refusal(error: grpc.RpcError) -> Refused:
    """What an error says."""
    assert isinstance(error, grpc.Call)
    reason, fields = "", ()
    for detail in details(error):
        if isinstance(detail, error_details_pb2.ErrorInfo):
            assert detail.domain == "creditgate"
            reason = detail.reason
        elif isinstance(detail, error_details_pb2.BadRequest):
            fields = tuple(violation.field for violation in detail.field_violations)
    return Refused(error.code(), reason, fields)


def retry_delay_s(error: grpc.RpcError) -> float | None:
    """After how long the server asks to be asked again; None when it does not say."""
    for detail in details(error):
        if isinstance(detail, error_details_pb2.RetryInfo):
            return float(detail.retry_delay.ToNanoseconds()) / 1e9
    return None


RowT = TypeVar("RowT")


def chunks(rows: Iterable[RowT]) -> Iterator[list[RowT]]:
    """The rows in lists that are as long as one bulk call may be."""
    remaining = iter(rows)
    while some := list(itertools.islice(remaining, BULK_MAX)):
        yield some


def amount_limit(amount_minor: int) -> common_v1.CreditLimit:
    """A limit of kind amount."""
    return common_v1.CreditLimit(kind=common_v1.LIMIT_KIND_AMOUNT, amount_minor=amount_minor)


class Api:
    """All stubs on one channel. Request ids are made up where none is given."""

    def __init__(self, address: str) -> None:
        self.channel = grpc.insecure_channel(
            address, options=[("grpc.max_send_message_length", -1)]
        )
        self.decisions = CreditDecisionServiceStub(self.channel)
        self.accounts = CreditAccountServiceStub(self.channel)
        self.ledger = LedgerServiceStub(self.channel)
        self.terms = TermsServiceStub(self.channel)
        self.clock = ClockServiceStub(self.channel)
        self.audit = AuditServiceStub(self.channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the channel."""
        self.channel.close()

    def _request_id(self) -> str:
        return f"made-up-{uuid4().hex}"

    def open_account(
        self, account_id: str, limit_minor: int | None = None, currency: str = "USD", **fields: Any
    ) -> None:
        """Create or change an account; AssertionError when that is refused."""
        if limit_minor is not None:
            fields["limit"] = amount_limit(limit_minor)
        self.upsert([accounts_v1.AccountUpsert(account_id=account_id, currency=currency, **fields)])

    def upsert(self, rows: Iterable[accounts_v1.AccountUpsert]) -> None:
        """Create or change accounts; AssertionError when any is refused."""
        for some in chunks(rows):
            request = accounts_v1.UpsertAccountsRequest(
                request_id=self._request_id(), accounts=some
            )
            for result in self.accounts.UpsertAccounts(request, timeout=TIMEOUT_S).results:
                assert not result.HasField("error"), result.error

    def set_terms(self, *rows: terms_v1.Terms) -> None:
        """Create or change payment terms; AssertionError when any is refused."""
        request = terms_v1.UpsertTermsRequest(request_id=self._request_id(), terms=rows)
        for result in self.terms.UpsertTerms(request, timeout=TIMEOUT_S).results:
            assert not result.HasField("error"), result.error

    def assign_terms(self, terms_id: str, **whose: str) -> None:
        """Assign payment terms; AssertionError when that is refused."""
        row = terms_v1.TermsAssignment(terms_id=terms_id, **whose)
        request = terms_v1.AssignTermsRequest(request_id=self._request_id(), assignments=[row])
        (result,) = self.terms.AssignTerms(request, timeout=TIMEOUT_S).results
        assert not result.HasField("error"), result.error

    def reserve(
        self, account_id: str, order_id: str, amount_minor: int, **fields: Any
    ) -> decision_v1.CheckAndReserveResponse:
        """CheckAndReserve, in USD."""
        request = self.order(account_id, order_id, amount_minor, **fields)
        answer: decision_v1.CheckAndReserveResponse = self.decisions.CheckAndReserve(
            request, timeout=TIMEOUT_S
        )
        return answer

    def order(
        self,
        account_id: str,
        order_id: str,
        amount_minor: int,
        *,
        request_id: str | None = None,
        currency: str = "USD",
        ttl_s: int | None = None,
        **fields: Any,
    ) -> decision_v1.CheckAndReserveRequest:
        """The request for an order."""
        return decision_v1.CheckAndReserveRequest(
            request_id=self._request_id() if request_id is None else request_id,
            account_id=account_id,
            order_id=order_id,
            amount_minor=amount_minor,
            currency=currency,
            ttl=None if ttl_s is None else Duration(seconds=ttl_s),
            **fields,
        )

    def adjust(
        self, account_id: str, order_id: str, total_minor: int, **fields: Any
    ) -> decision_v1.AdjustResponse:
        """Adjust an order to a new total."""
        fields.setdefault("request_id", self._request_id())
        request = decision_v1.AdjustRequest(
            account_id=account_id, order_id=order_id, total_amount_minor=total_minor, **fields
        )
        answer: decision_v1.AdjustResponse = self.decisions.Adjust(request, timeout=TIMEOUT_S)
        return answer

    def capture(
        self, account_id: str, order_id: str, invoice_id: str, **fields: Any
    ) -> decision_v1.CaptureResponse:
        """Capture all that is open of an order, or `amount_minor`."""
        fields.setdefault("request_id", self._request_id())
        request = decision_v1.CaptureRequest(
            account_id=account_id, order_id=order_id, invoice_id=invoice_id, **fields
        )
        answer: decision_v1.CaptureResponse = self.decisions.Capture(request, timeout=TIMEOUT_S)
        return answer

    def release(self, account_id: str, order_id: str, **fields: Any) -> decision_v1.ReleaseResponse:
        """Release all that is open of an order, or `amount_minor`."""
        fields.setdefault("request_id", self._request_id())
        request = decision_v1.ReleaseRequest(account_id=account_id, order_id=order_id, **fields)
        answer: decision_v1.ReleaseResponse = self.decisions.Release(request, timeout=TIMEOUT_S)
        return answer

    def batch(
        self,
        items: Iterable[decision_v1.CheckAndReserveRequest],
        *,
        all_or_none_id: str | None = None,
    ) -> list[decision_v1.BatchItemResult]:
        """BatchCheckAndReserve; all or none when that has a request id."""
        request = decision_v1.BatchCheckAndReserveRequest(
            request_id=all_or_none_id or "", all_or_none=all_or_none_id is not None, items=items
        )
        return list(self.decisions.BatchCheckAndReserve(request, timeout=TIMEOUT_S).results)

    def reservation(self, account_id: str, order_id: str) -> decision_v1.Reservation:
        """The latest reservation of an order."""
        request = decision_v1.GetReservationRequest(account_id=account_id, order_id=order_id)
        answer: decision_v1.GetReservationResponse = self.decisions.GetReservation(
            request, timeout=TIMEOUT_S
        )
        return answer.reservation

    def position(self, account_id: str) -> accounts_v1.Position:
        """Where an account stands."""
        request = accounts_v1.GetPositionRequest(account_id=account_id)
        answer: accounts_v1.GetPositionResponse = self.accounts.GetPosition(
            request, timeout=TIMEOUT_S
        )
        return answer.position

    def post(self, *entries: ledger_v1.LedgerEntry, source: str = "test") -> list[int]:
        """Post ledger entries; returns their outcomes. AssertionError when any is refused."""
        outcomes = []
        for some in chunks(entries):
            request = ledger_v1.PostEntriesRequest(source=source, entries=some)
            for result in self.ledger.PostEntries(request, timeout=TIMEOUT_S).results:
                assert not result.HasField("error"), result.error
                outcomes.append(result.outcome)
        return outcomes

    def set_time(self, seconds: int) -> None:
        """Set the manual clock, in seconds since 1970-01-01."""
        request = clock_v1.SetTimeRequest()
        request.time.FromSeconds(seconds)
        self.clock.SetTime(request, timeout=TIMEOUT_S)


def entry(
    entry_id: str, account_id: str, kind: str, amount_minor: int, **fields: Any
) -> ledger_v1.LedgerEntry:
    """A ledger entry; `kind` as in the contract without its prefix: "invoice", "payment"."""
    fields.setdefault("currency", "USD")
    return ledger_v1.LedgerEntry(
        entry_id=entry_id,
        account_id=account_id,
        kind=f"ENTRY_KIND_{kind.upper()}",
        amount_minor=amount_minor,
        **fields,
    )
