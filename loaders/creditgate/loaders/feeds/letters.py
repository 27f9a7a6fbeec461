"""Dead letters of feeds, and how they are sent again."""

import asyncio
import time
from pathlib import Path
from typing import Final

from creditgate.client import AsyncClient, ItemError
from creditgate.loaders.errors import RowError
from creditgate.loaders.feeds.latest import Latest
from creditgate.loaders.feeds.records import hashed_id, kind_of, parse, shown_id, told
from creditgate.loaders.feeds.sending import refusal, send
from creditgate.loaders.queue.letters import DeadLetter

OWNER: Final = "bureau"
FILE: Final = "file:"
"""What ids of letters of whole files begin with."""
# Which accounts there are is the ledger's to say.
_OWNERS: Final = {"account_id": "ledger"}


def letter(source: str, payload: bytes, error: RowError, event_id: str = "") -> DeadLetter:
    """The letter of a record that cannot be taken, for what `error` says."""
    cells = told(payload) or {}
    return DeadLetter(
        source=source,
        event_id=event_id or shown_id(source, payload, cells),
        kind=kind_of(source),
        account_id=cells.get("account_id", "")[:64],
        field=error.field,
        value=error.value,
        reason=error.reason,
        message=error.message,
        owner=_OWNERS.get(error.field, OWNER),
        payload=payload,
    )


def file_letter(source: str, name: str, written_at: str, message: str) -> DeadLetter:
    """The letter of a file that cannot be read as one at all. Another file of the same name has
    one of its own: that the first was discarded says nothing of it."""
    error = RowError("", "", "FILE_UNREADABLE", message)
    payload = f"{name} {written_at}".encode(errors="surrogateescape")
    return letter(source, payload, error, FILE + hashed_id(source, payload))


async def replay(found: DeadLetter, client: AsyncClient, state: Path) -> None:
    """Sends the record of a letter, unless a later one of the same flag or score was sent since.
    Raises RowError when it is refused again, CallError."""
    if found.event_id.startswith(FILE):
        # The file lies in `done`: mended, it is dropped again.
        raise RowError(found.field, found.value, found.reason, found.message)
    record = parse(found.source, found.payload, time.time())
    with Latest(state) as latest:
        if latest.is_older(record):
            return
        (outcome,) = await send(client, [record])
        if isinstance(outcome, ItemError):
            raise refusal(found.payload, outcome)
        await asyncio.to_thread(latest.note, [record])
