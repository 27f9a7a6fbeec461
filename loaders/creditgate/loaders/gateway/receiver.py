"""The HTTP side: deliveries of events, answered with 2xx once they are on disk."""

from http import HTTPStatus
from typing import ClassVar

from aiohttp import web

from creditgate.loaders.errors import RowError
from creditgate.loaders.gateway.events import parse
from creditgate.loaders.gateway.letters import letter
from creditgate.loaders.queue.inbox import Put, Received
from creditgate.loaders.queue.letters import DeadLetter
from creditgate.loaders.receiving import receiver
from creditgate.loaders.receiving.receiver import answer, busy


class Receiver(receiver.Receiver):
    """Takes `POST /events/GATEWAY`."""

    path: ClassVar[str] = "events"
    role: ClassVar[str] = "gateway"

    async def accept(self, name: str, body: bytes) -> web.Response:
        """Takes one event. Raises StateError, LettersFullError."""
        source = f"gateway:{name}"
        try:
            event = parse(body)
        except RowError as error:
            return answer(HTTPStatus.ACCEPTED, await self.keep_malformed(source, body, error))
        if event is None:
            return answer(HTTPStatus.OK, {"status": "ignored"})
        put = await self.put(Received(source, event.id, event.data.account_id, body))
        if put is Put.FULL:
            return busy("too many events wait")
        status = "accepted" if put is Put.NEW else "repeated"
        return answer(HTTPStatus.OK, {"status": status, "id": event.id})

    def letter(self, source: str, body: bytes, error: RowError) -> DeadLetter:
        """The dead letter of an event that cannot be taken."""
        return letter(source, body, error)
