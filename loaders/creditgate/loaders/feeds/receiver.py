"""The HTTP side: deliveries of flags, answered with 2xx once they are on disk."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from creditgate.loaders.errors import RowError
from creditgate.loaders.feeds.forwarder import Forwarder
from creditgate.loaders.feeds.letters import letter
from creditgate.loaders.feeds.records import parse
from creditgate.loaders.queue.inbox import Inbox, Put, Received
from creditgate.loaders.queue.letters import LetterBox
from creditgate.loaders.queue.stake import Stakes
from creditgate.loaders.receiving import receiver
from creditgate.loaders.receiving.receiver import Writer, answer, busy, told
from creditgate.loaders.receiving.secrets import Secrets
from creditgate.loaders.running.logs import log

_DEAD = "dead_letter"


class Receiver(receiver.Receiver):
    """Takes `POST /flags/BUREAU`: one record, or a list of them."""

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
        """`forwarders`: by source, of every bureau that has secrets."""
        super().__init__(
            "flags",
            "bureau",
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
        """Takes each record by itself. Raises StateError, LettersFullError."""
        source = f"bureau:{name}"
        records = _records(body)
        answers = [await self._one(source, one) for one in ([body] if records is None else records)]
        found = [one for one in answers if one is not None]
        if len(found) < len(answers):
            # Those that were kept are known when they come again.
            return busy("too many records wait")
        dead = any(one["status"] == _DEAD for one in found)
        status = HTTPStatus.ACCEPTED if dead else HTTPStatus.OK
        if records is None:
            return answer(status, found[0])
        return answer(status, {"status": _DEAD if dead else "accepted", "records": found})

    async def _one(self, source: str, body: bytes) -> dict[str, Any] | None:
        """What became of a record; None: there is no room for it now."""
        try:
            record = parse(source, body, self._clock())
        except RowError as error:
            return await self._keep_malformed(source, body, error)
        put = await self._writer.put(Received(source, record.event_id, record.account_id, body))
        if put is Put.FULL:
            return None
        if put is Put.NEW:
            self._forwarders[source].wake()
        return {"status": "accepted" if put is Put.NEW else "repeated", "id": record.event_id}

    async def _keep_malformed(self, source: str, body: bytes, error: RowError) -> dict[str, Any]:
        """A person has to look at it: sent again it would be the same."""
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
        return {"status": _DEAD, "id": found.event_id, "error": told(error)}


def _records(body: bytes) -> list[bytes] | None:
    """The records of a list, byte for byte; None where the body is no list."""
    try:
        return [bytes(one) for one in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
