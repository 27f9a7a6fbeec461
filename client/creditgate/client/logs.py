"""Structured logs on stderr: one JSON object a line, or the same for human eyes.

For the programs around the service, which log under names that begin with `creditgate.`.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

OURS: Final = "creditgate."
FIELDS: Final = "creditgate_fields"


def write(logger: logging.Logger, level: int, event: str, **fields: Any) -> None:
    """Write one line: what happened, and the figures that belong to it."""
    logger.log(level, event, extra={FIELDS: fields})


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JsonFormatter(logging.Formatter):
    """`{"time", "level", "event", ...fields}`; lines of other libraries have a `logger` too."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        if not record.name.startswith(OURS):
            line["logger"] = record.name
        line.update(getattr(record, FIELDS, {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=repr).decode()


class ConsoleFormatter(logging.Formatter):
    """`time LEVEL event  key=value ...`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        fields: dict[str, Any] = getattr(record, FIELDS, {})
        # Values can hold what a caller sent: repr keeps a line break from faking a line.
        tail = "".join(f"  {key}={value!r}" for key, value in fields.items())
        line = f"{_time(record)} {record.levelname:<7} {record.getMessage()}{tail}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def set_up(logger: logging.Logger, level: str, form: Literal["auto", "json", "console"]) -> None:
    """Send all logs of this process to stderr, in this form, those of `logger` from this level."""
    if form == "auto":
        form = "console" if sys.stderr.isatty() else "json"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else ConsoleFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logger.setLevel(level.upper())


class LineBudget:
    """Bounds how many lines of one kind are written in a second.

    So a flood of refused calls does not become a flood of writes as well.
    """

    def __init__(self, logger: logging.Logger, lines_per_s_max: int) -> None:
        self._logger = logger
        self._max = lines_per_s_max
        self._second = 0
        self._written = 0
        self._left_out = 0

    def admit(self, now_s: float) -> bool:
        """Whether a line may be written now. `now_s`: a clock that never goes back."""
        if int(now_s) != self._second:
            if self._left_out:
                write(self._logger, logging.WARNING, "lines left out", count=self._left_out)
            self._second, self._written, self._left_out = int(now_s), 0, 0
        if self._written >= self._max:
            self._left_out += 1
            return False
        self._written += 1
        return True
