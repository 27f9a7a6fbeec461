"""Where every account stands, read over gRPC, summed up and compared."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from creditgate.client import AsyncClient, Position

LOOKUPS_IN_FLIGHT_MAX = 32

COUNTERS = (
    "outstanding_minor",
    "captured_minor",
    "reserved_minor",
    "exposure_minor",
    "disputed_minor",
    "available_minor",
    "shared",
    "bound_by",
    "holds",
    "temporary_limits",
    "rolling_limit",
    "last_order_date",
    "effective_limit",
    "limit_source",
    "status",
    "currency",
)
"""All that a position says but its place in the journal, which belongs to no single account."""


@dataclass
class Totals:
    """Sums over the accounts of one currency, in its minor units."""

    accounts: int = 0
    outstanding_minor: int = 0
    captured_minor: int = 0
    reserved_minor: int = 0
    exposure_minor: int = 0


@dataclass(frozen=True)
class Difference:
    """One counter of one account that is not what it was; an absent account has no values."""

    account_id: str
    counter: str
    before: object
    after: object


async def read_all(client: AsyncClient) -> dict[str, Position]:
    """The position of every account, in the order in which the accounts were created."""
    slots = asyncio.Semaphore(LOOKUPS_IN_FLIGHT_MAX)

    async def read(account_id: str) -> Position:
        async with slots:
            return await client.get_position(account_id)

    ids = [account.account_id async for account in client.list_accounts(page_size=1_000)]
    positions = await asyncio.gather(*map(read, ids))
    return dict(zip(ids, positions, strict=True))


def totals(positions: Mapping[str, Position]) -> dict[str, Totals]:
    """Sums by currency, in alphabetical order."""
    sums: dict[str, Totals] = defaultdict(Totals)
    for position in positions.values():
        total = sums[position.currency]
        total.accounts += 1
        total.outstanding_minor += position.outstanding_minor
        total.captured_minor += position.captured_minor
        total.reserved_minor += position.reserved_minor
        total.exposure_minor += position.exposure_minor
    return dict(sorted(sums.items()))


def differences(
    before: Mapping[str, Position], after: Mapping[str, Position]
) -> Iterator[Difference]:
    """Every counter of every account that differs, and every account on one side alone."""
    for account_id in dict.fromkeys([*before, *after]):
        old, new = before.get(account_id), after.get(account_id)
        if old is None or new is None:
            yield Difference(account_id, "account", old, new)
            continue
        for counter in COUNTERS:
            was, now = getattr(old, counter), getattr(new, counter)
            if was != now:
                yield Difference(account_id, counter, was, now)
