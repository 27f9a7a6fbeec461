"""What the server adds to the core: identity, sizes, health, reflection, metrics, log lines."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

from creditgate.client import (
    Allocation,
    Client,
    ClientOptions,
    EntryKind,
    EntryOutcome,
    LedgerEntry,
)
from creditgate.server import contract
from creditgate.server.config import Config
from creditgate.v1 import account_pb2, clock_pb2
from tests.conftest import StartServer
from tests.support.api import TIMEOUT_S, Api, Refused, refusal, refused, retry_delay_s
from tests.support.server import ServerProcess

AMOUNT_MINOR_MAX = 10**18
MESSAGE_BYTES_MAX = Config().message_size_max_bytes
BURSTS_MAX = 1_000
RESERVE = "/creditgate.v1.CreditDecisionService/CheckAndReserve"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("calls")
    options = {"clock": "manual", "log_level": "debug", "log_format": "json"}
    with ServerProcess(folder, **options) as process:
        yield process
        assert process.terminate() == 0


@pytest.fixture(scope="module")
def api(server: ServerProcess) -> Api:
    return server.api


def call_lines(server: ServerProcess) -> dict[str, dict[str, Any]]:
    """The log's lines of calls that had a request_id, by that; the last where there are many."""
    lines = [json.loads(line) for line in server.stderr_text().splitlines()]
    return {line["request_id"]: line for line in lines if "request_id" in line}


