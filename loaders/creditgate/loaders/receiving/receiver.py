"""The HTTP side: signed deliveries, answered with 2xx once they are on disk."""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Final

import msgspec
from aiohttp import web

from creditgate.client.logs import LineBudget
from creditgate.loaders.errors import RowError
from creditgate.loaders.fields import invalid
from creditgate.loaders.queue.database import StateError
from creditgate.loaders.queue.inbox import Inbox, Put, Received
from creditgate.loaders.queue.letters import DeadLetter, LetterBox, LettersFullError
from creditgate.loaders.queue.stake import Stakes
from creditgate.loaders.receiving.forwarder import Forwarder
from creditgate.loaders.receiving.secrets import Secrets
from creditgate.loaders.receiving.signature import HEADER, verify
from creditgate.loaders.running.logs import LINES_PER_S_MAX, LOGGER, log

IN_FLIGHT_MAX: Final = 500
"""Deliveries that are read and kept at once; more are told to come again."""
READ_S: Final = 10.0
RETRY_AFTER_S: Final = "5"
WRITE_MAX: Final = 1_000
DEAD: Final = "dead_letter"
"""The status of what a person has to look at."""


class Writer:
    """Puts events of many deliveries into the inbox with one write to disk."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._waiting: list[tuple[Received, asyncio.Future[Put]]] = []
        self._task: asyncio.Task[None] | None = None

    async def put(self, received: Received) -> Put:
        """What became of it; on disk when this returns. Raises StateError."""
        answer: asyncio.Future[Put] = asyncio.get_running_loop().create_future()
        self._waiting.append((received, answer))
        if self._task is None:
            self._task = asyncio.create_task(self._write())
        return await answer

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:WRITE_MAX], self._waiting[WRITE_MAX:]
            try:
                puts = await asyncio.to_thread(self._inbox.put_all, [event for event, _ in batch])
            except StateError as error:
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(error)
            else:
                for (_, answer), put in zip(batch, puts, strict=True):
                    if not answer.done():
                        answer.set_result(put)
        self._task = None


class Receiver(ABC):
    """Takes `POST /PATH/NAME`, where NAME has secrets."""

    path: ClassVar[str]
    """Where deliveries go: the first part of their URL's path."""
    role: ClassVar[str]
    """What one who delivers is."""

    def __init__(
        self,
        secrets: Secrets,
        forwarders: Mapping[str, Forwarder],
        stakes: Stakes,
        *,
        inbox: Inbox,
        letters: LetterBox,
        window_s: float,
        body_max_bytes: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`forwarders`: by source, of every name that has secrets."""
        self._secrets = secrets
        self._forwarders = forwarders
        self._stakes = stakes
        self._writer = Writer(inbox)
        self._letters = letters
        self._window_s = window_s
        self._body_max_bytes = body_max_bytes
        self._clock = clock
        self._in_flight = 0
        self._lines = LineBudget(LOGGER, LINES_PER_S_MAX)

    def application(self) -> web.Application:
        """The routes; every refusal is a JSON object."""
        app = web.Application(
            client_max_size=self._body_max_bytes, middlewares=[self._refusals_as_json]
        )
        app.router.add_post(f"/{self.path}/{{name}}", self._deliver)
        return app

    @abstractmethod
    async def accept(self, name: str, body: bytes) -> web.Response:
        """Takes a delivery that is signed. Raises StateError, LettersFullError."""

    @abstractmethod
    def letter(self, source: str, body: bytes, error: RowError) -> DeadLetter:
        """The dead letter of what cannot be taken."""

    async def put(self, received: Received) -> Put:
        """Has what was received on disk when this returns, and forwarded soon. Raises
        StateError."""
        put = await self._writer.put(received)
        if put is Put.NEW:
            self._forwarders[received.source].wake()
        return put

    async def keep_malformed(self, source: str, body: bytes, error: RowError) -> dict[str, Any]:
        """Keep what is signed and cannot be read. Sent again it would be the same, so it is taken
        off the sender's hands, and a person has to look at it. Raises StateError,
        LettersFullError."""
        found = await self._stakes.known(self.letter(source, body, error))
        self._forwarders[source].source.refused()
        await asyncio.to_thread(self._letters.put, found)
        log(
            logging.WARNING,
            "dead letter",
            source=source,
            event_id=found.event_id,
            reason=error.reason,
            message=error.message,
        )
        return {"status": DEAD, "id": found.event_id, "error": told(error)}

    async def _deliver(self, request: web.Request) -> web.Response:
        if self._in_flight >= IN_FLIGHT_MAX:
            return busy("too many deliveries at once")
        self._in_flight += 1
        try:
            return await self._take(request)
        except RowError as error:
            # Anybody can cause this, as often as they like.
            if self._lines.admit(time.monotonic()):
                log(logging.WARNING, "delivery not signed", message=error.message)
            return refused(HTTPStatus.UNAUTHORIZED, error)
        except (StateError, LettersFullError) as error:
            log(logging.ERROR, "delivery not kept", error=str(error))
            return busy("it cannot be kept")
        finally:
            self._in_flight -= 1

    async def _take(self, request: web.Request) -> web.Response:
        """Raises RowError where it is not known who delivers, StateError, LettersFullError."""
        name = request.match_info["name"]
        secrets = self._secrets.of(name)
        if not secrets:
            error = RowError(
                self.role,
                name,
                f"{self.role}_UNKNOWN".upper(),
                f"{self.role} {name!r}: must be one of the file of secrets",
            )
            return refused(HTTPStatus.NOT_FOUND, error)
        body = await self._body(request)
        if isinstance(body, web.Response):
            return body
        values = request.headers.getall(HEADER, [])
        verify(
            ",".join(values) if values else None,
            body,
            secrets,
            now_s=self._clock(),
            window_s=self._window_s,
        )
        return await self.accept(name, body)

    async def _body(self, request: web.Request) -> bytes | web.Response:
        try:
            async with asyncio.timeout(READ_S):
                return await request.read()
        except web.HTTPRequestEntityTooLarge:
            rule = f"must be at most {self._body_max_bytes} bytes"
            size = str(request.content_length or "")
            return refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, invalid("body", size, rule))
        except TimeoutError:
            rule = f"must be here within {READ_S:g} s"
            return refused(HTTPStatus.REQUEST_TIMEOUT, invalid("body", "", rule))

    @web.middleware
    async def _refusals_as_json(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPNotFound:
            rule = f"must be POST /{self.path}/{self.role.upper()}"
            return refused(HTTPStatus.NOT_FOUND, invalid("path", request.path[:200], rule))
        except web.HTTPMethodNotAllowed:
            rule = "must be POST"
            return refused(HTTPStatus.METHOD_NOT_ALLOWED, invalid("method", request.method, rule))


def told(error: RowError) -> dict[str, str]:
    """A refusal, as JSON tells of it."""
    return {
        "reason": error.reason,
        "field": error.field,
        "value": error.value.encode(errors="backslashreplace").decode(),
        "message": error.message.encode(errors="backslashreplace").decode(),
    }


def refused(status: HTTPStatus, error: RowError) -> web.Response:
    """Says that nothing was kept."""
    return answer(status, {"status": "refused", "error": told(error)})


def busy(why: str) -> web.Response:
    """Says that nothing was kept, and may be later."""
    error = RowError("", "", "BUSY", f"{why}: send it again later")
    content = {"status": "refused", "error": told(error)}
    found = answer(HTTPStatus.SERVICE_UNAVAILABLE, content)
    found.headers["Retry-After"] = RETRY_AFTER_S
    return found


def answer(status: HTTPStatus, content: dict[str, Any]) -> web.Response:
    """An answer of JSON."""
    return web.Response(
        body=msgspec.json.encode(content), status=status, content_type="application/json"
    )
