"""How often and when one call is sent again. Knows no transport, no sleeping and no clock."""

import random
import time
from collections.abc import Callable

from creditgate.client._errors import CallError, OverloadedError, TransientError
from creditgate.client._options import RetryPolicy


class Attempts:
    """Counts the attempts of one call against its policy and its budget of time."""

    def __init__(
        self,
        policy: RetryPolicy,
        budget_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._uniform = uniform
        self._end_s = clock() + budget_s
        self._attempts = 0
        self._ceiling_s = policy.backoff_first_s
        self._outcome_unknown = False

    def next_timeout_s(self) -> float:
        """Begins an attempt and returns how long it may take."""
        self._attempts += 1
        left_s = max(self._end_s - self._clock(), 0.0)
        attempt_s = self._policy.attempt_timeout_s
        return left_s if attempt_s is None else min(left_s, attempt_s)

    def delay_after(self, error: CallError) -> float | None:
        """How long to wait before the next attempt, or None when `error` is to be raised.

        Notes on the error how many attempts there were and whether any of them may have taken
        effect: a refusal for overload says nothing about an earlier attempt that got no answer.
        """
        error.attempts = self._attempts
        if not isinstance(error, TransientError):
            return None
        self._outcome_unknown = self._outcome_unknown or error.outcome_unknown
        error.outcome_unknown = self._outcome_unknown
        if self._attempts >= self._policy.attempts_max:
            return None
        if isinstance(error, OverloadedError) and error.retry_delay_s is None:
            # Not the server's queue but a message over a size limit: a repetition cures nothing.
            return None
        delay_s = (error.retry_delay_s or 0.0) + self._uniform(0.0, self._ceiling_s)
        self._ceiling_s = min(self._policy.backoff_max_s, 2.0 * self._ceiling_s)
        return delay_s if self._clock() + delay_s < self._end_s else None
