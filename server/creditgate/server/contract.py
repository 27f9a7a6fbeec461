"""What the server reads out of the generated stubs.

Services, methods, and the field that names a request in the logs.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor, ServiceDescriptor

from creditgate.v1 import (
    account_pb2,
    approval_pb2,
    audit_pb2,
    clock_pb2,
    decision_pb2,
    ledger_pb2,
    limits_pb2,
    policy_pb2,
    rates_pb2,
    terms_pb2,
)

CLOCK_SERVICE: Final = clock_pb2.DESCRIPTOR.services_by_name["ClockService"].full_name

_COLD_METHODS: Final = frozenset(
    {
        "UpsertAccounts",
        "UpsertSegments",
        "RecordVerifications",
        "RecordReconciliation",
        "ProposeAdjustments",
        "ApproveAdjustments",
        "RejectAdjustments",
        "ProposeLimit",
        "ApproveProposal",
        "RejectProposal",
        "UpsertTerms",
        "UpsertCalendars",
        "AssignTerms",
        "UpsertRates",
        "RevalueReservations",
        "SuspendAccount",
        "ReinstateAccount",
        "CloseAccount",
        "PlaceHold",
        "LiftHold",
        "SetTemporaryLimit",
        "RemoveTemporaryLimit",
        "SetRollingLimit",
        "RemoveRollingLimit",
        "PutPolicy",
        "ActivatePolicy",
        "ShadowPolicy",
        "SetTime",
        "StreamCheckAndReserve",
        "StreamEntries",
        "WatchPositions",
        "WatchReservation",
        "ClaimCase",
        "ApproveCase",
        "RejectCase",
        "EscalateCase",
        "CommentOnCase",
        "Delegate",
        "StreamChanges",
        "EraseTexts",
    }
)


class Method(NamedTuple):
    """One method of the contract."""

    path: str
    """As gRPC names it: `/creditgate.v1.LedgerService/PostEntries`."""
    name_field: str
    """Field 1 of the request where that is a single string (`request_id`, `account_id`, ...): what
    a log line names the request by. Else empty."""
    cold: bool
    """Rare enough that a success deserves a log line."""


def services(*, manual_clock: bool) -> list[str]:
    """Full names of the services that are served."""
    return [
        service.full_name
        for service in _services()
        if manual_clock or service.full_name != CLOCK_SERVICE
    ]


def methods(service_names: list[str]) -> list[Method]:
    """All methods of these services."""
    return [
        Method(
            path=f"/{service.full_name}/{method.name}",
            name_field=_name_field(method),
            cold=method.name in _COLD_METHODS,
        )
        for service in _services()
        if service.full_name in service_names
        for method in service.methods
    ]


def _services() -> Iterator[ServiceDescriptor]:
    modules = (
        decision_pb2,
        account_pb2,
        limits_pb2,
        ledger_pb2,
        terms_pb2,
        policy_pb2,
        approval_pb2,
        rates_pb2,
        clock_pb2,
        audit_pb2,
    )
    for module in modules:
        yield from module.DESCRIPTOR.services_by_name.values()


def _name_field(method: MethodDescriptor) -> str:
    field = method.input_type.fields_by_number.get(1)
    if field is None or field.is_repeated or field.type != FieldDescriptor.TYPE_STRING:
        return ""
    return field.name


def leading_string(request: bytes) -> str:
    """Field 1 of a serialized message, when it is a string and stands first, as encoders put it.

    For log lines only: empty where it cannot be read cheaply. At most 64 bytes are looked at.
    """
    if len(request) < 2 or request[0] != 0x0A or request[1] > 64:
        return ""
    return request[2 : 2 + request[1]].decode("utf-8", errors="replace")
