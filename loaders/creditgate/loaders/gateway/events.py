"""Payment events as a gateway words them: JSON, checked field by field."""

import hashlib
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from creditgate.client import MoneyError, money
from creditgate.client.money import AMOUNT_MINOR_MAX
from creditgate.loaders.errors import RowError
from creditgate.loaders.fields import identifier, invalid
from creditgate.loaders.rows.entries import ALLOCATIONS_MAX

OWNER: Final = "gateway"
DERIVED_ID_BYTES_MAX: Final = 60
"""Of ids from which those of several entries are made, by a colon and up to three digits."""

_AT: Final = re.compile(r"(?P<rule>.*) - at `\$\.?(?P<path>.*)`$", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(?P<field>\w+)`")


class EventType(StrEnum):
    """The events that count; all others are passed over."""

    SUCCEEDED = "payment.succeeded"
    REFUNDED = "payment.refunded"
    FAILED = "payment.failed"
    REVERSED = "payment.reversed"


class SettledInvoice(msgspec.Struct, frozen=True):
    """What part of a payment settles which invoice."""

    invoice_id: str
    amount_minor: int


class Data(msgspec.Struct, frozen=True):
    """Whose payment it is and how much of it this event is about, in minor units above zero.

    `invoices` belong to `payment.succeeded` alone. `refund_id` names a refund or a reversal of
    which several events tell; where it is empty, the event's id stands for it.
    """

    payment_id: str
    account_id: str
    amount_minor: int
    currency: str
    invoices: tuple[SettledInvoice, ...] = ()
    refund_id: str = ""


class PaymentEvent(msgspec.Struct, frozen=True):
    """One event. `created`: when it came about at the gateway, in seconds since 1970."""

    id: str
    type: EventType
    created: int
    data: Data

    @property
    def reversal_id(self) -> str:
        """The id from which those of the entries of a refund, reversal or failure are made."""
        return self.data.refund_id or self.id


def parse(body: bytes) -> PaymentEvent | None:
    """The event, None for one of a type that does not count. Raises RowError."""
    raw = _object(body)
    kind = raw.get("type")
    if isinstance(kind, str) and kind not in set(EventType):
        return None
    try:
        event = msgspec.convert(raw, PaymentEvent)
    except msgspec.ValidationError as error:
        raise _fault(raw, str(error)) from error
    _check(event)
    return event


class Told(msgspec.Struct, frozen=True):
    """What can be made out of an event that breaks a rule, for its dead letter."""

    event_id: str
    kind: str
    account_id: str
    amount_minor: int | None
    currency: str


def told(body: bytes) -> Told:
    """What the body says, as far as it says it; without an id one is made of its digest."""
    try:
        raw: Mapping[str, Any] = _object(body)
    except RowError:
        raw = {}
    data = raw.get("data")
    data = data if isinstance(data, dict) else {}
    amount = data.get("amount_minor")
    currency = _id_or_empty(data.get("currency"))
    counts = isinstance(amount, int) and abs(amount) <= AMOUNT_MINOR_MAX and _is_currency(currency)
    return Told(
        event_id=_id_or_empty(raw.get("id")) or f"sha256:{hashlib.sha256(body).hexdigest()[:32]}",
        kind=_id_or_empty(raw.get("type")),
        account_id=_id_or_empty(data.get("account_id")),
        amount_minor=amount if counts else None,
        currency=currency if counts else "",
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise invalid("body", "", f"must be JSON: {error}") from error
    if not isinstance(raw, dict):
        raise invalid("body", _shown(raw), "must be a JSON object")
    return raw


def _id_or_empty(value: object) -> str:
    try:
        return str(identifier(value)) if isinstance(value, str) else ""
    except ValueError:
        return ""


def _is_currency(value: str) -> bool:
    try:
        money.exponent(value)
    except MoneyError:
        return False
    return True


def _fault(raw: Mapping[str, Any], text: str) -> RowError:
    """The refusal of msgspec as field, value and rule."""
    at = _AT.match(text)
    rule, path = (at["rule"], at["path"]) if at else (text, "")
    if missing := _MISSING.match(rule):
        field = ".".join(filter(None, (path, missing["field"])))
        return invalid(field, "", "must be given")
    value: Any = raw
    for step in re.findall(r"\w+", path):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal():
            value = value[int(step)]
    return invalid(path, _shown(value), rule[:1].lower() + rule[1:])


def _shown(value: object) -> str:
    return msgspec.json.encode(value).decode()[:200]


def _check(event: PaymentEvent) -> None:
    data = event.data
    _check_id("id", event.id, DERIVED_ID_BYTES_MAX)
    if data.refund_id:
        _check_id("data.refund_id", data.refund_id, DERIVED_ID_BYTES_MAX)
    _check_id("data.payment_id", data.payment_id)
    _check_id("data.account_id", data.account_id)
    if event.created < 0 or event.created >= 1 << 40:
        raise invalid("created", str(event.created), "must be a time in seconds since 1970")
    if not _is_currency(data.currency):
        raise invalid("data.currency", data.currency, "must be an ISO 4217 code, like USD")
    _check_amount("data.amount_minor", data.amount_minor)
    _check_invoices(event)


def _check_invoices(event: PaymentEvent) -> None:
    invoices, rest = event.data.invoices, event.data.amount_minor
    if invoices and event.type is not EventType.SUCCEEDED:
        rule = f"must be empty in {event.type}: it follows what the payment has settled"
        raise invalid("data.invoices", str(len(invoices)), rule)
    if len(invoices) > ALLOCATIONS_MAX:
        rule = f"must be at most {ALLOCATIONS_MAX}"
        raise invalid("data.invoices", str(len(invoices)), rule)
    for place, invoice in enumerate(invoices):
        _check_id(f"data.invoices[{place}].invoice_id", invoice.invoice_id)
        field = f"data.invoices[{place}].amount_minor"
        _check_amount(field, invoice.amount_minor)
        rest -= invoice.amount_minor
        if rest < 0:
            rule = "must be in sum at most data.amount_minor"
            raise invalid(field, str(invoice.amount_minor), rule)


def _check_id(field: str, value: str, bytes_max: int | None = None) -> None:
    try:
        identifier(value)
    except ValueError as error:
        raise invalid(field, value, str(error)) from error
    if bytes_max is not None and len(value.encode()) > bytes_max:
        raise invalid(field, value, f"must be at most {bytes_max} bytes of UTF-8")


def _check_amount(field: str, amount_minor: int) -> None:
    if not 0 < amount_minor <= AMOUNT_MINOR_MAX:
        rule = f"must be minor units from 1 to {AMOUNT_MINOR_MAX}"
        raise invalid(field, str(amount_minor), rule)
