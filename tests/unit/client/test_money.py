"""Amounts between decimal text and minor units, exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditgate.client import MoneyError, money

CURRENCIES = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3, "CLF": 4}


@pytest.mark.parametrize(("currency", "decimals"), CURRENCIES.items())
def test_exponent(currency: str, decimals: int) -> None:
    assert money.exponent(currency) == decimals


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("125.00", "USD", 12500),
        ("125", "USD", 12500),
        ("125.5", "USD", 12550),
        ("0.01", "USD", 1),
        ("-0.01", "USD", -1),
        ("+7", "EUR", 700),
        (" 7.10 ", "EUR", 710),
        ("0", "USD", 0),
        ("-0", "USD", 0),
        ("007", "JPY", 7),
        ("1.234", "KWD", 1234),
        ("1.2", "CLF", 12000),
        # Beyond what a float holds exactly.
        ("90071992547409.93", "USD", 9007199254740993),
        ("10000000000000000.00", "USD", 10**18),
        ("-10000000000000000.00", "USD", -(10**18)),
    ],
)
def test_parse(text: str, currency: str, minor: int) -> None:
    assert money.parse(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "named"),
    [
        ("1.005", "USD", "USD has 2 decimals"),
        ("1.000", "USD", "USD has 2 decimals"),
        ("1.0", "JPY", "JPY has 0 decimals"),
        ("1.2345", "KWD", "KWD has 3 decimals"),
        ("1,250.00", "USD", "one decimal point"),
        ("1.250,00", "USD", "one decimal point"),
        ("", "USD", "one decimal point"),
        (".5", "USD", "one decimal point"),
        ("5.", "USD", "one decimal point"),
        ("1e3", "USD", "one decimal point"),
        ("NaN", "USD", "one decimal point"),
        ("٣", "USD", "one decimal point"),
        ("--1", "USD", "one decimal point"),
        ("1_000", "USD", "one decimal point"),
        ("10000000000000000.01", "USD", "at most 10000000000000000.00 USD"),
        ("9" * 10_000, "USD", "at most"),
    ],
)
def test_parse_refuses_and_names_value_and_rule(text: str, currency: str, named: str) -> None:
    with pytest.raises(MoneyError) as caught:
        money.parse(text, currency)
    assert repr(text) in str(caught.value)
    assert named in str(caught.value)


@pytest.mark.parametrize("currency", ["usd", "US", "USDX", "", "U$D", "XAU", "XDR", "XXX"])
def test_unfit_currency_is_refused(currency: str) -> None:
    with pytest.raises(MoneyError, match="currency is"):
        money.parse("1", currency)


@pytest.mark.parametrize(
    ("minor", "currency", "plain", "grouped"),
    [
        (123456, "USD", "1234.56", "1,234.56"),
        (-5, "USD", "-0.05", "-0.05"),
        (0, "USD", "0.00", "0.00"),
        (1234567, "JPY", "1234567", "1,234,567"),
        (1, "KWD", "0.001", "0.001"),
    ],
)
def test_format(minor: int, currency: str, plain: str, grouped: str) -> None:
    assert money.format(minor, currency) == plain
    assert money.format(minor, currency, group=True) == grouped


@given(st.integers(-(10**18), 10**18), st.sampled_from(sorted(CURRENCIES)))
def test_what_is_written_reads_back(minor: int, currency: str) -> None:
    assert money.parse(money.format(minor, currency), currency) == minor
