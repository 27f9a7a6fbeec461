"""The loaders' logs, written as the server's are."""

import logging
from typing import Any, Final

from creditgate.client import logs

LOGGER: Final = logging.getLogger("creditgate.loaders")


LINES_PER_S_MAX: Final = 20
"""Of lines that others can cause."""


def log(level: int, event: str, **fields: Any) -> None:
    """Write one line: what happened, and the figures that belong to it."""
    logs.write(LOGGER, level, event, **fields)
