"""The core as the server uses it, without a server: threads, tickets, one descriptor."""

import select
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from creditgate.core import METHODS, Core, StoreError
from creditgate.v1 import account_pb2, common_pb2, decision_pb2
from tests.support.api import Refused, amount_limit

RESERVE = METHODS["/creditgate.v1.CreditDecisionService/CheckAndReserve"]
POSITION = METHODS["/creditgate.v1.CreditAccountService/GetPosition"]
UPSERT = METHODS["/creditgate.v1.CreditAccountService/UpsertAccounts"]
WATCH = METHODS["/creditgate.v1.CreditAccountService/WatchPositions"]

PATIENCE_S = 60
FLOOD_MAX = 100_000


class Finished(NamedTuple):
    """One answer of the core."""

    ticket: int
    code: int
    payload: bytes

    def details(self) -> tuple[Refused, float | None]:
        """Of a refusal: what it was, and after how long to ask again."""
        status = status_pb2.Status.FromString(self.payload)
        assert status.code == self.code
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        retry, delay_s = error_details_pb2.RetryInfo(), None
        fields: tuple[str, ...] = ()
        for detail in status.details:
            detail.Unpack(info)
            if detail.Unpack(bad):
                fields = tuple(violation.field for violation in bad.field_violations)
            if detail.Unpack(retry):
                delay_s = retry.retry_delay.ToNanoseconds() / 1e9
        code = next(code for code in grpc.StatusCode if code.value[0] == self.code)
        return Refused(code, info.reason, fields), delay_s

    def refused(self) -> Refused:
        """Of a refusal: what it was."""
        return self.details()[0]


def order(name: str, amount_minor: int = 1) -> bytes:
    return decision_pb2.CheckAndReserveRequest(
        request_id=f"r-{name}",
        account_id="a",
        order_id=f"o-{name}",
        amount_minor=amount_minor,
        currency="USD",
    ).SerializeToString()


def watch_request() -> bytes:
    return account_pb2.WatchPositionsRequest(account_ids=["a"]).SerializeToString()


def watched(finished: Finished) -> int:
    """What a watch says is reserved."""
    assert finished.code == 0
    return account_pb2.WatchPositionsResponse.FromString(finished.payload).position.reserved_minor


class Caller:
    """Submits from any thread; waits for answers in one."""

    def __init__(self, core: Core) -> None:
        self.core = core

    def submit(
        self, method: int, request: bytes, *, actor: str = "tests", timeout_s: float | None = None
    ) -> int:
        """The ticket."""
        return self.core.submit(method, request, actor, timeout_s)

    def drained(self) -> list[Finished]:
        """What is finished now."""
        return [Finished(*finished) for finished in self.core.drain()]

    def wait(self, number: int) -> list[Finished]:
        """The next answers; AssertionError when there come fewer."""
        found: list[Finished] = []
        while len(found) < number:
            readable, _, _ = select.select([self.core], [], [], PATIENCE_S)
            assert readable, f"{len(found)} of {number} answers, then nothing any more"
            found += self.drained()
        return found

    def call(
        self, method: int, request: bytes, *, actor: str = "tests", timeout_s: float | None = None
    ) -> Finished:
        """One call, when nothing else is under way."""
        ticket = self.submit(method, request, actor=actor, timeout_s=timeout_s)
        (finished,) = self.wait(1)
        assert finished.ticket == ticket
        return finished

    def open_account(self, limit_minor: int) -> None:
        """Opens the account "a"."""
        row = account_pb2.AccountUpsert(
            account_id="a", currency="USD", limit=amount_limit(limit_minor)
        )
        request = account_pb2.UpsertAccountsRequest(request_id="open", accounts=[row])
        assert self.call(UPSERT, request.SerializeToString()).code == 0

    def reserved(self) -> int:
        """What is reserved on the account "a"."""
        request = account_pb2.GetPositionRequest(account_id="a")
        finished = self.call(POSITION, request.SerializeToString())
        response = account_pb2.GetPositionResponse.FromString(finished.payload)
        return response.position.reserved_minor


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def caller(store: Path) -> Iterator[Caller]:
    caller = Caller(Core(str(store)))
    caller.open_account(limit_minor=1_000_000)
    yield caller
    caller.core.close()


