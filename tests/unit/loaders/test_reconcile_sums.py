"""Sums that tell accounts that differ, held against all that the two sides say."""

from itertools import chain
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditgate.loaders.ledger.differences import Account, Items
from creditgate.loaders.ledger.reconcile import Sums

ACCOUNTS = st.tuples(st.sampled_from("AB"), st.sampled_from(("USD", "EUR")))
# So few that the same amount often stands on another invoice, or is split among two.
ITEMS = st.dictionaries(
    st.sampled_from(("", "I1", "I2", "I3")), st.integers(-3, 3).filter(bool), min_size=1
)
SIDE = st.dictionaries(ACCOUNTS, ITEMS)
Item = tuple[Account, str, int]


def items(side: dict[Account, Items]) -> list[Item]:
    return list(
        chain.from_iterable(
            [(account, invoice, amount) for invoice, amount in found.items()]
            for account, found in side.items()
        )
    )


def told(side: Items) -> dict[Account, Items]:
    return {(f"A{number}", "USD"): moved(side, number) for number in range(300)}


def moved(side: Items, number: int) -> Items:
    """The same on other invoices, and of other amounts."""
    return {
        invoice and f"INV-{number}-{invoice}": amount * (number + 1)
        for invoice, amount in side.items()
    }


@pytest.mark.parametrize(
    ("ledger", "service"),
    [
        # Payments on the wrong invoice: the account's total is the same.
        ({"1": 100, "2": 50}, {"1": 50, "2": 100}),
        ({"1": 100, "2": 50}, {"1": 93, "2": 57}),
        ({"1": 100, "": -100}, {"1": 60, "": -60}),
        ({"1": 100}, {"2": 100}),
        # Python's hash of -1 is that of -2, and of 2^61 - 1 that of nothing.
        ({"": -1}, {"": -2}),
        ({"1": 5}, {"1": 5 + (1 << 61) - 1}),
        ({"1": 5}, {}),
        ({}, {"": 5}),
    ],
)
def test_what_differs_in_one_item_is_found_in_every_account(ledger: Items, service: Items) -> None:
    sums = Sums()
    for item in items(told(ledger)):
        sums.add(*item)
    for item in items(told(service)):
        sums.take_away(*item)
    assert sums.differing() == told({}).keys()


@given(ledger=SIDE, service=SIDE, random=st.randoms(use_true_random=False))
def test_an_account_differs_if_any_item_does_whatever_their_order(
    ledger: dict[Account, Items], service: dict[Account, Items], random: Random
) -> None:
    sums = Sums()
    moves = [(sums.add, item) for item in items(ledger)]
    moves += [(sums.take_away, item) for item in items(service)]
    random.shuffle(moves)
    for move, item in moves:
        move(*item)
    accounts = ledger.keys() | service.keys()
    assert sums.differing() == {one for one in accounts if ledger.get(one) != service.get(one)}
    assert len(sums) == len(accounts)
    assert sums.items == len(items(ledger))
