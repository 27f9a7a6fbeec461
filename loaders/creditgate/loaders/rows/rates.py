"""Exchange rates."""

import re
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from creditgate.client import ExchangeRate
from creditgate.loaders.fields import Currency, Id, Words, invalid, moment, typed
from creditgate.loaders.rows.kind import RowKind

_RATE = re.compile(r"[0-9]{1,16}(\.[0-9]{1,12})?")


class RateRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one whole unit of a currency is worth in another."""

    base_currency: Currency
    currency: Currency
    rate: Words
    source: Id
    as_of: Words | None = None


def rate_message(cells: Mapping[str, str]) -> ExchangeRate:
    """Raises RowError."""
    row = typed(cells, RateRow)
    if row.base_currency == row.currency:
        raise invalid("currency", row.currency, "must be another one than base_currency")
    if not _RATE.fullmatch(row.rate) or not Decimal(row.rate):
        rule = "must be a decimal greater than zero, such as 1.0825"
        raise invalid("rate", row.rate, rule)
    as_of = None if row.as_of is None else moment("as_of", row.as_of)
    return ExchangeRate(
        base_currency=row.base_currency,
        currency=row.currency,
        rate=Decimal(row.rate),
        source=row.source,
        as_of=as_of,
    )


RATES = RowKind(RateRow, rate_message, {}, ("base_currency", "currency"))
