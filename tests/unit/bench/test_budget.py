"""The judgement of `make budget`: what fails it, and which refusals are honest."""

from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from bench.locust.day import DAY, OWN_LINE_PHASE, SPIKE, phase_at
from bench.locust.judge import DECISION_CALLS, judge, percentile
from bench.locust.plot import svg
from bench.locust.refusals import DETAILS_KEY, fault_of
from bench.locust.samples import Sample, read, write

DAY_S = 100.0
METHOD = "/test/Refuse"

INFO = error_details_pb2.ErrorInfo(reason="QUEUE_FULL", domain="creditgate")
RETRY = error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(nanos=100_000_000))


def quick_day() -> list[Sample]:
    """100 calls of every kind in every phase, each answered in 5 ms."""
    begin, samples = 0.0, []
    for phase in DAY:
        for call in DECISION_CALLS:
            samples += [Sample(begin * DAY_S + 1, call, 5.0, "OK") for _ in range(100)]
        begin += phase.share
    return samples


def sent_in(phase_name: str) -> float:
    return next(s for s in range(int(DAY_S)) if phase_at(s / DAY_S).name == phase_name) + 1.0


def test_a_quick_day_keeps_the_budget_and_our_own_line() -> None:
    judgement = judge(quick_day(), DAY_S)
    assert not judgement.failures
    assert not judgement.own_line_missed
    assert len(judgement.figures) == len(DAY) * len(DECISION_CALLS)


@pytest.mark.parametrize("call", DECISION_CALLS)
def test_a_call_fails_when_its_p99_reaches_the_budget(call: str) -> None:
    def day(slow: int, latency_ms: float) -> list[Sample]:
        late = [Sample(sent_in(SPIKE.name), call, latency_ms, "OK") for _ in range(slow)]
        return quick_day() + late

    assert not judge(day(1, 5_000.0), DAY_S).failures, "one in a hundred"
    assert not judge(day(2, 199.9), DAY_S).failures
    assert judge(day(2, 200.0), DAY_S).failures == [
        f"{call} in {SPIKE.name}: p99 is 200.0 ms, must be below 200 ms"
    ]


def test_our_own_line_counts_in_its_phase_only_and_fails_nothing() -> None:
    for phase, missed in ((SPIKE.name, []), (OWN_LINE_PHASE.name, ["Adjust: p99 is 20.0 ms"])):
        late = [Sample(sent_in(phase), "Adjust", 20.0, "OK") for _ in range(2)]
        judgement = judge(quick_day() + late, DAY_S)
        assert not judgement.failures
        assert judgement.own_line_missed == missed


def test_a_dishonest_refusal_fails_whatever_the_call() -> None:
    sent_s = sent_in(OWN_LINE_PHASE.name)
    bulk = Sample(sent_s, "UpsertAccounts", 3.0, "INTERNAL", "INTERNAL: oh")
    honest = Sample(sent_s, "Release", 3.0, "RESOURCE_EXHAUSTED")
    judgement = judge([*quick_day(), bulk, honest], DAY_S)
    assert judgement.failures == [f"UpsertAccounts in {OWN_LINE_PHASE.name}: 1 times INTERNAL: oh"]
    assert [row.refused for row in judgement.figures if row.refused] == [1, 1]


def test_a_call_that_is_never_answered_fails() -> None:
    samples = [sample for sample in quick_day() if sample.call != "Check"]
    refused = [Sample(1.0, "Check", 1.0, "RESOURCE_EXHAUSTED")]
    assert judge(samples + refused, DAY_S).failures == ["Check: was never answered"]


def test_percentiles_are_by_nearest_rank() -> None:
    assert [percentile([1.0], p) for p in (50, 99)] == [1.0, 1.0]
    assert [percentile([float(n) for n in range(1, 101)], p) for p in (50, 99)] == [50.0, 99.0]
    assert percentile([float(n) for n in range(1, 103)], 99) == 101.0


def test_samples_come_back_as_they_were_written(tmp_path: Path) -> None:
    samples = [
        Sample(1.5, "Check", 2.25, "OK"),
        Sample(2.0, "Adjust", 9.0, "INTERNAL", 'a "b",\nc'),
    ]
    write(tmp_path / "samples.csv", samples)
    assert read(tmp_path / "samples.csv") == samples


def test_the_picture_has_both_lines_and_every_call() -> None:
    picture = svg(quick_day(), DAY_S)
    lines = ("200 ms: the budget", "20 ms: our own line", "what locust can ask for")
    for words in (*lines, *DECISION_CALLS):
        assert f">{words}</text>" in picture


@pytest.fixture
def refuse() -> Iterator[Callable[..., grpc.RpcError]]:
    """Has a server refuse a call with this code and these details; returns the caller's error."""
    with futures.ThreadPoolExecutor(1) as threads:
        wanted: list[tuple[grpc.StatusCode, bytes]] = []

        def abort(_: bytes, context: grpc.ServicerContext) -> bytes:
            code, status = wanted[-1]
            context.set_trailing_metadata(((DETAILS_KEY, status),) if status else ())
            context.abort(code, "refused")

        handler: Any = grpc.unary_unary_rpc_method_handler(abort)
        server = grpc.server(threads, options=[("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("test", {"Refuse": handler}),)
        )
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:

            def call(code: grpc.StatusCode, *details: object) -> grpc.RpcError:
                status = status_pb2.Status(code=code.value[0])
                for detail in details:
                    packed = any_pb2.Any()
                    packed.Pack(detail)  # type: ignore[arg-type]
                    status.details.append(packed)
                wanted.append((code, status.SerializeToString() if details else b""))
                method: Any = channel.unary_unary(METHOD)
                with pytest.raises(grpc.RpcError) as raised:
                    method(b"", timeout=30)
                return raised.value

            yield call
        server.stop(None).wait()


def test_a_refusal_is_honest_when_it_says_why_and_when_to_try_again(
    refuse: Callable[..., grpc.RpcError],
) -> None:
    full, gone = grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE
    assert fault_of(refuse(full, INFO, RETRY), deadline_is_over=False) == ""
    assert fault_of(refuse(gone, INFO, RETRY), deadline_is_over=False) == ""
    for details, missing in (
        ((), "ErrorInfo and RetryInfo"),
        ((INFO,), "RetryInfo"),
        ((INFO, error_details_pb2.RetryInfo()), "RetryInfo"),
        ((RETRY,), "ErrorInfo"),
        ((error_details_pb2.ErrorInfo(reason="X", domain="other"), RETRY), "ErrorInfo"),
    ):
        fault = fault_of(refuse(full, *details), deadline_is_over=False)
        assert fault == f"RESOURCE_EXHAUSTED without {missing}"


def test_a_deadline_is_honest_when_it_is_over_or_the_server_says_so(
    refuse: Callable[..., grpc.RpcError],
) -> None:
    late = grpc.StatusCode.DEADLINE_EXCEEDED
    passed = error_details_pb2.ErrorInfo(reason="DEADLINE_PASSED", domain="creditgate")
    assert fault_of(refuse(late, passed), deadline_is_over=False) == ""
    assert fault_of(refuse(late), deadline_is_over=True) == ""
    assert fault_of(refuse(late), deadline_is_over=False) == (
        "DEADLINE_EXCEEDED before the deadline"
    )


def test_any_other_error_is_no_refusal(refuse: Callable[..., grpc.RpcError]) -> None:
    error = refuse(grpc.StatusCode.INTERNAL, INFO, RETRY)
    assert fault_of(error, deadline_is_over=True) == "INTERNAL: refused"
