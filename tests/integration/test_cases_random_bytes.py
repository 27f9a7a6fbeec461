"""Random bytes as a request, on every method: a clear refusal or an answer, never a crash."""

import random
from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from creditgate.audit.books import Auditor
from creditgate.v1 import (
    account_pb2,
    approval_pb2,
    clock_pb2,
    decision_pb2,
    ledger_pb2,
    limits_pb2,
    policy_pb2,
    terms_pb2,
)
from tests.conftest import StartServer
from tests.support.api import APPROVED, TIMEOUT_S, Api, refusal

SEED = random.SystemRandom().getrandbits(32)
REQUESTS_PER_METHOD = 60
WAIT_S = 2.0
"""How long a watch may stay open that random bytes have begun by chance."""

METHODS: list[MethodDescriptor] = [
    method
    for module in (
        decision_pb2,
        account_pb2,
        ledger_pb2,
        clock_pb2,
        terms_pb2,
        policy_pb2,
        limits_pb2,
        approval_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]

CLEAR = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.PERMISSION_DENIED,
}


def random_field(chance: random.Random, field: Any) -> Any:
    """A value of the field's type; texts and numbers are often at an edge."""
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return random_message(chance, message_factory.GetMessageClass(field.message_type))
    if field.type == FieldDescriptor.TYPE_ENUM:
        return chance.choice([0, 1, 2, 3, 7, -1, 1 << 30])
    if field.type == FieldDescriptor.TYPE_STRING:
        return chance.choice(
            ["", "a", "o", "USD", "x" * 64, "x" * 65, "\0", "2024-02-30", "9" * 20]
        )
    if field.type == FieldDescriptor.TYPE_BOOL:
        return chance.random() < 0.5
    narrow = field.type in {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_UINT32}
    bits = 31 if narrow else 63
    edges = [0, 1, 2, 100, (1 << bits) - 1]
    if field.type not in {FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_UINT64}:
        edges += [-1, -(1 << bits)]
    return chance.choice(edges)


def random_message(chance: random.Random, kind: type[Message]) -> Message:
    """A message that protobuf can read, and that hardly ever makes sense."""
    message = kind()
    for field in kind.DESCRIPTOR.fields:
        if chance.random() < 0.3:
            continue
        if field.is_repeated:
            values = [random_field(chance, field) for _ in range(chance.randrange(4))]
            getattr(message, field.name).extend(values)
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            getattr(message, field.name).CopyFrom(random_field(chance, field))
        else:
            setattr(message, field.name, random_field(chance, field))
    return message


def requests(chance: random.Random, method: MethodDescriptor) -> Iterator[bytes]:
    """Noise, readable messages of no sense, and such messages with bytes changed or cut off."""
    kind = message_factory.GetMessageClass(method.input_type)
    yield b""
    for _ in range(REQUESTS_PER_METHOD // 3):
        yield chance.randbytes(chance.choice([1, 2, 7, 100, 10_000]))
        message = random_message(chance, kind).SerializeToString()
        yield message
        damaged = bytearray(message + b"\n")
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        yield bytes(damaged[: chance.randrange(1, len(damaged) + 1)])


def call(api: Api, method: MethodDescriptor, request: bytes) -> grpc.StatusCode:
    """Sends one request as bytes; says how it ended."""
    assert method.containing_service is not None
    path = f"/{method.containing_service.full_name}/{method.name}"
    channel: Any = api.channel  # bytes in, bytes out: its stubs do not know that
    try:
        if method.client_streaming:
            list(channel.stream_stream(path)(iter([request]), timeout=TIMEOUT_S))
        elif method.server_streaming:
            watch = channel.unary_stream(path)(request, timeout=WAIT_S)
            next(watch)
            watch.cancel()
        else:
            channel.unary_unary(path)(request, timeout=TIMEOUT_S)
    except grpc.RpcError as error:
        found = refusal(error)
        assert found.reason, f"no ErrorInfo with {found}"
        return found.code
    return grpc.StatusCode.OK


def test_random_bytes_on_every_method(start_server: StartServer) -> None:
    server = start_server(clock="manual")
    server.api.open_account("a", 1_000)
    chance = random.Random(SEED)
    for method in METHODS:
        codes = {}
        for request in requests(chance, method):
            code = call(server.api, method, request)
            assert code in CLEAR, f"{method.full_name} seed {SEED} {code} {request.hex()}"
            codes[code] = request
        assert grpc.StatusCode.INVALID_ARGUMENT in codes, f"{method.full_name} seed {SEED}"
    # It serves on, and what it wrote can be read.
    server.api.open_account("b", 1_000)
    assert server.api.reserve("b", "o", 10).result.decision == APPROVED
    assert server.terminate() == 0
    assert Auditor(server.store).advance().account("b").reserved == 10
