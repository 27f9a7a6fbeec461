"""Tries an operation until it is done: retries within a budget, then the breaker, without end."""

import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from creditgate.client import CallError
from creditgate.loaders.running.logs import log
from creditgate.loaders.running.retry import Policy, Retry
from creditgate.loaders.running.sources import Source, State
from creditgate.loaders.running.stopping import Stop, StoppedError

T = TypeVar("T")


class Attempts:
    """How one source tries things again; no two at once."""

    def __init__(
        self,
        source: Source,
        stop: Stop,
        policy: Policy | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self._source = source
        self._stop = stop
        self._policy = policy or Policy()
        self._clock = clock
        self._uniform = uniform
        self._sleep = sleep or stop.sleep

    async def until_done(
        self, operation: Callable[[], Awaitable[T]], passing: Callable[[Exception], bool]
    ) -> T:
        """The operation's result, however long that takes.

        `passing`: whether an error may pass by itself; others are raised. Raises StoppedError when
        the stop is told between two attempts: the one that runs is waited for.
        """
        while True:
            while wait_s := self._source.breaker.wait_s():
                await self._sleep(wait_s)
            retry = Retry(self._policy, clock=self._clock, uniform=self._uniform)
            while True:
                try:
                    result = await operation()
                except Exception as error:
                    if not passing(error):
                        raise
                    delay_s = self._failed(error, retry)
                else:
                    self._source.breaker.succeeded()
                    self._source.state = State.RUNNING
                    return result
                if self._stop.is_set:
                    raise StoppedError
                if delay_s is None or self._source.breaker.wait_s():
                    break
                await self._sleep(delay_s)

    def _failed(self, error: Exception, retry: Retry) -> float | None:
        """Notes a failed attempt; how long to wait before the next one, None when this is all."""
        source = self._source
        asked_s = error.retry_delay_s if isinstance(error, CallError) else None
        delay_s = retry.delay_s(asked_s or 0.0)
        source.state = State.RETRYING
        source.failed(f"{type(error).__name__}: {error}")
        source.breaker.failed()
        log(
            logging.WARNING,
            "attempt failed",
            source=source.name,
            error=source.last_error,
            breaker=source.breaker.state.value,
        )
        return delay_s
