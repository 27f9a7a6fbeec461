"""One way to use either client, so that every test of behaviour holds for both."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, Protocol

from creditgate.client import AsyncClient, Client, ClientOptions


class Caller(Protocol):
    """Opens a client, makes one call, closes the client."""

    def __call__(
        self, address: str, method: str, *args: Any, options: ClientOptions, **kwargs: Any
    ) -> Any:
        """The result; of a stream, the list of results."""


def call_sync(address: str, method: str, *args: Any, options: ClientOptions, **kwargs: Any) -> Any:
    """By the client for threads."""
    with Client(address, options) as client:
        got = getattr(client, method)(*args, **kwargs)
        return list(got) if hasattr(got, "__next__") else got


def call_aio(address: str, method: str, *args: Any, options: ClientOptions, **kwargs: Any) -> Any:
    """By the client for asyncio."""

    async def run() -> Any:
        async with AsyncClient(address, options) as client:
            got = getattr(client, method)(*args, **kwargs)
            if hasattr(got, "__anext__"):
                return [item async for item in got]
            return await got

    return asyncio.run(run())


async def later(items: Iterable[Any]) -> AsyncIterator[Any]:
    """The items as an asynchronous iterator."""
    for item in items:
        yield item
