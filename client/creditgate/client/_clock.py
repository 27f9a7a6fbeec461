"""ClockService: its calls. Served only by a server that runs with `--clock manual`."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from creditgate.client._wire import Call, Lane, method_path, unary, zoned
from creditgate.v1 import clock_pb2 as pb

_SERVICE = pb.DESCRIPTOR.services_by_name["ClockService"]


def get_time(*, timeout_s: float | None = None) -> Call[datetime]:
    """The time by the server's manual clock. Raises ServerError (UNIMPLEMENTED) on any other."""
    return unary(
        method_path(_SERVICE, "GetTime"),
        pb.GetTimeRequest(),
        pb.GetTimeResponse,
        lambda got: _aware(got.time),
        lane=Lane.DECISION,
        timeout_s=timeout_s,
    )


def set_time(time: datetime, *, timeout_s: float | None = None) -> Call[datetime]:
    """Moves the manual clock forward; what expires by then has expired when this returns.

    Raises OutOfRangeError (CLOCK_BACKWARDS) for a time before the present one, and ValueError for a
    time without a zone.
    """
    return unary(
        method_path(_SERVICE, "SetTime"),
        pb.SetTimeRequest(time=zoned("time", time)),
        pb.SetTimeResponse,
        lambda got: _aware(got.time),
        lane=Lane.BULK,
        timeout_s=timeout_s,
    )


def _aware(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
