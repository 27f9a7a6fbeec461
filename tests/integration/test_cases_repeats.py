"""The same request id again: in one batch, at once, after a restart, changed, after its time."""

import grpc

from creditgate.audit.books import Auditor
from creditgate.v1 import decision_pb2 as decision_v1
from tests.conftest import StartServer
from tests.support.api import APPROVED, DECLINED, TIMEOUT_S, Api, entry, refused
from tests.support.server import ServerProcess

REUSED = (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
ALREADY_EXISTS = 6


def as_first(
    answer: decision_v1.CheckAndReserveResponse,
) -> decision_v1.CheckAndReserveResponse:
    """An answer as it was given first: not marked as replayed."""
    copy = decision_v1.CheckAndReserveResponse()
    copy.CopyFrom(answer)
    copy.result.replayed = False
    return copy


def test_twice_in_one_batch(api: Api) -> None:
    api.open_account("a", 100)
    order = api.order("a", "o", 60)
    first, second = api.batch([order, order])
    assert (first.response.result.decision, first.response.result.replayed) == (APPROVED, False)
    assert second.response.result.replayed
    assert as_first(second.response) == first.response
    assert api.position("a").reserved_minor == 60


def test_twice_in_one_batch_with_another_amount(api: Api) -> None:
    api.open_account("a", 100)
    first, second = api.batch(
        [api.order("a", "o", 60, request_id="r"), api.order("a", "o", 61, request_id="r")]
    )
    assert first.response.result.decision == APPROVED
    assert (second.error.code, second.error.reason) == (ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert api.position("a").reserved_minor == 60


def test_many_at_once(server: ServerProcess) -> None:
    api = server.api
    api.open_account("a", 1_000)
    order = api.order("a", "o", 60)
    calls = [api.decisions.CheckAndReserve.future(order, timeout=TIMEOUT_S) for _ in range(20)]
    answers = [call.result() for call in calls]
    assert [answer.result.replayed for answer in answers].count(False) == 1
    assert len({as_first(answer).SerializeToString() for answer in answers}) == 1
    assert api.position("a").reserved_minor == 60
    server.kill()
    assert (order.request_id, 0) in Auditor(server.store).advance().answers


def test_after_a_restart(server: ServerProcess) -> None:
    server.api.open_account("a", 100)
    taken, declined = (server.api.order("a", f"o{i}", 60) for i in range(2))
    before = [
        server.api.decisions.CheckAndReserve(order, timeout=TIMEOUT_S)
        for order in (taken, declined)
    ]
    assert [answer.result.decision for answer in before] == [APPROVED, DECLINED]
    server.restart()
    after = [
        server.api.decisions.CheckAndReserve(order, timeout=TIMEOUT_S)
        for order in (taken, declined)
    ]
    assert all(answer.result.replayed for answer in after)
    assert [as_first(answer) for answer in after] == before
    assert server.api.position("a").reserved_minor == 60


def test_after_an_orderly_stop(server: ServerProcess) -> None:
    server.api.open_account("a", 100)
    order = server.api.order("a", "o", 60)
    before = server.api.decisions.CheckAndReserve(order, timeout=TIMEOUT_S)
    assert server.terminate() == 0
    server.start()
    after = server.api.decisions.CheckAndReserve(order, timeout=TIMEOUT_S)
    assert after.result.replayed
    assert as_first(after) == before


def test_every_kind_of_change_is_answered_again(server: ServerProcess) -> None:
    api = server.api
    api.open_account("a", 100)
    api.reserve("a", "o", 60)

    def changes(api: Api) -> list[bytes]:
        answers = (
            api.adjust("a", "o", 70, request_id="adjust"),
            api.capture("a", "o", "i", request_id="capture", amount_minor=20),
            api.release("a", "o", request_id="release", amount_minor=5),
        )
        first = []
        for answer in answers:
            answer.result.replayed = False
            first.append(answer.SerializeToString(deterministic=True))
        return first

    before = changes(api)
    assert changes(api) == before
    server.restart()
    assert changes(server.api) == before
    position = server.api.position("a")
    assert (position.captured_minor, position.reserved_minor) == (20, 45)


def test_with_another_payload(server: ServerProcess) -> None:
    def is_refused(api: Api) -> None:
        assert refused(lambda: api.reserve("a", "o", 61, request_id="r"))[:2] == REUSED
        assert refused(lambda: api.reserve("a", "p", 60, request_id="r"))[:2] == REUSED
        assert refused(lambda: api.release("a", "o", request_id="r"))[:2] == REUSED
        assert api.position("a").reserved_minor == 60

    server.api.open_account("a", 100)
    server.api.reserve("a", "o", 60, request_id="r")
    is_refused(server.api)
    is_refused(server.restart().api)


def test_beyond_the_window_by_count(start_server: StartServer) -> None:
    api = start_server(request_window_count_max=10).api
    api.open_account("a", 1_000)
    order = api.order("a", "o", 60)
    first = api.decisions.CheckAndReserve(order, timeout=TIMEOUT_S)
    for i in range(20):
        api.reserve("a", f"later {i}", 1)
    # The order's own name guards still: nothing is reserved twice.
    assert refused(lambda: api.decisions.CheckAndReserve(order, timeout=TIMEOUT_S))[:2] == (
        grpc.StatusCode.ALREADY_EXISTS,
        "ORDER_ALREADY_RESERVED",
    )
    assert api.position("a").reserved_minor == 80
    # Once that is gone the id is as good as new.
    api.release("a", "o")
    again = api.decisions.CheckAndReserve(order, timeout=TIMEOUT_S)
    assert not again.result.replayed
    assert again.reservation_id != first.reservation_id


def test_an_entry_beyond_its_window_is_posted_again(start_server: StartServer) -> None:
    api = start_server(entry_window_count_max=10).api
    api.open_account("a", 1_000)
    payment = entry("e", "a", "payment", 5)
    api.post(payment)
    for i in range(9):
        api.post(entry(f"later {i}", "a", "payment", 1))
    api.post(payment)
    assert api.position("a").outstanding_minor == -14
    api.post(entry("one more", "a", "payment", 1))
    api.post(payment)
    assert api.position("a").outstanding_minor == -20


def test_beyond_the_window_by_time(start_server: StartServer) -> None:
    api = start_server(clock="manual", request_window_s=100).api
    api.set_time(1_000)
    api.open_account("a", 1_000)
    order = api.order("a", "o", 60)
    assert not api.decisions.CheckAndReserve(order, timeout=TIMEOUT_S).result.replayed
    api.set_time(1_099)
    assert api.decisions.CheckAndReserve(order, timeout=TIMEOUT_S).result.replayed
    api.set_time(1_102)
    # Ids are forgotten by the time of the latest commit, this one.
    api.reserve("a", "later", 1)
    assert refused(lambda: api.decisions.CheckAndReserve(order, timeout=TIMEOUT_S))[:2] == (
        grpc.StatusCode.ALREADY_EXISTS,
        "ORDER_ALREADY_RESERVED",
    )
