"""What a reconciliation finds: the accounts that differ, and the entries that explain it."""

from enum import StrEnum

import msgspec

Items = dict[str, int]
"""What is open of one account in minor units, by invoice; "" for what stands on none."""

Account = tuple[str, str]
"""An account's id and its currency."""


class Kind(StrEnum):
    """What is wrong with an entry."""

    MISSING = "MISSING"
    """The ledger has it, the service does not."""
    UNKNOWN = "UNKNOWN"
    """The service has it, the ledger does not: posted by hand, by another source, or twice."""
    AMOUNT = "AMOUNT"
    """Both have it, and move what is owed by different amounts."""


class EntryDifference(msgspec.Struct, frozen=True):
    """One entry that explains a difference, and what it moves in each."""

    kind: Kind
    entry_id: str
    ledger_minor: int | None
    service_minor: int | None
    source: str
    """Whose entry it is: of the ledger, or of whoever else posted it."""


class Difference(msgspec.Struct, frozen=True):
    """One account whose open items differ: by invoice, then by what explains it."""

    account_id: str
    currency: str
    ledger_minor: int
    service_minor: int
    items: dict[str, tuple[int, int]]
    """By invoice, "" for what stands on none: what the ledger says is open, and the service."""
    entries: tuple[EntryDifference, ...]


class Report(msgspec.Struct, frozen=True):
    """What a reconciliation found."""

    position: int
    """All transactions of the ledger below it were compared, in accounts that differed at first;
    in others as far as the ledger had come then."""
    accounts: int
    items: int
    differences: tuple[Difference, ...]
    unsettled: tuple[str, ...]
    """Accounts that moved at every look, so that nothing can be said of them."""
    unreadable: tuple[str, ...] = ()
    """Accounts of which the ledger says an amount that is none of their currency; one more for all
    that is open on no account."""
    explained: bool = True
    """Whether differences are named to the entry, for which the journal has to be read."""
