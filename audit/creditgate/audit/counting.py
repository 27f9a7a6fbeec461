"""What counts of an order that does not count as it is: an auditor's arithmetic, in fractions."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from creditgate.client import money


@dataclass
class Counting:
    """An order in its own currency, and what its open amount is worth in the account's."""

    parts: list[int]
    """Open, captured, released, expired."""
    share: Fraction
    """The part of it that counts, without tax or freight where these do not."""
    currencies: tuple[str, str] | None
    """The order's and the account's, where these are two."""
    rate: Fraction
    waits: bool
    """Its day of shipping is too far away: nothing of it counts yet."""

    @classmethod
    def read(cls, stored: list[Any]) -> "Counting":
        """Reads how a reservation counts as an event tells of it."""
        parts, total, excluded, exchange, _ship_date, waiting, _sold_to = stored
        found = cls(parts, Fraction(total - excluded, total), None, Fraction(1), waiting == "still")
        if exchange is not None:
            origin, target, quote, inverted = exchange
            found.currencies = (origin, target)
            found.set_rate(quote, inverted)
        return found

    def set_rate(self, quote: list[Any], inverted: bool) -> None:
        """Sets the rate, in minor units of both currencies."""
        assert self.currencies is not None, "an order in one currency has no rate"
        (mantissa, scale), _source, _as_of = quote
        rate = Fraction(mantissa, 10**scale)
        origin, target = (10 ** money.exponent(currency) for currency in self.currencies)
        self.rate = (1 / rate if inverted else rate) * target / origin

    @property
    def worth(self) -> int:
        """What counts of the open amount, rounded up."""
        return 0 if self.waits else ceil(ceil(self.parts[0] * self.share) * self.rate)
