"""Accounts that are held to limits together with others, beside accounts that stand alone."""

from collections.abc import Iterator
from typing import Final

from bench.servers import Creditgate
from bench.suite import Suite, approved, in_pairs
from creditgate.client import AccountUpsert, AsyncClient, CreditLimit, Segment

SEGMENTS: Final = tuple(f"segment-{number}" for number in range(8))
_HEADS = 100
_ROWS_MAX = 1_000
_AMPLE = CreditLimit.of(10**18)


async def run(suite: Suite) -> None:
    """levels_cost: all in eight segments with caps, under heads two levels deep."""
    with suite.scratch() as folder:
        for name in ("alone", "levels"):
            (folder / name).mkdir()
        async with Creditgate(folder / "alone") as alone, Creditgate(folder / "levels") as levels:
            for server in (alone, levels):
                await suite.prepare(server)
            await put_in_levels(levels, suite.plan.accounts)
            for server in (alone, levels):
                approved(await suite.batch(server.address))
            pairs = await in_pairs(
                suite.plan.pairs,
                lambda: suite.batch(alone.address, seconds=suite.plan.pair_s),
                lambda: suite.batch(levels.address, seconds=suite.plan.pair_s),
                alone,
                levels,
            )
    suite.add(
        "levels_cost",
        [approved(a)["decisions_per_s"] / approved(b)["decisions_per_s"] for a, b in pairs],
    )


async def put_in_levels(server: Creditgate, accounts: int) -> None:
    """Every limit is ample: what is measured is the sums, and holding orders against them."""
    async with AsyncClient(server.address) as client:
        segments = [Segment(segment_id=segment, currency="USD", cap=_AMPLE) for segment in SEGMENTS]
        results = list(await client.upsert_segments(segments))
        heads = [_head("all", None), *(_head(f"head-{n}", "all") for n in range(_HEADS))]
        results += await client.upsert_accounts(heads)
        for ids in account_ids(accounts):
            results += await client.upsert_accounts(list(map(_member, ids)))
    refused = [result.error for result in results if result.error is not None]
    assert not refused, refused[0]


def _head(account_id: str, parent_id: str | None) -> AccountUpsert:
    return AccountUpsert(
        account_id=account_id, currency="USD", parent_account_id=parent_id, shared_limit=_AMPLE
    )


def account_ids(accounts: int) -> Iterator[list[str]]:
    """The accounts that the load generator made, so many a call."""
    for first in range(0, accounts, _ROWS_MAX):
        last = min(first + _ROWS_MAX, accounts)
        yield [f"bench-{number:010}" for number in range(first, last)]


def _member(account_id: str) -> AccountUpsert:
    number = int(account_id[-10:])
    return AccountUpsert(
        account_id=account_id,
        parent_account_id=f"head-{number % _HEADS}",
        segment_id=SEGMENTS[number % len(SEGMENTS)],
    )
