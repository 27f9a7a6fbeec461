"""How often and when something is tried again. Knows no clock, no sleeping and no chance."""

import random
import time
from collections.abc import Callable

import msgspec


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The wait before attempt n+1 is drawn evenly from 0 to min(max_s, first_s * 2**(n-1)).

    Attempts and waits together stay within `budget_s`; then the operation has failed, and the
    breaker says when the next one may be begun.
    """

    first_s: float = 0.05
    max_s: float = 5.0
    budget_s: float = 30.0

    def __post_init__(self) -> None:
        if not 0 < self.first_s <= self.max_s <= self.budget_s:
            raise ValueError(
                f"first_s is {self.first_s}, max_s {self.max_s}, budget_s {self.budget_s}: "
                "must be 0 < first_s <= max_s <= budget_s"
            )


class Retry:
    """The attempts of one operation; a new one for each."""

    def __init__(
        self,
        policy: Policy,
        *,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._uniform = uniform
        self._ceiling_s = policy.first_s
        self._end_s = clock() + policy.budget_s

    def delay_s(self, asked_s: float = 0.0) -> float | None:
        """How long to wait before the next attempt, None when the budget is used up.

        `asked_s`: how long the other side asks to wait at least.
        """
        delay_s = asked_s + self._uniform(0.0, self._ceiling_s)
        self._ceiling_s = min(self._policy.max_s, 2.0 * self._ceiling_s)
        return delay_s if self._clock() + delay_s < self._end_s else None