def test_threads_submit_at_once_and_every_call_is_answered_once(store: Path) -> None:
    caller = Caller(Core(str(store)))
    caller.open_account(limit_minor=250)
    tickets: list[int] = []
    barrier = threading.Barrier(8)

    def submit_fifty(thread: int) -> None:
        barrier.wait()
        tickets.extend([caller.submit(RESERVE, order(f"{thread}-{n}")) for n in range(50)])

    threads = [threading.Thread(target=submit_fifty, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    finished = caller.wait(400)
    for thread in threads:
        thread.join()

    assert caller.drained() == []
    assert Counter(one.ticket for one in finished) == Counter(tickets)
    assert len(set(tickets)) == 400
    responses = [
        decision_pb2.CheckAndReserveResponse.FromString(one.payload)
        for one in finished
        if one.code == 0
    ]
    decisions = Counter(response.result.decision for response in responses)
    assert decisions == {common_pb2.DECISION_APPROVED: 250, common_pb2.DECISION_DECLINED: 150}
    assert caller.reserved() == 250
    caller.core.close()


def test_the_descriptor_is_readable_while_something_is_finished(caller: Caller) -> None:
    def readable(timeout_s: float) -> bool:
        return bool(select.select([caller.core], [], [], timeout_s)[0])

    assert not readable(0)
    caller.submit(RESERVE, order("1"))
    assert readable(PATIENCE_S)
    assert readable(0), "until it is drained"
    assert len(caller.drained()) == 1
    assert not readable(0)


@pytest.mark.parametrize("number", [0, 19, 65_535])
def test_an_unknown_method_is_unimplemented(caller: Caller, number: int) -> None:
    assert number not in METHODS.values()
    refusal = caller.call(number, b"").refused()
    assert refusal == Refused(grpc.StatusCode.UNIMPLEMENTED, "METHOD_UNKNOWN")


@pytest.mark.parametrize("actor", ["x" * 65, "é" * 33, "line\nbreak"])
def test_an_actor_that_breaks_the_rule_is_refused(caller: Caller, actor: str) -> None:
    refusal = caller.call(RESERVE, order("1"), actor=actor).refused()
    assert refusal == Refused(
        grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", ("creditgate-actor",)
    )
    assert caller.reserved() == 0


@pytest.mark.parametrize("actor", ["x" * 64, "é" * 32, ""])
def test_any_other_actor_may_call(caller: Caller, actor: str) -> None:
    assert caller.call(RESERVE, order("1"), actor=actor).code == 0


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, 1e-9])
def test_a_call_whose_deadline_has_passed_changes_nothing(caller: Caller, timeout_s: float) -> None:
    late = caller.call(RESERVE, order("1"), timeout_s=timeout_s)
    assert late.refused() == Refused(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_PASSED")
    assert caller.core.stats()["deadline_passed"] == 1
    assert caller.reserved() == 0
    # It was not even remembered: the same request is decided when it comes in time.
    again = caller.call(RESERVE, order("1"), timeout_s=float(PATIENCE_S))
    response = decision_pb2.CheckAndReserveResponse.FromString(again.payload)
    assert (response.approved_amount_minor, response.result.replayed) == (1, False)


@pytest.mark.parametrize("timeout_s", [None, 1e300, float("inf")])
def test_a_timeout_beyond_all_bounds_is_none(caller: Caller, timeout_s: float | None) -> None:
    assert caller.call(RESERVE, order("1"), timeout_s=timeout_s).code == 0


def test_calls_that_gathered_are_answered_in_their_order_of_one_commit(caller: Caller) -> None:
    # What was committed is counted before the next call is answered, but not before its own answer.
    assert caller.reserved() == 0
    before = caller.core.stats()["commits"]
    calls = [(RESERVE, order(str(number)), "tests", None) for number in range(50)]
    calls[7] = (9_999, b"", "tests", None)
    first = caller.core.submit_all(calls)
    finished = sorted(caller.wait(len(calls)))
    assert [one.ticket for one in finished] == list(range(first, first + len(calls)))
    assert [one.ticket - first for one in finished if one.code] == [7]
    assert caller.submit(RESERVE, order("after")) == first + len(calls)
    caller.wait(1)
    assert caller.reserved() > 0
    assert caller.core.stats()["commits"] == before + 2


def test_a_full_queue_refuses_at_once_and_says_when_to_come_again(store: Path) -> None:
    caller = Caller(Core(str(store), queue_depth_max=1))
    caller.open_account(limit_minor=1_000_000)
    tickets, finished = [], []
    # The engine's thread needs a commit for what it takes, so a few calls are enough.
    for number in range(FLOOD_MAX):
        tickets.append(caller.submit(RESERVE, order(str(number))))
        finished += caller.drained()
        if any(one.code for one in finished):
            break
    finished += caller.wait(len(tickets) - len(finished))

    assert Counter(one.ticket for one in finished) == Counter(tickets)
    refusals = [one.details() for one in finished if one.code]
    full = Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL")
    assert refusals == [(full, 0.1)] * len(refusals)
    assert refusals, "the flood met no full queue"
    assert caller.core.stats()["refused"] == len(refusals)
    assert caller.reserved() == len(tickets) - len(refusals)
    caller.core.close()


def test_a_watch_tells_the_present_and_then_the_newest_position_only(caller: Caller) -> None:
    ticket = caller.submit(WATCH, watch_request())
    (first,) = caller.wait(1)
    assert (first.ticket, watched(first)) == (ticket, 0)
    for number in range(1, 6):
        caller.submit(RESERVE, order(str(number), amount_minor=number))
    # Returns when all five are done; nobody has drained meanwhile.
    caller.core.close()
    finished = caller.drained()
    (newest,) = [one for one in finished if one.ticket == ticket]
    assert watched(newest) == 1 + 2 + 3 + 4 + 5
    assert len(finished) == 6


def test_a_cancelled_watch_is_silent_and_leaves_other_calls_alone(caller: Caller) -> None:
    ticket = caller.submit(WATCH, watch_request())
    caller.wait(1)
    caller.core.cancel(ticket)
    # The engine hears of the end with this call at the latest.
    caller.reserved()
    caller.call(RESERVE, order("1"))
    assert caller.core.stats()["watched_now"] == 0
    number = caller.submit(RESERVE, order("2"))
    for other in (number, number + 1_000):
        caller.core.cancel(other)
    (finished,) = caller.wait(1)
    assert (finished.ticket, finished.code) == (number, 0)
    assert caller.reserved() == 2


def test_close_answers_all_that_wait_and_then_refuses(caller: Caller, store: Path) -> None:
    tickets = [caller.submit(RESERVE, order(str(number))) for number in range(500)]
    caller.core.close()
    finished = caller.drained()
    assert Counter(one.ticket for one in finished) == Counter(tickets)
    assert {one.code for one in finished} == {0}

    late = caller.call(RESERVE, order("late"))
    assert late.refused() == Refused(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    caller.core.close()
    caller.core.close()
    again = Caller(Core(str(store)))
    assert again.core.recovery["entries_replayed"] == 0, "the tables were brought up to date"
    assert again.core.recovery["reservations_open"] == 500
    assert again.reserved() == 500
    again.core.close()


def test_threads_that_submit_while_it_closes_are_all_answered(caller: Caller) -> None:
    tickets: list[int] = []
    half_way = threading.Event()

    def submit_many() -> None:
        for number in range(500):
            tickets.append(caller.submit(RESERVE, order(str(number))))
            if number == 250:
                half_way.set()

    thread = threading.Thread(target=submit_many)
    thread.start()
    assert half_way.wait(PATIENCE_S)
    caller.core.close()
    thread.join()
    finished = caller.drained()
    assert Counter(one.ticket for one in finished) == Counter(tickets)
    codes = [one.code for one in sorted(finished)]
    # Taken on up to a point, and refused from there.
    assert codes == sorted(codes)
    assert set(codes) <= {grpc.StatusCode.OK.value[0], grpc.StatusCode.UNAVAILABLE.value[0]}
    assert codes[250] == 0


def test_a_second_core_on_one_store_is_refused(caller: Caller, store: Path) -> None:
    with pytest.raises(StoreError) as caught:
        Core(str(store))
    assert str(store) in str(caught.value)
    assert caller.call(RESERVE, order("1")).code == 0
    caller.core.close()
    again = Caller(Core(str(store)))
    assert again.reserved() == 1
    again.core.close()


def test_a_store_where_no_folder_can_be_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(StoreError) as caught:
        Core(str(file / "store"))
    assert str(file) in str(caught.value)


def test_another_clock_is_refused(store: Path) -> None:
    with pytest.raises(ValueError, match="it must be 'system' or 'manual'"):
        Core(str(store), clock="wall")  # type: ignore[arg-type]
    assert not store.exists()


def test_every_store_starts_where_it_ended(store: Path) -> None:
    caller = Caller(Core(str(store)))
    caller.open_account(limit_minor=1_000)
    for number in (1, 2, 3):
        assert caller.call(RESERVE, order(str(number))).code == 0
        caller.core.close()
        caller = Caller(Core(str(store)))
        assert caller.reserved() == number
    recovery = caller.core.recovery
    caller.core.close()
    assert (recovery["accounts"], recovery["reservations_open"]) == (1, 3)
    assert recovery["journal_seq"] == recovery["tables_seq"] > 0
    assert recovery["duration_us"] > 0
