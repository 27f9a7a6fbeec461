"""To wait for what another process does, without knowing how long that takes."""

import time
from collections.abc import Callable

TIMEOUT_S = 60
POLL_S = 0.02


def eventually(condition: Callable[[], bool]) -> None:
    """Returns once it holds. Raises AssertionError when it does not for a minute."""
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(POLL_S)
