"""The figures of one source: what its health and its metrics show."""

import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

from creditgate.loaders.running.breaker import Breaker, BreakerState


class State(StrEnum):
    """What a source is doing."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    RETRYING = "RETRYING"
    STOPPED = "STOPPED"


class Source:
    """One source as it runs. Its own loop writes; health and metrics read what they find."""

    def __init__(
        self, name: str, breaker: Breaker | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.name: Final = name
        self.breaker: Final = breaker or Breaker()
        self.state = State.STARTING
        self.events: Final[Counter[str]] = Counter()
        self.errors = 0
        self.last_error = ""
        self.last_good_at: float | None = None
        """Seconds since 1970."""
        self.waiting_since: Callable[[], float | None] = lambda: None
        """When the oldest event came about that the service does not know of yet; None: none."""
        self._clock = clock

    def took(self, outcome: str, count: int = 1) -> None:
        """Counts events that the service took, or knew already."""
        if count:
            self.events[outcome] += count
            self.last_good_at = self._clock()

    def refused(self, count: int = 1) -> None:
        """Counts events that went to the dead letters."""
        self.events["refused"] += count

    def failed(self, error: str) -> None:
        """Notes that the source, or the service, could not be reached or failed."""
        self.errors += 1
        self.last_error = error

    def lag_s(self) -> float:
        """How old the oldest event is that the service does not know of yet."""
        since = self.waiting_since()
        return 0.0 if since is None else max(self._clock() - since, 0.0)

    @property
    def healthy(self) -> bool:
        """Whether it goes on as it should."""
        is_in_order = self.state in (State.STARTING, State.RUNNING)
        return is_in_order and self.breaker.state is BreakerState.CLOSED

    def figures(self) -> dict[str, Any]:
        """All of it, for the health page."""
        return {
            "state": self.state.value,
            "breaker": self.breaker.state.value,
            "lag_s": round(self.lag_s(), 3),
            "last_good_at": self.last_good_at,
            "events": dict(self.events),
            "errors": self.errors,
            "last_error": self.last_error,
        }
