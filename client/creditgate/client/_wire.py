"""From and to what stands on the wire: enums, times, optional fields, calls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum, StrEnum
from typing import Generic, TypeVar
from uuid import uuid4

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

T = TypeVar("T")
I_contra = TypeVar("I_contra", contravariant=True)
T_co = TypeVar("T_co", covariant=True)
E = TypeVar("E", bound=StrEnum)
M = TypeVar("M", bound=Message)


class Lane(Enum):
    """Which of the client's default timeouts holds for a call."""

    DECISION = "decision"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class Call(Generic[T_co]):
    """One unary call, ready to be sent as often as needed: every attempt sends the same bytes.

    Every call of the contract may be repeated: it reads, carries a request_id, an entry_id, or (the
    clock) an absolute value.
    """

    method: str
    request: bytes
    parse: Callable[[bytes], T_co]
    lane: Lane
    timeout_s: float | None
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Page(Generic[T_co]):
    """One page of a list; `next_page_token` is empty on the last."""

    items: Sequence[T_co]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class Listing(Generic[T_co]):
    """A list that is read page by page; `page` makes the call for the page after a token."""

    page: Callable[[str], Call[Page[T_co]]]


@dataclass(frozen=True, slots=True)
class Watch(Generic[T_co]):
    """One request, answered by a stream without end."""

    method: str
    request: bytes
    parse: Callable[[bytes], T_co]
    timeout_s: float | None


@dataclass(frozen=True, slots=True)
class Upload(Generic[I_contra, T_co]):
    """A stream of requests, each made from one item of the caller's, answered one by one."""

    method: str
    build: Callable[[I_contra], bytes]
    parse: Callable[[bytes], T_co]
    timeout_s: float | None


def method_path(service: ServiceDescriptor, name: str) -> str:
    """The path of a method as gRPC calls it; KeyError for a method the contract does not have."""
    return f"/{service.full_name}/{service.methods_by_name[name].name}"


def parser(message: type[M], convert: Callable[[M], T]) -> Callable[[bytes], T]:
    """Bytes of `message` to a result."""
    return lambda data: convert(message.FromString(data))


def unary(
    method: str,
    request: Message,
    response: type[M],
    convert: Callable[[M], T],
    *,
    lane: Lane,
    timeout_s: float | None,
) -> Call[T]:
    """The call that sends `request` and turns the response into a result."""
    request_id: str = getattr(request, "request_id", "")
    data = request.SerializeToString()
    return Call(method, data, parser(response, convert), lane, timeout_s, request_id)


def new_request_id() -> str:
    """An id that no other request has."""
    return uuid4().hex


class EnumCodec(Generic[E]):
    """Between an enum of this package and its twin in the contract, member by member by name.

    A number that this version does not know becomes UNKNOWN, so that an old client can talk to a
    newer server.
    """

    def __init__(self, enum: type[E], wire: EnumTypeWrapper) -> None:
        zero = wire.Name(0)
        self._prefix = zero.removesuffix("UNSPECIFIED")
        self._unknown = enum("UNKNOWN")
        self._by_number = {
            number: enum(name.removeprefix(self._prefix))
            for name, number in wire.items()
            if name != zero
        }

    def read(self, number: int) -> E:
        """The member for a number on the wire."""
        return self._by_number.get(number, self._unknown)

    def write(self, member: E | None) -> str:
        """The name on the wire; None is the unspecified value."""
        return self._prefix + ("UNSPECIFIED" if member is None else member.value)


def time_or_none(message: Message, field: str) -> datetime | None:
    """The timestamp in `field` as an aware datetime in UTC, None when absent."""
    if not message.HasField(field):
        return None
    stamp: Timestamp = getattr(message, field)
    return stamp.ToDatetime(tzinfo=UTC)


def zoned(name: str, time: datetime | None) -> datetime | None:
    """The moment as it is given. Raises ValueError where it has no time zone."""
    if time is not None and time.tzinfo is None:
        raise ValueError(f"{name} is {time.isoformat()}: must have a time zone")
    return time


def int_or_none(message: Message, field: str) -> int | None:
    """The optional integer in `field`, None when absent."""
    return int(getattr(message, field)) if message.HasField(field) else None


def date_or_none(text: str) -> date | None:
    """A business date of the contract (YYYY-MM-DD), None when empty."""
    return date.fromisoformat(text) if text else None


def date_text(day: date | None) -> str:
    """A business date as the contract writes it."""
    return "" if day is None else day.isoformat()
