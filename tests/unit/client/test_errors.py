"""The tree of errors: from a gRPC status to the class, with all that the details say."""

import grpc
import pytest

import creditgate.client
from creditgate.client import (
    AccessError,
    CallError,
    Client,
    ConflictError,
    DeadlineExceededError,
    FieldViolation,
    InvalidRequestError,
    NotFoundError,
    OutOfRangeError,
    OverloadedError,
    PreconditionError,
    ServerError,
    TransientError,
    UnavailableError,
    _errors,
)
from creditgate.client._errors import CreditgateError, error_from_status
from tests.unit.client.scripted import Refusal, ScriptedServer

CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequestError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: ConflictError,
    grpc.StatusCode.FAILED_PRECONDITION: PreconditionError,
    grpc.StatusCode.OUT_OF_RANGE: OutOfRangeError,
    grpc.StatusCode.PERMISSION_DENIED: AccessError,
    grpc.StatusCode.UNAUTHENTICATED: AccessError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: OverloadedError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceededError,
    grpc.StatusCode.INTERNAL: ServerError,
    grpc.StatusCode.UNIMPLEMENTED: ServerError,
    grpc.StatusCode.ABORTED: ServerError,
    grpc.StatusCode.CANCELLED: UnavailableError,
    grpc.StatusCode.UNKNOWN: ServerError,
    grpc.StatusCode.DATA_LOSS: ServerError,
}


def test_every_code_but_ok_is_listed_here() -> None:
    assert set(CODES) == set(grpc.StatusCode) - {grpc.StatusCode.OK}


@pytest.mark.parametrize(("code", "kind"), CODES.items(), ids=str)
def test_each_code_has_its_class(code: grpc.StatusCode, kind: type[CallError]) -> None:
    error = error_from_status(code, "why", None)
    assert type(error) is kind
    assert error.status_code is code
    assert str(error) == f"{code.name}: why"


def test_details_arrive_over_a_socket(scripted: ScriptedServer) -> None:
    refusal = Refusal(
        grpc.StatusCode.INVALID_ARGUMENT,
        "amount_minor is 0: must be greater than zero",
        reason="FIELD_INVALID",
        fields=(("amount_minor", "must be greater than zero", "OUT_OF_RANGE"),),
    )
    scripted.answer("CheckAndReserve", refusal)
    with Client(scripted.address) as client, pytest.raises(InvalidRequestError) as caught:
        client.check_and_reserve("A-1", "O-1", 0, "USD", request_id="r-1", timeout_s=30)
    error = caught.value
    assert error.reason == "FIELD_INVALID"
    assert error.metadata == {"account_id": "A-1"}
    assert error.field_violations == (
        FieldViolation("amount_minor", "must be greater than zero", "OUT_OF_RANGE"),
    )
    assert error.request_id == "r-1"
    assert error.method == "/creditgate.v1.CreditDecisionService/CheckAndReserve"
    assert error.attempts == 1
    assert not error.outcome_unknown
    assert str(error) == "FIELD_INVALID: amount_minor is 0: must be greater than zero"


def test_the_retry_delay_is_read() -> None:
    refusal = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, reason="QUEUE_FULL", retry_delay_s=1.25)
    error = error_from_status(refusal.code, refusal.message, refusal.details())
    assert isinstance(error, OverloadedError)
    assert error.retry_delay_s == 1.25
    assert error.reason == "QUEUE_FULL"


@pytest.mark.parametrize("junk", [b"\xff\xff\xff", b"\x00", b"\x1a\x02\x0a"])
def test_details_that_cannot_be_read_do_not_hide_the_code(junk: bytes) -> None:
    error = error_from_status(grpc.StatusCode.NOT_FOUND, "gone", junk)
    assert isinstance(error, NotFoundError)
    assert error.message == "gone"


@pytest.mark.parametrize(
    ("code", "reason", "unknown"),
    [
        (grpc.StatusCode.UNAVAILABLE, "", True),
        (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", False),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "", True),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_PASSED", False),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL", False),
        (grpc.StatusCode.INTERNAL, "", True),
        (grpc.StatusCode.CANCELLED, "", True),
        (grpc.StatusCode.UNIMPLEMENTED, "", False),
        (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", False),
    ],
)
def test_whether_the_outcome_is_known(code: grpc.StatusCode, reason: str, unknown: bool) -> None:
    refusal = Refusal(code, reason=reason)
    assert error_from_status(code, "x", refusal.details()).outcome_unknown is unknown


def test_the_tree_drawn_is_the_tree() -> None:
    drawing = creditgate.client.__doc__ or ""
    drawn = [word for word in drawing.split() if word.endswith("Error")]
    found: list[str] = []

    def walk(kind: type[CreditgateError]) -> None:
        found.append(kind.__name__)
        for child in kind.__subclasses__():
            walk(child)

    walk(CreditgateError)
    assert [name for name in drawn if name in found] == [
        name for name in drawn if name != "ValueError"
    ]
    assert sorted(set(drawn) - {"ValueError"}) == sorted(found)
    assert issubclass(OverloadedError, TransientError)


def test_every_class_says_when_and_what_to_do() -> None:
    for name, kind in vars(_errors).items():
        if isinstance(kind, type) and issubclass(kind, CreditgateError):
            assert len(kind.__doc__ or "") > 40, name
