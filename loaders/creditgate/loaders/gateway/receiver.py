"""The HTTP side: deliveries of events, answered with 2xx once they are on disk."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

from aiohttp import web

from creditgate.loaders.errors import RowError
from creditgate.loaders.gateway.events import parse
from creditgate.loaders.gateway.forwarder import Forwarder
from creditgate.loaders.gateway.letters import letter
from creditgate.loaders.queue.inbox import Inbox, Put, Received
from creditgate.loaders.queue.letters import LetterBox
from creditgate.loaders.queue.stake import Stakes
from creditgate.loaders.receiving import receiver
from creditgate.loaders.receiving.receiver import Writer, answer, busy, told
from creditgate.loaders.receiving.secrets import Secrets
from creditgate.loaders.running.logs import log


class Receiver(receiver.Receiver):
    """Takes `POST /events/GATEWAY`."""

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
        """`forwarders`: by source, of every gateway that has secrets."""
        super().__init__(
            "events",
            "gateway",
            secrets,
            window_s=window_s,
            body_max_bytes=body_max_bytes,
            clock=clock,
        )
        self._writer = Writer(inbox)
        self._letters = letters
        self._forwarders = forwarders
        self._stakes = stakes

    async def accept(self, name: str, body: bytes) -> web.Response:
        """Takes one event. Raises StateError, LettersFullError."""
        source = f"gateway:{name}"
        try:
            event = parse(body)
        except RowError as error:
            return await self._keep_malformed(source, body, error)
        if event is None:
            return answer(HTTPStatus.OK, {"status": "ignored"})
        put = await self._writer.put(Received(source, event.id, event.data.account_id, body))
        if put is Put.FULL:
            return busy("too many events wait")
        if put is Put.NEW:
            self._forwarders[source].wake()
        status = "accepted" if put is Put.NEW else "repeated"
        return answer(HTTPStatus.OK, {"status": status, "id": event.id})

    async def _keep_malformed(self, source: str, body: bytes, error: RowError) -> web.Response:
        """It came from the gateway, which would send the same again and again: a person has to
        look at it, so it is kept, and taken off the gateway's hands."""
        found = await self._stakes.known(letter(source, body, error))
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
        status = {"status": "dead_letter", "id": found.event_id}
        return answer(HTTPStatus.ACCEPTED, status | {"error": told(error)})
