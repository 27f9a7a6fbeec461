"""The HTTP side: deliveries of flags, answered with 2xx once they are on disk."""

from http import HTTPStatus
from typing import Any, ClassVar

import msgspec
from aiohttp import web

from creditgate.loaders.errors import RowError
from creditgate.loaders.feeds.letters import letter
from creditgate.loaders.feeds.records import parse
from creditgate.loaders.queue.inbox import Put, Received
from creditgate.loaders.queue.letters import DeadLetter
from creditgate.loaders.receiving import receiver
from creditgate.loaders.receiving.receiver import DEAD, answer, busy


class Receiver(receiver.Receiver):
    """Takes `POST /flags/BUREAU`: one record, or a list of them."""

    path: ClassVar[str] = "flags"
    role: ClassVar[str] = "bureau"

    async def accept(self, name: str, body: bytes) -> web.Response:
        """Takes each record by itself. Raises StateError, LettersFullError."""
        source = f"bureau:{name}"
        records = _records(body)
        answers = [await self._one(source, one) for one in ([body] if records is None else records)]
        found = [one for one in answers if one is not None]
        if len(found) < len(answers):
            # Those that were kept are known when they come again.
            return busy("too many records wait")
        dead = any(one["status"] == DEAD for one in found)
        status = HTTPStatus.ACCEPTED if dead else HTTPStatus.OK
        if records is None:
            return answer(status, found[0])
        return answer(status, {"status": DEAD if dead else "accepted", "records": found})

    async def _one(self, source: str, body: bytes) -> dict[str, Any] | None:
        """What became of a record; None: there is no room for it now."""
        try:
            record = parse(source, body, self._clock())
        except RowError as error:
            return await self.keep_malformed(source, body, error)
        put = await self.put(Received(source, record.event_id, record.account_id, body))
        if put is Put.FULL:
            return None
        return {"status": "accepted" if put is Put.NEW else "repeated", "id": record.event_id}

    def letter(self, source: str, body: bytes, error: RowError) -> DeadLetter:
        """The dead letter of a record that cannot be taken."""
        return letter(source, body, error)


def _records(body: bytes) -> list[bytes] | None:
    """The records of a list, byte for byte; None where the body is no list."""
    try:
        return [bytes(one) for one in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
