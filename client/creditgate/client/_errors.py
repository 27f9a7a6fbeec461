"""Everything that this package raises. The tree is drawn in `creditgate.client`."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import grpc
import msgspec
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

DETAILS_KEY = "grpc-status-details-bin"


class CreditgateError(Exception):
    """The root of the tree: catch it to catch all that this package raises on purpose."""


class MoneyError(CreditgateError, ValueError):
    """Text is not an exact amount of its currency, or the currency has no minor unit.

    The message names the value and the rule. Ask the person who typed it again.
    """


class ClientClosedError(CreditgateError):
    """The client was used after `close()` or outside of its `with` block. Make a new client."""


class FieldViolation(msgspec.Struct, frozen=True):
    """One field at fault: its path in the request, e.g. `amount_minor`, and what rule it broke."""

    field: str
    description: str
    reason: str = ""


class CallError(CreditgateError):
    """A call ended with a gRPC error. Raised as one of its subclasses.

    `reason` is the UPPER_SNAKE word to act upon, e.g. ORDER_ALREADY_RESERVED, empty when the error
    came from the transport and not from the service. `metadata` belongs to the reason.
    `retry_delay_s` is how long the server asks to wait, or None. `attempts` counts what was sent.
    `outcome_unknown` is true when the server may have carried the call out although no answer came:
    ask again with the same `request_id` to learn the answer that stands.
    """

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = code
        self.reason = ""
        self.metadata: dict[str, str] = {}
        self.field_violations: tuple[FieldViolation, ...] = ()
        self.retry_delay_s: float | None = None
        self.method = ""
        self.request_id = ""
        self.attempts = 1
        self.outcome_unknown = False

    def __str__(self) -> str:
        name = self.reason or self.status_code.name
        return f"{name}: {self.message}" if self.message else name


class InvalidRequestError(CallError):
    """A field of the request breaks its rule; nothing changed. `field_violations` names each one.

    A mistake of the caller: correct the request, do not repeat it.
    """


class NotFoundError(CallError):
    """The account, reservation or segment does not exist.

    ACCOUNT_NOT_FOUND, RESERVATION_NOT_FOUND, SEGMENT_NOT_FOUND. Create it, or correct the id.
    """


class ConflictError(CallError):
    """The id already stands for something else.

    REQUEST_ID_REUSED, ENTRY_ID_REUSED, ORDER_ALREADY_RESERVED, INVOICE_ALREADY_CAPTURED,
    INVOICE_ALREADY_POSTED. Look up what exists, e.g. with `get_reservation`, before going on.
    """


class PreconditionError(CallError):
    """The present state forbids it; nothing changed.

    E.g. BELOW_CAPTURED, NOTHING_OPEN, CURRENCY_MISMATCH. Read the state, then decide what to do.
    """


class OutOfRangeError(CallError):
    """A value would leave its range; nothing changed.

    EXPOSURE_OUT_OF_RANGE: a sum would; CLOCK_BACKWARDS: the manual clock would go back. Correct the
    value.
    """


class AccessError(CallError):
    """The caller is not known or not allowed to do this; nothing changed.

    CREDENTIAL_MISSING, CREDENTIAL_INVALID, CREDENTIAL_EXPIRED: check the token. ROLE_NOT_ALLOWED:
    `metadata` names role and method. CHANNEL_NOT_OWN: a point of sale named another channel, or an
    order that is not of its own. HOLD_NOT_OWN: a loader named a person's hold.
    """


class TransientError(CallError):
    """Worth asking again with the same `request_id`.

    The client has already done so as its retry policy says; what is raised is the last error.
    """


class OverloadedError(TransientError):
    """The server refused at once, for want of room. Never a word on credit.

    QUEUE_FULL, STORE_FULL, TOO_MANY_WATCHES; RATE_LIMITED and CONCURRENCY_LIMITED where this caller
    asks for more than it may. Nothing was decided. Wait at least `retry_delay_s`,
    then send the same request again. Without a `retry_delay_s` it is the transport that refused a
    message over the size limit: send less.
    """


class UnavailableError(TransientError):
    """The server cannot be reached, the connection broke, or it is shutting down (SHUTTING_DOWN).

    CANCELLED counts as this, because the client cancels nothing that is waited for: it is how gRPC
    ends a call that reaches a server in the moment in which that stops.

    Check address and server; see `outcome_unknown` before treating the order as undecided.
    """


class DeadlineExceededError(TransientError):
    """No answer came in time.

    DEADLINE_PASSED as the reason means that the server dropped the call undecided; otherwise
    `outcome_unknown` is true and the same request_id gives the answer.
    """


class ServerError(CallError):
    """The server failed (INTERNAL, UNKNOWN) or does not know the call (UNIMPLEMENTED).

    UNIMPLEMENTED is what the clock calls get from a server without `--clock manual`. Not retried:
    report it.
    """


_BY_CODE: dict[grpc.StatusCode, type[CallError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequestError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: ConflictError,
    grpc.StatusCode.FAILED_PRECONDITION: PreconditionError,
    grpc.StatusCode.OUT_OF_RANGE: OutOfRangeError,
    grpc.StatusCode.PERMISSION_DENIED: AccessError,
    grpc.StatusCode.UNAUTHENTICATED: AccessError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: OverloadedError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.CANCELLED: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceededError,
}


def error_from_status(code: grpc.StatusCode, message: str, details: bytes | None) -> CallError:
    """The error for a gRPC status; `details` is a serialized google.rpc.Status, where there is one.

    Details that cannot be read are ignored: the code alone must still reach the caller.
    """
    error = _BY_CODE.get(code, ServerError)(message, code=code)
    status = status_pb2.Status()
    with suppress(DecodeError):
        status.ParseFromString(details or b"")
        for detail in status.details:
            _note_detail(error, detail)
    error.outcome_unknown = _outcome_unknown(error)
    return error


def _outcome_unknown(error: CallError) -> bool:
    if isinstance(error, ServerError):
        return error.status_code is not grpc.StatusCode.UNIMPLEMENTED
    # An answer with a reason comes from the service itself, which did not carry the call out;
    # without one the transport speaks. It cannot tell whether the request arrived, unless there was
    # no connection at all; should gRPC word that otherwise one day, we are merely more careful.
    unsent = error.message.startswith("failed to connect to all addresses")
    return isinstance(error, TransientError) and not error.reason and not unsent


def _note_detail(error: CallError, detail: Any) -> None:
    """Puts what one of google.rpc's detail messages says on the error; others are ignored."""
    info = error_details_pb2.ErrorInfo()
    bad = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    if detail.Unpack(info):
        error.reason, error.metadata = info.reason, dict(info.metadata)
    elif detail.Unpack(bad):
        error.field_violations += tuple(
            FieldViolation(v.field, v.description, v.reason) for v in bad.field_violations
        )
    elif detail.Unpack(retry):
        error.retry_delay_s = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9


def details_in(trailing: Iterable[tuple[str, str | bytes]] | None) -> bytes | None:
    """The serialized google.rpc.Status among trailing metadata, if any."""
    for key, value in trailing or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            return value
    return None
