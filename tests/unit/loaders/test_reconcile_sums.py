"""Sums that tell accounts that differ, held against all that the two sides say."""

from itertools import chain

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


@given(ledger=SIDE, service=SIDE, data=st.data())
def test_an_account_differs_if_any_item_does_whatever_their_order(
    ledger: dict[Account, Items], service: dict[Account, Items], data: st.DataObject
) -> None:
    sums = Sums()
    for item in data.draw(st.permutations(items(ledger))):
        sums.add(*item)
    for item in data.draw(st.permutations(items(service))):
        sums.take_away(*item)
    accounts = ledger.keys() | service.keys()
    assert sums.differing() == {one for one in accounts if ledger.get(one) != service.get(one)}
    assert len(sums) == len(accounts)
    assert sums.items == len(items(ledger))
