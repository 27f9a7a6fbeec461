"""The way from serving to stopped, as calls see it.

From the signal on the server itself refuses new calls, with SHUTTING_DOWN, while those in flight
end. gRPC's own stop comes last: it would turn away what arrives meanwhile as CANCELLED, which says
neither why nor that asking again is right. A call that arrives in the very moment of that last step
may still see CANCELLED; one that arrives later finds no connection, UNAVAILABLE.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from creditgate.server.errors import shutting_down

T = TypeVar("T")


class Drain:
    """Set once, when the server begins to stop."""

    def __init__(self) -> None:
        self._begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._in_flight = 0
        self._idle = asyncio.Event()

    @property
    def begun(self) -> bool:
        """Whether the server has begun to stop."""
        return self._begun.done()

    def begin(self) -> None:
        """Tell all who wait."""
        if not self._begun.done():
            self._begun.set_result(None)

    def enter(self) -> None:
        """Lets a call in, which must `leave` later. Raises CallError SHUTTING_DOWN when begun."""
        if self._begun.done():
            raise shutting_down()
        self._in_flight += 1

    def leave(self) -> None:
        """A call that was let in has its answer."""
        self._in_flight -= 1
        if self._in_flight == 0:
            self._idle.set()

    async def idle(self) -> None:
        """Until no call is in flight. To be awaited once this has begun: none is let in then."""
        while self._in_flight:
            self._idle.clear()
            await self._idle.wait()

    async def wait(self) -> None:
        """Until the server begins to stop."""
        # Shielded: the one who waits may be cancelled, the others still wait on the same future.
        await asyncio.shield(self._begun)

    async def unless_begun(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, or CallError SHUTTING_DOWN if the server begins to stop first."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((task, self._begun), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise shutting_down()
            return task.result()
        finally:
            task.cancel()
