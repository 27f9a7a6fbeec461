"""The server's logs: one JSON object a line on stderr, or the same for human eyes."""

import logging
from typing import Any, Final, Literal

from creditgate.client import logs

LOGGER: Final = logging.getLogger("creditgate.server")


def log(level: int, event: str, **fields: Any) -> None:
    """Write one line: what happened, and the figures that belong to it."""
    logs.write(LOGGER, level, event, **fields)


def set_up(level: str, form: Literal["auto", "json", "console"]) -> None:
    """Send all logs of this process to stderr, in this form from this level on."""
    logs.set_up(LOGGER, level, form)


class LineBudget(logs.LineBudget):
    """Bounds how many of the server's lines of one kind are written in a second."""

    def __init__(self, lines_per_s_max: int) -> None:
        super().__init__(LOGGER, lines_per_s_max)
