"""How the event of a dead letter is sent again: by the code of its source, under its own id."""

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

from creditgate.client import AsyncClient
from creditgate.loaders.errors import RowError
from creditgate.loaders.queue.letters import DeadLetter, LetterBox, Status

Replay = Callable[[DeadLetter, AsyncClient, Path], Awaitable[None]]
"""Sends the event again; the path is the state folder. Raises RowError when it is refused again,
CallError when the server did not answer."""

REPLAYS: Final[Mapping[str, str]] = {
    "bureau": "creditgate.loaders.feeds.letters:replay",
    "drop": "creditgate.loaders.feeds.letters:replay",
    "gateway": "creditgate.loaders.gateway.letters:replay",
    "ledger": "creditgate.loaders.ledger.letters:replay",
}
"""By the source's kind, as MODULE:FUNCTION, so that a source is imported only when it is needed."""


class ClosedError(Exception):
    """The letter is not open any more."""


class NoReplayError(Exception):
    """Nothing here knows how to send events of this kind of source again."""


async def replay(
    letters: LetterBox, letter: DeadLetter, client: AsyncClient, state: Path, *, by: str
) -> RowError | None:
    """Sends the event of `letter` again, as it is kept now, and notes what came of it.

    Returns why it was refused again; the letter then stays open with that reason. Raises
    NoReplayError; ClosedError where it is not open any more, as when its source told of the same
    again; and CallError when the server did not answer: the letter is as it was."""
    letter = _open(letters, letter)
    try:
        await _function(letter.source)(letter, client, state)
    except RowError as error:
        # What came meanwhile is newer, and stays.
        if _open(letters, letter).payload == letter.payload:
            letters.put(letter.because(error))
        return error
    letters.mark(
        letter.source, letter.event_id, Status.REPLAYED, by=by, why="", payload=letter.payload
    )
    return None


def _open(letters: LetterBox, letter: DeadLetter) -> DeadLetter:
    found = letters.get(letter.source, letter.event_id)
    if found.status is not Status.OPEN:
        raise ClosedError(
            f"{letter.source} {letter.event_id} is {found.status}: only an open one is sent again"
        )
    return found


def _function(source: str) -> Replay:
    kind = source.partition(":")[0]
    if kind not in REPLAYS:
        known = ", ".join(sorted(REPLAYS)) or "none"
        raise NoReplayError(
            f"events of source {source!r} cannot be sent again from here; known kinds: {known}"
        )
    module, _, name = REPLAYS[kind].partition(":")
    found: Replay = getattr(import_module(module), name)
    return found
