"""RateService: what it takes and answers, as messages of the contract."""

from datetime import datetime
from decimal import Decimal

import msgspec

from creditgate.client._wire import Page, time_or_none
from creditgate.v1 import rates_pb2 as pb


class ExchangeRate(msgspec.Struct, frozen=True, kw_only=True):
    """One whole unit of `base_currency` is worth `rate` whole units of `currency`.

    `source` is the system or bank that it comes from, `as_of` when it was true there: None, to be
    set, is now.
    """

    base_currency: str
    currency: str
    rate: Decimal
    source: str
    as_of: datetime | None = None


class RevalueResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one call of `revalue_reservations` did.

    Of the open orders in other currencies that it `examined`, `revalued` have another rate now, and
    `kept` keep theirs for want of a rate of today. `next_page_token` is empty once all were
    looked at.
    """

    examined: int
    revalued: int
    kept: int
    next_page_token: str
    journal_seq: int
    replayed: bool


def rate_from(message: pb.ExchangeRate) -> ExchangeRate:
    """Reads a message of the contract."""
    return ExchangeRate(
        base_currency=message.base_currency,
        currency=message.currency,
        rate=Decimal(message.rate),
        source=message.source,
        as_of=time_or_none(message, "as_of"),
    )


def rate_message(rate: ExchangeRate) -> pb.ExchangeRate:
    """Writes a message of the contract."""
    return pb.ExchangeRate(
        base_currency=rate.base_currency,
        currency=rate.currency,
        rate=f"{rate.rate:f}",
        source=rate.source,
        as_of=rate.as_of,
    )


def rate_page(message: pb.ListRatesResponse) -> Page[ExchangeRate]:
    """Reads a message of the contract."""
    return Page([rate_from(rate) for rate in message.rates], message.next_page_token)


def revalue_result(message: pb.RevalueReservationsResponse) -> RevalueResult:
    """Reads a message of the contract."""
    return RevalueResult(
        examined=message.examined,
        revalued=message.revalued,
        kept=message.kept,
        next_page_token=message.next_page_token,
        journal_seq=message.journal_seq,
        replayed=message.replayed,
    )
