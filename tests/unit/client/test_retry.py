"""When a call is sent again: the schedule, with a clock that stands still unless moved."""

import grpc
import pytest

from creditgate.client import CallError, RetryPolicy
from creditgate.client._errors import error_from_status
from creditgate.client._retry import Attempts


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def highest(_low: float, high: float) -> float:
    return high


def error(code: grpc.StatusCode, *, delay_s: float | None = None, reason: str = "") -> CallError:
    made = error_from_status(code, "", None)
    made.retry_delay_s = delay_s
    made.reason = reason
    if reason:
        made.outcome_unknown = False
    return made


UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


def delays(
    policy: RetryPolicy, budget_s: float, code: grpc.StatusCode = UNAVAILABLE
) -> list[float]:
    """The waits of a call that always fails, each waited out to the second."""
    clock = Clock()
    attempts = Attempts(policy, budget_s, clock=clock, uniform=highest)
    waited: list[float] = []
    while True:
        attempts.next_timeout_s()
        delay_s = attempts.delay_after(error(code))
        if delay_s is None:
            return waited
        waited.append(delay_s)
        clock.now_s += delay_s


def test_waits_double_up_to_the_highest_and_attempts_are_bounded() -> None:
    policy = RetryPolicy(attempts_max=7, backoff_first_s=0.5, backoff_max_s=4.0)
    assert delays(policy, budget_s=1000.0) == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]


def test_any_number_of_attempts_can_be_counted() -> None:
    policy = RetryPolicy(attempts_max=3_000, backoff_first_s=1e-300, backoff_max_s=4.0)
    waits = delays(policy, budget_s=1e6)
    assert len(waits) == 2_999
    assert waits[-1] == 4.0


def test_a_wait_that_would_end_after_the_budget_is_not_begun() -> None:
    policy = RetryPolicy(attempts_max=7, backoff_first_s=0.5, backoff_max_s=4.0)
    assert delays(policy, budget_s=3.6) == [0.5, 1.0, 2.0]
    assert delays(policy, budget_s=3.5) == [0.5, 1.0]


def test_the_wait_is_drawn_from_zero_to_the_ceiling() -> None:
    drawn: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        drawn.append((low, high))
        return 0.125

    attempts = Attempts(RetryPolicy(backoff_first_s=0.5), 10.0, clock=Clock(), uniform=draw)
    attempts.next_timeout_s()
    assert attempts.delay_after(error(UNAVAILABLE)) == 0.125
    assert drawn == [(0.0, 0.5)]


def test_one_attempt_means_no_repetition() -> None:
    assert delays(RetryPolicy(attempts_max=1), budget_s=10.0) == []


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.PERMISSION_DENIED,
    ],
)
def test_what_is_not_repeated(code: grpc.StatusCode) -> None:
    assert delays(RetryPolicy(), 10.0, code) == []


def test_overload_waits_at_least_as_long_as_the_server_says() -> None:
    policy = RetryPolicy(backoff_first_s=0.5)
    attempts = Attempts(policy, 100.0, clock=Clock(), uniform=lambda low, _high: low)
    attempts.next_timeout_s()
    assert attempts.delay_after(error(EXHAUSTED, delay_s=3.0, reason="QUEUE_FULL")) == 3.0


def test_overload_that_lasts_beyond_the_budget_is_raised_at_once() -> None:
    attempts = Attempts(RetryPolicy(), 1.0, clock=Clock(), uniform=highest)
    attempts.next_timeout_s()
    assert attempts.delay_after(error(EXHAUSTED, delay_s=1.0, reason="STORE_FULL")) is None


def test_exhausted_without_a_delay_is_a_message_too_large_and_not_repeated() -> None:
    assert delays(RetryPolicy(), 10.0, EXHAUSTED) == []


def test_an_attempt_gets_what_is_left_and_no_more_than_its_own_share() -> None:
    clock = Clock()
    attempts = Attempts(RetryPolicy(attempt_timeout_s=0.4), 1.0, clock=clock)
    assert attempts.next_timeout_s() == pytest.approx(0.4)
    clock.now_s += 0.75
    assert attempts.next_timeout_s() == pytest.approx(0.25)
    clock.now_s += 9.0
    assert attempts.next_timeout_s() == 0.0


def test_an_attempt_that_timed_out_is_repeated_while_there_is_time() -> None:
    clock = Clock()
    policy = RetryPolicy(attempt_timeout_s=0.4, backoff_first_s=0.05)
    attempts = Attempts(policy, 1.0, clock=clock, uniform=highest)
    attempts.next_timeout_s()
    clock.now_s += 0.4
    late = error(grpc.StatusCode.DEADLINE_EXCEEDED)
    assert attempts.delay_after(late) == pytest.approx(0.05)
    clock.now_s += 0.59
    assert attempts.delay_after(late) is None


def test_an_earlier_attempt_without_an_answer_leaves_the_outcome_unknown() -> None:
    attempts = Attempts(RetryPolicy(), 10.0, clock=Clock(), uniform=highest)
    attempts.next_timeout_s()
    assert attempts.delay_after(error(UNAVAILABLE)) is not None
    attempts.next_timeout_s()
    last = error(EXHAUSTED, delay_s=60.0, reason="QUEUE_FULL")
    assert attempts.delay_after(last) is None
    assert last.outcome_unknown
    assert last.attempts == 2


@pytest.mark.parametrize(
    "bad",
    [
        {"attempts_max": 0},
        {"backoff_first_s": 0.0},
        {"backoff_first_s": 3.0, "backoff_max_s": 2.0},
        {"attempt_timeout_s": 0.0},
    ],
)
def test_a_policy_out_of_range_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        RetryPolicy(**bad)  # type: ignore[arg-type]
