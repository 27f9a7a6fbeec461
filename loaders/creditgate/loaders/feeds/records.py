"""Records of feeds: the rows of `creditgate load flags` and `scores`, with a time and an id."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from creditgate.client import VerificationRecord
from creditgate.loaders import rows
from creditgate.loaders.errors import RowError
from creditgate.loaders.fields import identifier, invalid, moment
from creditgate.loaders.rows.findings import Flag

OWN: Final = ("id", "time")
"""What a record says beside its row."""
AHEAD_MAX_S: Final = 86_400
"""How far a record's time may be ahead: one of next year would outdo all until then."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Record(NamedTuple):
    """One record that may be sent."""

    event_id: str
    key: str
    """What it is about: of those with the same, none is sent after one with a later time."""
    time_us: int
    """Microseconds since 1970."""
    message: Flag | VerificationRecord

    @property
    def account_id(self) -> str:
        """Whose it is."""
        return self.message.account_id


def kind_of(source: str) -> str:
    """`flags` or `scores`. Sources are bureau:NAME, drop:flags and drop:scores."""
    return "scores" if source == "drop:scores" else "flags"


def parse(source: str, payload: bytes, now_s: float) -> Record:
    """A JSON object of cells. Raises RowError."""
    cells = told(payload)
    if cells is None:
        raise invalid("body", "", "must be a JSON object")
    kind = rows.SCORES if kind_of(source) == "scores" else rows.FLAGS
    for name, value in cells.items():
        if name not in kind.columns and name not in OWN:
            known = ", ".join((*kind.columns, *OWN))
            raise invalid(name, value, f"must be one of {known}")
    time_us = _time_us(cells.pop("time", ""), now_s)
    event_id = _event_id(source, cells.pop("id", ""), payload)
    if source.startswith("bureau:"):
        _own(cells, source.removeprefix("bureau:"))
    message = kind.message(cells)
    what = message.hold_id if isinstance(message, Flag) else message.verification.reference
    key = msgspec.json.encode([kind_of(source), str(message.account_id), str(what)]).decode()
    return Record(event_id, key, time_us, message)


def _own(cells: dict[str, str], bureau: str) -> None:
    """Who signs places and lifts flags of their own alone."""
    if "hold_id" in cells:
        cells["hold_id"] = f"{bureau}:{cells['hold_id']}"
    cells.setdefault("source", bureau)


def told(payload: bytes) -> dict[str, str] | None:
    """What a record says as cells, those that are empty left out; None where it is no object."""
    try:
        raw = msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    if not isinstance(raw, dict):
        return None
    found = {name: _cell(value) for name, value in raw.items()}
    return {name: value for name, value in found.items() if value}


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def hashed_id(source: str, payload: bytes) -> str:
    """The id of a record that says none: the same for the same record."""
    return f"sha256:{hashlib.sha256(source.encode() + b' ' + payload).hexdigest()[:32]}"


def _event_id(source: str, value: str, payload: bytes) -> str:
    if not value:
        return hashed_id(source, payload)
    try:
        return str(identifier(value))
    except ValueError as error:
        raise invalid("id", value, str(error)) from error


def _time_us(value: str, now_s: float) -> int:
    if not value:
        raise invalid("time", "", "must be given")
    time_us = (moment("time", value) - _EPOCH) // timedelta(microseconds=1)
    if time_us > (now_s + AHEAD_MAX_S) * 1_000_000:
        raise invalid("time", value, "must be at most a day ahead of now")
    return time_us


def shown_id(source: str, payload: bytes, cells: Mapping[str, str]) -> str:
    """The id of a record that may not be sent, as well as it can be told."""
    try:
        return _event_id(source, cells.get("id", ""), payload)
    except RowError:
        return hashed_id(source, payload)