@pytest.mark.parametrize(
    "path",
    [
        method.path
        for method in contract.methods(contract.services(manual_clock=True))
        if not method.path.endswith(("/WatchPositions", "/StreamEntries", "/StreamCheckAndReserve"))
    ],
)
def test_every_unary_method_is_served_and_refuses_bytes_that_are_no_message(
    api: Api, path: str
) -> None:
    call: Any = api.channel.unary_unary(path)
    said = refused(lambda: call(b"\xff\xff\xff", timeout=TIMEOUT_S))
    assert said == Refused(grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_MALFORMED")


def test_an_unknown_method_is_unimplemented(api: Api) -> None:
    call: Any = api.channel.unary_unary("/creditgate.v1.LedgerService/Forget")
    assert refused(lambda: call(b"")).code is grpc.StatusCode.UNIMPLEMENTED


def reserve_as(api: Api, actor: str, request_id: str) -> None:
    request = api.order("a", f"order of {request_id}", 1, request_id=request_id)
    metadata = [("creditgate-actor", actor)]
    api.decisions.CheckAndReserve(request, metadata=metadata, timeout=TIMEOUT_S)


def test_who_calls_stands_in_the_metadata(server: ServerProcess, api: Api) -> None:
    api.open_account("a", 10_000)
    reserve_as(api, "till-7", "named")
    reserve_as(api, "x" * 64, "longest")
    api.reserve("a", "o", 1, request_id="unnamed")
    lines = call_lines(server)
    assert lines["named"]["actor"] == "till-7"
    assert lines["longest"]["actor"] == "x" * 64
    assert lines["unnamed"]["actor"] == "anonymous"
    assert refused(lambda: reserve_as(api, "x" * 65, "too long")) == Refused(
        grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", ("creditgate-actor",)
    )


def test_a_message_beyond_the_limit_is_refused(api: Api) -> None:
    code = refused(lambda: api.position("x" * MESSAGE_BYTES_MAX)).code
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    # The connection is as good as before, and all that fits reaches the core.
    assert refused(lambda: api.position("x" * (MESSAGE_BYTES_MAX - 100))) == Refused(
        grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", ("account_id",)
    )


def test_the_largest_call_of_the_contract_fits(server: ServerProcess, api: Api) -> None:
    def longest(name: str) -> str:
        return f"{name:x<64}"

    account_id = longest("account")
    api.open_account(account_id, 10_000)
    payments = [
        LedgerEntry(
            entry_id=longest(f"payment {number} "),
            account_id=account_id,
            kind=EntryKind.PAYMENT,
            amount_minor=AMOUNT_MINOR_MAX if number == 0 else 100,
            currency="USD",
            allocations=[
                Allocation(
                    invoice_id=longest(f"{number} {place} "),
                    amount_minor=AMOUNT_MINOR_MAX // 100 if number == 0 else 1,
                )
                for place in range(100)
            ],
        )
        for number in range(1_000)
    ]
    with Client(server.address, ClientOptions(bulk_timeout_s=TIMEOUT_S)) as client:
        results = client.post_entries("erp", payments)
    assert [result.outcome for result in results] == [EntryOutcome.POSTED] * 1_000
    assert api.position(account_id).outstanding_minor == -AMOUNT_MINOR_MAX - 99_900


def test_a_full_queue_refuses_and_says_when_to_come_again(start_server: StartServer) -> None:
    # What gRPC turns away before it reaches the queue has no reason.
    api = start_server(queue_depth_max=1, calls_waiting_max=10_000).api
    api.open_account("a", 1_000_000)
    approved, refusals = 0, []
    for burst in range(BURSTS_MAX):
        # All at once; the engine's thread takes one commit for what it finds.
        calls = [
            api.decisions.CheckAndReserve.future(
                api.order("a", f"{burst}-{number}", 1), timeout=TIMEOUT_S
            )
            for number in range(200)
        ]
        errors = [error for call in calls if (error := call.exception()) is not None]
        approved += len(calls) - len(errors)
        refusals += errors
        if refusals:
            break
    assert refusals, "no burst met a full queue"
    full = Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL")
    assert {(refusal(error), retry_delay_s(error)) for error in refusals} == {(full, 0.1)}
    assert api.position("a").reserved_minor == approved


def test_health_knows_every_service(api: Api) -> None:
    # Typed loosely: the package's type stubs do not know its methods.
    health: Any = health_pb2_grpc.HealthStub(api.channel)
    for service in ("", "grpc.health.v1.Health", *contract.services(manual_clock=True)):
        response = health.Check(health_pb2.HealthCheckRequest(service=service))
        assert response.status == health_pb2.HealthCheckResponse.SERVING, service
    unknown = health_pb2.HealthCheckRequest(service="creditgate.v2.Nothing")
    assert refused(lambda: health.Check(unknown)).code is grpc.StatusCode.NOT_FOUND


def test_reflection_lists_and_describes_every_service(api: Api) -> None:
    reflection: Any = reflection_pb2_grpc.ServerReflectionStub(api.channel)
    services = set(contract.services(manual_clock=True))
    listed, *described = reflection.ServerReflectionInfo(
        iter(
            [
                reflection_pb2.ServerReflectionRequest(list_services=""),
                *(
                    reflection_pb2.ServerReflectionRequest(file_containing_symbol=name)
                    for name in sorted(services)
                ),
            ]
        )
    )
    names = {service.name for service in listed.list_services_response.service}
    assert names == services | {
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    assert len(described) == len(services)
    for response in described:
        assert response.file_descriptor_response.file_descriptor_proto


def test_metrics_count_calls_by_method_and_code(server: ServerProcess, api: Api) -> None:
    def samples() -> dict[tuple[str, str], float]:
        url = f"http://{server.metrics_address}/metrics"
        with urllib.request.urlopen(url) as response:
            text = response.read().decode()
        return {
            (sample.name, sample.labels.get("code", "")): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.labels.get("method", RESERVE) == RESERVE and "le" not in sample.labels
        }

    api.open_account("metrics", 10_000)
    before = samples()
    api.reserve("metrics", "m1", 5)
    api.reserve("metrics", "m2", 5)
    refused(lambda: api.reserve("nobody", "m3", 5))
    after = samples()

    def growth(name: str, code: str = "") -> float:
        return after[name, code] - before.get((name, code), 0)

    assert growth("creditgate_server_calls_total", "OK") == 2
    assert growth("creditgate_server_calls_total", "NOT_FOUND") == 1
    assert growth("creditgate_server_call_seconds_count") == 3
    assert all(value > 0 for (name, code), value in after.items() if code), "only what happened"
    assert not [name for name, _ in after if name.endswith("_created")]
    assert after["creditgate_server_calls_in_flight", ""] == 0
    assert any(name.startswith("creditgate_core_") for name, _ in after)
    assert after["process_resident_memory_bytes", ""] > 0


def test_a_log_line_tells_what_became_of_a_call(server: ServerProcess, api: Api) -> None:
    request_ids = [f"log-{n}" for n in range(3)]
    api.accounts.SuspendAccount(
        account_pb2.SuspendAccountRequest(
            request_id=request_ids[0], account_id=opened(api, "logs"), reason="test"
        ),
        timeout=TIMEOUT_S,
    )
    api.reserve("logs", "l1", 5, request_id=request_ids[1])
    refused(lambda: api.reserve("nobody", "l2", 5, request_id=request_ids[2]))
    lines = call_lines(server)
    rare, usual, bad = (lines[request_id] for request_id in request_ids)
    assert (rare["level"], rare["code"]) == ("info", "OK")
    assert (usual["level"], usual["code"], usual["method"]) == ("debug", "OK", RESERVE)
    assert (bad["level"], bad["code"], bad["reason"]) == ("info", "NOT_FOUND", "ACCOUNT_NOT_FOUND")
    assert usual["duration_ms"] > 0
    assert usual["peer"].startswith("ipv4:127.0.0.1:")


def opened(api: Api, account_id: str) -> str:
    api.open_account(account_id, 10_000)
    return account_id


def test_the_manual_clock_is_served(api: Api) -> None:
    before = api.clock.GetTime(clock_pb2.GetTimeRequest()).time.ToSeconds()
    api.set_time(before + 86_400)
    assert api.clock.GetTime(clock_pb2.GetTimeRequest()).time.ToSeconds() == before + 86_400


def test_the_system_clock_is_not(start_server: StartServer) -> None:
    api = start_server().api
    said = refused(lambda: api.clock.GetTime(clock_pb2.GetTimeRequest()))
    assert said.code is grpc.StatusCode.UNIMPLEMENTED
