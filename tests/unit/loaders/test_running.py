"""Retries, the breaker and the health page, with a clock and a chance of the test's own."""

import asyncio
from collections.abc import Callable

import aiohttp
import grpc
import msgspec
import pytest

from creditgate.client import TransientError, UnavailableError
from creditgate.loaders.running import breaker, retry
from creditgate.loaders.running.attempts import Attempts
from creditgate.loaders.running.breaker import Breaker, BreakerState
from creditgate.loaders.running.health import HOST, application, served
from creditgate.loaders.running.sources import Source, State
from creditgate.loaders.running.stopping import Stop, StoppedError


class World:
    """A clock that moves when somebody sleeps; chance gives the most there is."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def most(self, _low: float, high: float) -> float:
        return high

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_waits_grow_to_their_bound_and_end_with_the_budget() -> None:
    world = World()
    policy = retry.Policy(first_s=1, max_s=4, budget_s=12)
    tries = retry.Retry(policy, clock=world.clock, uniform=world.most)
    waits = []
    while (delay_s := tries.delay_s()) is not None:
        waits.append(delay_s)
        world.now += delay_s
    assert waits == [1, 2, 4, 4]


def test_the_wait_is_any_part_of_its_bound_after_what_the_server_asks() -> None:
    drawn: list[tuple[float, float]] = []

    def half(low: float, high: float) -> float:
        drawn.append((low, high))
        return (low + high) / 2

    tries = retry.Retry(retry.Policy(first_s=1), clock=World().clock, uniform=half)
    assert tries.delay_s(3.0) == 3.5
    assert tries.delay_s() == 1.0
    assert drawn == [(0.0, 1), (0.0, 2.0)]


def test_a_breaker_opens_lets_one_try_and_closes() -> None:
    world = World()
    policy = breaker.Policy(failures_max=2, first_s=10, max_s=30)
    of_source = Breaker(policy, clock=world.clock, uniform=lambda _low, _high: 1.0)
    of_source.failed()
    assert of_source.wait_s() == 0
    of_source.succeeded()
    of_source.failed()
    assert of_source.wait_s() == 0
    of_source.failed()
    opened = list[float]()
    for _ in range(3):
        states = [of_source.state]
        opened.append(of_source.wait_s())
        world.now += opened[-1]
        assert [*states, of_source.state] == [BreakerState.OPEN, BreakerState.HALF_OPEN]
        assert of_source.wait_s() == 0
        of_source.failed()
    assert opened == [10, 20, 30]
    world.now += 30
    of_source.succeeded()
    of_source.failed()
    assert of_source.wait_s() == 0
    of_source.failed()
    assert of_source.wait_s() == 10


def unavailable() -> UnavailableError:
    return UnavailableError("down", code=grpc.StatusCode.UNAVAILABLE)


def attempts(world: World) -> tuple[Source, Stop, Attempts]:
    policy = breaker.Policy(failures_max=3, first_s=10, max_s=10)
    source = Source("s", Breaker(policy, clock=world.clock, uniform=lambda _low, _high: 1.0))
    stop = Stop()
    tries = Attempts(
        source,
        stop,
        retry.Policy(first_s=1),
        clock=world.clock,
        uniform=world.most,
        sleep=world.sleep,
    )
    return source, stop, tries


def passes(error: Exception) -> bool:
    return isinstance(error, TransientError)


def test_an_operation_is_tried_until_it_is_done_whatever_that_takes() -> None:
    async def main() -> None:
        world = World()
        source, _stop, tries = attempts(world)
        states = []

        async def operation() -> str:
            states.append((source.breaker.state.value, source.healthy))
            if len(states) < 6:
                raise unavailable()
            return "done"

        assert await tries.until_done(operation, passes) == "done"
        assert world.slept == [1, 2, 10, 10, 10]
        closed, trial = ("CLOSED", False), ("HALF_OPEN", False)
        assert states == [("CLOSED", True), closed, closed, trial, trial, trial]
        assert (source.state, source.errors, source.healthy) == (State.RUNNING, 5, True)

    asyncio.run(main())


def test_an_error_that_does_not_pass_is_raised_at_once() -> None:
    async def main() -> None:
        source, _stop, tries = attempts(World())

        async def operation() -> None:
            raise ValueError("broken")

        with pytest.raises(ValueError, match="broken"):
            await tries.until_done(operation, passes)
        assert source.errors == 0

    asyncio.run(main())


def test_a_stop_ends_the_waiting_and_not_the_attempt() -> None:
    async def main() -> None:
        _source, stop, tries = attempts(World())
        ended = []

        async def operation() -> None:
            stop.set()
            await asyncio.sleep(0)
            ended.append(True)
            raise unavailable()

        with pytest.raises(StoppedError):
            await tries.until_done(operation, passes)
        assert ended == [True]
        with pytest.raises(StoppedError):
            await stop.sleep(60)
        with pytest.raises(StoppedError):
            await stop.unless_set(asyncio.sleep(60))

    asyncio.run(main())


async def fetched(sources: list[Source], path: str) -> tuple[int, str]:
    async with (
        served(application(sources), HOST, 0) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://{HOST}:{port}{path}") as answer,
    ):
        return answer.status, await answer.text()


def figures_of(change: Callable[[Source], None]) -> tuple[int, dict[str, object], str]:
    world = World()
    source = Source("gateway:x", Breaker(breaker.Policy(failures_max=1)), clock=world.clock)
    source.state = State.RUNNING
    change(source)
    status, text = asyncio.run(fetched([source], "/healthz"))
    _, metrics = asyncio.run(fetched([source], "/metrics"))
    return status, msgspec.json.decode(text)["sources"]["gateway:x"], metrics


def test_the_health_page_and_the_metrics_tell_of_each_source() -> None:
    def go_well(source: Source) -> None:
        source.took("posted", 3)
        source.refused()
        source.waiting_since = lambda: 97.5

    status, figures, metrics = figures_of(go_well)
    assert status == 200
    assert figures == {
        "state": "RUNNING",
        "breaker": "CLOSED",
        "lag_s": 2.5,
        "last_good_at": 100.0,
        "events": {"posted": 3, "refused": 1},
        "errors": 0,
        "last_error": "",
    }
    for line in (
        'creditgate_source_lag_seconds{source="gateway:x"} 2.5',
        'creditgate_source_events_total{outcome="posted",source="gateway:x"} 3.0',
        'creditgate_source_errors_total{source="gateway:x"} 0.0',
        'creditgate_source_last_good_event_timestamp_seconds{source="gateway:x"} 100.0',
        'creditgate_source_breaker_open{source="gateway:x"} 0.0',
    ):
        assert line in metrics


def test_a_source_whose_breaker_is_open_is_degraded() -> None:
    def fail(source: Source) -> None:
        source.failed("down")
        source.breaker.failed()

    status, figures, metrics = figures_of(fail)
    assert (status, figures["breaker"], figures["last_error"]) == (503, "OPEN", "down")
    assert 'creditgate_source_breaker_open{source="gateway:x"} 1.0' in metrics
