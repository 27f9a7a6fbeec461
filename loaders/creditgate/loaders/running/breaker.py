"""A breaker for each source: it lets nobody try while trying is known to be in vain."""

import random
import time
from collections.abc import Callable
from enum import StrEnum

import msgspec


class BreakerState(StrEnum):
    """CLOSED: all may try; OPEN: nobody may; HALF_OPEN: one tries for all."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Opens after so many failures one after another, for `first_s`; each time that the one trial
    afterwards fails, for twice as long, up to `max_s`. A tenth more or less is left to chance, so
    that many do not try at once."""

    failures_max: int = 5
    first_s: float = 0.5
    max_s: float = 10.0

    def __post_init__(self) -> None:
        if self.failures_max < 1:
            raise ValueError(f"failures_max is {self.failures_max}: must be at least 1")
        if not 0 < self.first_s <= self.max_s:
            raise ValueError(
                f"first_s is {self.first_s}, max_s {self.max_s}: must be 0 < first_s <= max_s"
            )


class Breaker:
    """Of one source. It never gives up, so a source goes on by itself once it can."""

    def __init__(
        self,
        policy: Policy | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._policy = policy or Policy()
        self._clock = clock
        self._uniform = uniform
        self._failures = 0
        self._open_s = self._policy.first_s
        self._until_s: float | None = None
        self._trying = False

    @property
    def state(self) -> BreakerState:
        """As it is now."""
        if self._until_s is None:
            return BreakerState.CLOSED
        waits = self._clock() < self._until_s
        return BreakerState.OPEN if waits and not self._trying else BreakerState.HALF_OPEN

    def wait_s(self) -> float:
        """How long until one may try; 0: now, and who asks does so, then says how it went."""
        if self._until_s is None:
            return 0.0
        left_s = self._until_s - self._clock()
        if left_s > 0:
            return left_s
        self._trying = True
        return 0.0

    def succeeded(self) -> None:
        """Closes it."""
        self._failures, self._open_s = 0, self._policy.first_s
        self._until_s, self._trying = None, False

    def failed(self) -> None:
        """Counts a failure, and opens it when there were too many, or when the one trial failed."""
        self._failures += 1
        if self._until_s is None and self._failures < self._policy.failures_max:
            return
        self._until_s = self._clock() + self._open_s * self._uniform(0.9, 1.1)
        self._open_s = min(self._policy.max_s, 2.0 * self._open_s)
        self._trying = False
