"""The types of single cells, with their rules, and the one way from cells to a typed row."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from creditgate.client import money
from creditgate.loaders.errors import RowError

ID_BYTES_MAX = 64
TEXT_BYTES_MAX = 200
POSITION_MAX = (1 << 64) - 1
DAYS_MAX = 3_660
SCORE_MAX = 1_000_000
INVALID = "FIELD_INVALID"

# What sources make of bytes that are not UTF-8.
SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")

RowT = TypeVar("RowT", bound=msgspec.Struct)


class Id(str):
    """1 to 64 bytes of UTF-8 in any script, without control characters."""

    __slots__ = ()


class Text(str):
    """At most 200 bytes of UTF-8 without control characters."""

    __slots__ = ()


class Currency(str):
    """An ISO 4217 code."""

    __slots__ = ()


class Amount(str):
    """A decimal amount; its currency, in another cell, says how many decimals it may have."""

    __slots__ = ()


class Words(str):
    """Printable UTF-8, of any length."""

    __slots__ = ()


class Days(int):
    """A number of days, 0 to 3,660."""


class Score(int):
    """How good a customer is, 0 to 1,000,000."""


class Position(int):
    """A place in the source's stream, 0 to 2^64 - 1."""


def _printable(value: str, bytes_max: int) -> str:
    # Nearly all are, and millions of rows have several.
    if value.isascii() and value.isprintable() and len(value) <= bytes_max:
        return value
    if SURROGATE.search(value):
        raise ValueError("must be UTF-8")
    if _CONTROL.search(value):
        raise ValueError("must not contain control characters")
    size = len(value.encode())
    if size > bytes_max:
        raise ValueError(f"must be at most {bytes_max} bytes of UTF-8, is {size}")
    return value


def identifier(value: str) -> Id:
    """`value` as an id of the contract. Raises ValueError that says what it must be."""
    if not value:
        raise ValueError("must not be empty")
    return Id(_printable(value, ID_BYTES_MAX))


@lru_cache(maxsize=256)
def _currency(value: str) -> Currency:
    try:
        money.exponent(value)
    except ValueError as error:
        raise ValueError(str(error).removeprefix(f"currency is {value!r}: ")) from error
    return Currency(value)


def _position(value: str) -> Position:
    if not re.fullmatch(r"[0-9]{1,20}", value) or int(value) > POSITION_MAX:
        raise ValueError(f"must be a whole number from 0 to {POSITION_MAX}")
    return Position(value)


def _days(value: str) -> Days:
    if not re.fullmatch(r"[0-9]{1,4}", value) or int(value) > DAYS_MAX:
        raise ValueError(f"must be a whole number from 0 to {DAYS_MAX}")
    return Days(value)


def _score(value: str) -> Score:
    if not re.fullmatch(r"[0-9]{1,7}", value) or int(value) > SCORE_MAX:
        raise ValueError(f"must be a whole number from 0 to {SCORE_MAX}")
    return Score(value)


_DECODERS: dict[type[Any], Callable[[str], Any]] = {
    Id: identifier,
    Text: lambda value: Text(_printable(value, TEXT_BYTES_MAX)),
    Currency: _currency,
    Amount: Amount,
    Words: lambda value: Words(_printable(value, len(value.encode(errors="replace")))),
    Days: _days,
    Position: _position,
    Score: _score,
}


def _decode(kind: type[Any], value: Any) -> Any:
    return _DECODERS[kind](value)


_AT_FIELD = re.compile(r"(?P<rule>.*) - at `\$\.(?P<field>\w+)`$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>.*)`$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>\w+)`$")


def typed(cells: Mapping[str, str], kind: type[RowT]) -> RowT:
    """The row as `kind`, every cell checked by itself. Raises RowError."""
    try:
        return msgspec.convert(cells, kind, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise _row_error(str(error), cells, kind) from error


def _row_error(text: str, cells: Mapping[str, str], kind: type[RowT]) -> RowError:
    if missing := _MISSING.match(text):
        return invalid(missing["field"], "", "must not be empty")
    if unknown := _UNKNOWN.match(text):
        field = unknown["field"]
        return invalid(field, str(cells.get(field, "")), "is no column of this kind of row")
    at_field = _AT_FIELD.match(text)
    assert at_field is not None, text
    field, rule = at_field["field"], at_field["rule"]
    declared = next(item.type for item in msgspec.structs.fields(kind) if item.name == field)
    return invalid(field, cells[field], _plain_rule(declared) or rule)


def _plain_rule(declared: Any) -> str | None:
    """The rule in words, where msgspec's own message would not name it."""
    info = msgspec.inspect.type_info(declared)
    members = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    for member in members:
        if isinstance(member, msgspec.inspect.LiteralType):
            return f"must be one of {', '.join(map(str, member.values))}"
        if isinstance(member, msgspec.inspect.DateType):
            return "must be a date, YYYY-MM-DD"
        if isinstance(member, msgspec.inspect.TimeType):
            return "must be a time, HH:MM:SS"
    return None


def invalid(field: str, value: str, rule: str) -> RowError:
    """A cell that breaks a rule, worded like the server's own refusals."""
    return RowError(field, value, INVALID, f"{field} {value!r}: {rule}")


def minor(field: str, value: str, currency: str) -> int:
    """A decimal amount as minor units of its currency, exactly. Raises RowError."""
    try:
        return money.parse(value, currency)
    except ValueError as error:
        raise invalid(field, value, str(error).removeprefix(f"amount is {value!r}: ")) from error


def moment(field: str, value: str) -> datetime:
    """A time as a cell says it; without a zone it is UTC. Raises RowError."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise invalid(field, value, "must be a time like 2026-01-31T16:00:00Z") from None
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError:
        raise invalid(field, value, "must be within the years 1 to 9999 of UTC") from None
