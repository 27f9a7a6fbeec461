"""The way from serving to stopped, as calls that could last for ever see it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from creditgate.server.errors import shutting_down

T = TypeVar("T")


class Drain:
    """Set once, when the server begins to stop."""

    def __init__(self) -> None:
        self._begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def begun(self) -> bool:
        """Whether the server has begun to stop."""
        return self._begun.done()

    def begin(self) -> None:
        """Tell all who wait."""
        if not self._begun.done():
            self._begun.set_result(None)

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
