"""How a call that was not answered tells its caller why.

Every error carries a serialized google.rpc.Status in the trailing metadata, with one ErrorInfo of
domain `creditgate`. Most come ready-made from the core; the few that the server finds itself are
built here in the same form.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, Never

import grpc
from google.rpc import (
    code_pb2,
    error_details_pb2,
    status_pb2,
)

DETAILS_KEY: Final = "grpc-status-details-bin"
DOMAIN: Final = "creditgate"

# Short, because a decision's whole time is: another server may be there at once.
_SHUTTING_DOWN_RETRY_MS: Final = 100

STATUS_CODES: Final[Mapping[int, grpc.StatusCode]] = {
    code.value[0]: code for code in grpc.StatusCode
}


class CallError(Exception):
    """A call was refused: a gRPC status code and the serialized google.rpc.Status."""

    def __init__(self, code: int, status: bytes) -> None:
        super().__init__(code, status)
        self.code = code
        self.status = status

    @cached_property
    def parsed(self) -> status_pb2.Status:
        """The status as a message."""
        return status_pb2.Status.FromString(self.status)

    @property
    def retry_after_s(self) -> float | None:
        """When to ask again; None where it says that this would help nobody."""
        retry = error_details_pb2.RetryInfo()
        for detail in self.parsed.details:
            if self.code == code_pb2.RESOURCE_EXHAUSTED and detail.Unpack(retry):
                return float(retry.retry_delay.ToTimedelta().total_seconds())
        return None

    def reason(self) -> str:
        """The UPPER_SNAKE reason of its ErrorInfo; empty when there is none."""
        info = error_details_pb2.ErrorInfo()
        for detail in self.parsed.details:
            if detail.Unpack(info):
                reason: str = info.reason
                return reason
        return ""


def call_error(code: int, reason: str, message: str, *details: Any) -> CallError:
    """An error of the server's own. `details`: further messages beside the ErrorInfo."""
    status = status_pb2.Status(code=code, message=message)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN))
    for detail in details:
        status.details.add().Pack(detail)
    return CallError(code, status.SerializeToString())


def field_invalid(field: str, description: str) -> CallError:
    """INVALID_ARGUMENT, FIELD_INVALID for one field."""
    violation = error_details_pb2.BadRequest.FieldViolation(
        field=field, description=description, reason="FIELD_INVALID"
    )
    return call_error(
        code_pb2.INVALID_ARGUMENT,
        "FIELD_INVALID",
        f"{field}: {description}",
        error_details_pb2.BadRequest(field_violations=[violation]),
    )


def request_malformed(message_name: str) -> CallError:
    """INVALID_ARGUMENT, REQUEST_MALFORMED: the bytes are no such message."""
    return call_error(
        code_pb2.INVALID_ARGUMENT,
        "REQUEST_MALFORMED",
        f"the request is not a valid {message_name} message",
    )


def shutting_down() -> CallError:
    """UNAVAILABLE, SHUTTING_DOWN: ask again, another server or this one will be back."""
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromMilliseconds(_SHUTTING_DOWN_RETRY_MS)
    return call_error(code_pb2.UNAVAILABLE, "SHUTTING_DOWN", "the server is shutting down", retry)


async def abort(context: grpc.aio.ServicerContext[Any, Any], error: CallError) -> Never:
    """End the call with this error."""
    await context.abort(
        STATUS_CODES[error.code], error.parsed.message, ((DETAILS_KEY, error.status),)
    )
