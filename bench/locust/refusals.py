"""Whether a call that was not answered was refused honestly."""

from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

DETAILS_KEY = "grpc-status-details-bin"
DOMAIN = "creditgate"

# Both say that nothing was decided and when to try again.
_WITH_DELAY = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)


def fault_of(error: grpc.RpcError, deadline_is_over: bool) -> str:
    """What is wrong with a refusal, or the empty string: it is honest.

    Honest are RESOURCE_EXHAUSTED and UNAVAILABLE that say why (ErrorInfo) and when to try again
    (RetryInfo), and DEADLINE_EXCEEDED that the server explains or the caller's clock bears out.
    """
    code = error.code()
    found = _details(error)
    if code in _WITH_DELAY:
        missing = {"ErrorInfo", "RetryInfo"} - found
        return f"{code.name} without {' and '.join(sorted(missing))}" if missing else ""
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        honest = deadline_is_over or "ErrorInfo" in found
        return "" if honest else "DEADLINE_EXCEEDED before the deadline"
    return f"{code.name}: {error.details()}"


def _details(error: grpc.RpcError) -> set[str]:
    """Which details the error has."""
    metadata: Any = error.trailing_metadata()
    for key, value in metadata or ():
        if key == DETAILS_KEY:
            status = status_pb2.Status.FromString(value)
            return {name for detail in status.details if (name := _name(detail))}
    return set()


def _name(detail: object) -> str:
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    if detail.Unpack(info):  # type: ignore[attr-defined]  # google.rpc has no types
        return "ErrorInfo" if info.reason and info.domain == DOMAIN else ""
    if detail.Unpack(retry):  # type: ignore[attr-defined]
        return "RetryInfo" if retry.retry_delay.ToNanoseconds() > 0 else ""
    return ""
