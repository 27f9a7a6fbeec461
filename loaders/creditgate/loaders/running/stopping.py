"""A clean stop: told once, seen by all who wait for something."""

import asyncio
import signal
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


class StoppedError(Exception):
    """Told to stop before it was done; nothing is lost by it."""


class Stop:
    """Set once. Whoever waits through it is woken then."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def on_signals(self) -> None:
        """Stop at SIGTERM and SIGINT; a second one ends the process at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, loop, number)

    def _signalled(self, loop: asyncio.AbstractEventLoop, number: signal.Signals) -> None:
        self.set()
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)

    def set(self) -> None:
        """Tell all who wait."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether it was told."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Until it is told."""
        await self._event.wait()

    async def sleep(self, seconds: float) -> None:
        """Waits so long. Raises StoppedError, at once when told meanwhile."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
        if self.is_set:
            raise StoppedError

    async def unless_set(self, work: Awaitable[T]) -> T:
        """The result of `work`. Raises StoppedError when told before there is one."""
        task = asyncio.ensure_future(work)
        told = asyncio.ensure_future(self._event.wait())
        try:
            await asyncio.wait((task, told), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise StoppedError
            return task.result()
        finally:
            task.cancel()
            told.cancel()
