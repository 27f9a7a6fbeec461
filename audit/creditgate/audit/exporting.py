"""What was done, as CSV and as JSON Lines. The shapes are described in docs/audit.md."""

import csv
from collections.abc import Iterable
from typing import Any, Final, Protocol, TextIO

import msgspec

from creditgate.client import Change

_HEAD: Final = (
    "seq",
    "time",
    "actor",
    "channel",
    "reason",
    "reason_erased",
    "command",
    "request_id",
    "account_id",
    "decision",
)
COLUMNS: Final = (*_HEAD, "record_account_id", "record", "before", "after")

_NAMES: Final = (
    "account_id",
    "segment_id",
    "currency",
    "reservation_id",
    "order_id",
    "terms_id",
    "calendar_id",
    "contract_id",
    "version",
    "case_id",
    "delegator",
    "to",
)
"""Fields that say which record it is: they stand there also where they do not change."""


_TIME_OF_ENTRY: Final = "update_time"


class Writer(Protocol):
    """Writes changes to a file."""

    def write(self, changes: Iterable[Change]) -> None:
        """Writes some, in order."""


class JsonLines:
    """One change to a line, its records in it."""

    def __init__(self, to: TextIO) -> None:
        self._to = to

    def write(self, changes: Iterable[Change]) -> None:
        """Writes some, in order."""
        for change in changes:
            line = {**_head(change), "records": _records(change)}
            self._to.write(msgspec.json.encode(line).decode() + "\n")


class Csv:
    """One record to a line; a change without any has a line of its own."""

    def __init__(self, to: TextIO) -> None:
        self._rows = csv.DictWriter(to, COLUMNS, lineterminator="\n")
        self._rows.writeheader()

    def write(self, changes: Iterable[Change]) -> None:
        """Writes some, in order."""
        for change in changes:
            head = _head(change)
            for record in _records(change) or [{}]:
                texts = {name: _text(value) for name, value in {**head, **record}.items()}
                self._rows.writerow(texts)


def _head(change: Change) -> dict[str, Any]:
    return {
        "seq": change.journal_seq,
        "time": None if change.time is None else change.time.isoformat(),
        "actor": change.actor,
        "channel": change.channel,
        "reason": change.reason or None,
        "reason_erased": change.reason_erased,
        "command": change.command,
        "request_id": change.request_id or None,
        "account_id": change.account_id or None,
        "decision": change.decision,
    }


def _records(change: Change) -> list[dict[str, Any]]:
    found = []
    for record in change.records:
        before, after = _differing(record.before, record.after)
        found.append(
            {
                "record_account_id": record.account_id or None,
                "record": record.kind,
                "before": before,
                "after": after,
            }
        )
    return found


def _differing(
    before: dict[str, Any] | None, after: dict[str, Any] | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """What is not the same, and which record it is. Of one that is new, all that is set."""
    if before is None or after is None:
        return _set(before), _set(after)
    names = [
        name
        for name in after
        if (before[name] != after[name] and name != _TIME_OF_ENTRY)
        or (name in _NAMES and after[name])
    ]
    return {name: before[name] for name in names}, {name: after[name] for name in names}


def _set(record: dict[str, Any] | None) -> dict[str, Any] | None:
    if record is None:
        return None
    return {name: value for name, value in record.items() if value is not None and value != ""}


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | bool):
        return msgspec.json.encode(value).decode()
    return str(value)
