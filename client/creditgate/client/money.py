"""Amounts between decimal text, for people, and integer minor units, for everything else.

Exact both ways: no floats, no rounding. How many decimals a currency has is its exponent in
ISO 4217, List One, as maintained by SIX for ISO (https://www.six-group.com, table A.1): two, but
for the exceptions below.
"""

import re
from functools import lru_cache

from creditgate.client._errors import MoneyError

AMOUNT_MINOR_MAX = 10**18

_EXPONENT_DEFAULT = 2
_EXPONENTS = {
    "BIF": 0,
    "CLP": 0,
    "DJF": 0,
    "GNF": 0,
    "ISK": 0,
    "JPY": 0,
    "KMF": 0,
    "KRW": 0,
    "PYG": 0,
    "RWF": 0,
    "UGX": 0,
    "UYI": 0,
    "VND": 0,
    "VUV": 0,
    "XAF": 0,
    "XOF": 0,
    "XPF": 0,
    "BHD": 3,
    "IQD": 3,
    "JOD": 3,
    "KWD": 3,
    "LYD": 3,
    "OMR": 3,
    "TND": 3,
    "CLF": 4,
    "UYW": 4,
}
# Metals, units of account, tests: List One gives them no minor unit.
_WITHOUT_MINOR_UNIT = frozenset(
    {
        "XAG",
        "XAU",
        "XBA",
        "XBB",
        "XBC",
        "XBD",
        "XDR",
        "XPD",
        "XPT",
        "XSU",
        "XTS",
        "XUA",
        "XXX",
    }
)
_DIGITS_MAX = len(str(AMOUNT_MINOR_MAX))
_WHOLE_DIGITS_MAX = _DIGITS_MAX - 1 - max(_EXPONENTS.values())
"""So few digits are within the bound in any currency."""
_CODE = re.compile(r"[A-Z]{3}")
_DECIMAL = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?")


# Loads ask for the same few of every row.
@lru_cache(maxsize=256)
def exponent(currency: str) -> int:
    """How many decimals amounts of `currency` have. Raises MoneyError."""
    if not _CODE.fullmatch(currency):
        raise MoneyError(f"currency is {currency!r}: must be three capital letters, like USD")
    if currency in _WITHOUT_MINOR_UNIT:
        raise MoneyError(
            f"currency is {currency!r}: has no minor unit, so no amounts are kept in it"
        )
    return _EXPONENTS.get(currency, _EXPONENT_DEFAULT)


def parse(text: str, currency: str) -> int:
    """Decimal text such as "125.00" in minor units of `currency`.

    The point is the decimal mark; there are no group marks. Raises MoneyError for any other form,
    for more decimals than the currency has, and beyond 10^18 minor units.
    """
    decimals = exponent(currency)
    # Most are whole, and loads have millions of them.
    if len(text) <= _WHOLE_DIGITS_MAX and text.isascii() and text.isdigit():
        amount_minor: int = int(text) * 10**decimals
        return amount_minor
    match = _DECIMAL.fullmatch(text.strip())
    if match is None:
        raise MoneyError(
            f"amount is {text!r}: must be digits with at most one decimal point, like 1250.00"
        )
    sign, whole, fraction = match[1], match[2], match[3] or ""
    if len(fraction) > decimals:
        raise MoneyError(f"amount is {text!r}: {currency} has {decimals} decimals, not more")
    # The length first: int() of endless digits is slow, and refused by Python itself.
    digits = (whole + fraction.ljust(decimals, "0")).lstrip("0") or "0"
    if len(digits) > _DIGITS_MAX or int(digits) > AMOUNT_MINOR_MAX:
        largest = format(AMOUNT_MINOR_MAX, currency)
        raise MoneyError(f"amount is {text!r}: must be at most {largest} {currency}")
    return -int(digits) if sign == "-" else int(digits)


def format(amount_minor: int, currency: str, *, group: bool = False) -> str:  # noqa: A001
    """Minor units of `currency` as decimal text that `parse` reads back.

    `group` sets a comma between thousands, for reading only. Raises MoneyError.
    """
    decimals = exponent(currency)
    whole, fraction = divmod(abs(amount_minor), 10**decimals)
    text = f"{whole:,}" if group else str(whole)
    if decimals:
        text += f".{fraction:0{decimals}}"
    return f"-{text}" if amount_minor < 0 else text
