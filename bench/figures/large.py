"""Ten million accounts: memory, throughput beside a small store, recovery."""

import asyncio

from bench.figures.policy import put_in_force
from bench.generator import Result
from bench.servers import Creditgate
from bench.suite import Suite, answered, approved, in_pairs

# More than any account may owe: declined, and so remembered as a request but not as an order.
_DECLINED_MINOR = 10**18
_SETTLE_S = 2.0
_TAIL_TTL_S = 5
_OVERDUE = """
[all.overdue-days]
days = 10

[all.oldest-item]
days = 120
"""


async def run(suite: Suite) -> None:
    """bytes_per_*, scale_cost and recovery_s; accounts are prepared once for all."""
    with suite.scratch() as folder:
        async with Creditgate(folder / "large") as server:
            await _memory(suite, server)
            async with Creditgate(folder / "small") as small:
                await _scale(suite, server, small)
            await _recovery(suite, server)


async def _memory(suite: Suite, server: Creditgate) -> None:
    plan = suite.plan
    # The remembered request ids fill up first: they are bounded, and are neither of the three.
    await suite.prepare(server, plan.small_accounts)
    await _orders(suite, server, 2 * plan.open_count, "--amount-minor", _DECLINED_MINOR)
    base = await _memory_bytes(server)
    prepared = await suite.prepare(server, plan.large_accounts)
    suite.add("upsert_rows_per_s", [prepared["rows_per_s"]], "/s")
    with_accounts = await _memory_bytes(server)
    count = plan.large_accounts - plan.small_accounts
    suite.add("bytes_per_account", [(with_accounts - base) / count])
    opened = await _orders(suite, server, plan.open_count)
    with_orders = await _memory_bytes(server)
    suite.add("bytes_per_reservation", [(with_orders - with_accounts) / opened])
    # Under rules that have invoices kept in order of due date.
    await put_in_force(server, _OVERDUE)
    await suite.generate(
        *("post", "--target", server.address),
        *("--accounts", plan.large_accounts, "--entries", plan.open_count),
    )
    with_items = await _memory_bytes(server)
    # The small server, which this one is held against, has no rules.
    await put_in_force(server, "")
    suite.add("bytes_per_open_item", [(with_items - with_orders) / plan.open_count])
    suite.note(
        f"memory in MB: {base / 1e6:,.0f} before, {with_accounts / 1e6:,.0f} with accounts, "
        f"{with_orders / 1e6:,.0f} with reservations, {with_items / 1e6:,.0f} with items"
    )


async def _orders(suite: Suite, server: Creditgate, count: int, *arguments: str | float) -> int:
    """So many orders or a few more, spread over all accounts; returns how many were approved."""
    result = await suite.generate(
        *("--target", server.address, "--call", "batch", "--in-flight", 8, "--orders", count),
        *("--accounts", suite.plan.small_accounts if arguments else suite.plan.large_accounts),
        *("--warmup-seconds", 0, "--seconds", 3_600, *arguments),
    )
    return int(result["approved_in_all"])


async def _memory_bytes(server: Creditgate) -> int:
    """Once the tables have caught up, whose cache is no part of what stays."""
    await server.caught_up()
    await asyncio.sleep(_SETTLE_S)
    return server.memory_bytes()


async def _scale(suite: Suite, large: Creditgate, small: Creditgate) -> None:
    plan = suite.plan
    await suite.prepare(small, plan.small_accounts)

    async def batches(server: Creditgate, accounts: int) -> Result:
        return await suite.batch(server.address, "--accounts", accounts, "--ttl-seconds", 1)

    pairs = await in_pairs(
        plan.pairs,
        lambda: batches(small, plan.small_accounts),
        lambda: batches(large, plan.large_accounts),
        small,
        large,
    )
    suite.add(
        "scale_cost",
        [approved(a)["decisions_per_s"] / approved(b)["decisions_per_s"] for a, b in pairs],
    )
    suite.add("batch_per_s_large", [b["decisions_per_s"] for _, b in pairs], "/s")


async def _recovery(suite: Suite, server: Creditgate) -> None:
    """The orders of the tail end by themselves, so that a million stay open, not all of them."""
    plan = suite.plan
    answered(
        await suite.batch(
            server.address,
            *("--accounts", plan.large_accounts, "--ttl-seconds", _TAIL_TTL_S),
            seconds=plan.tail_s,
        )
    )
    stats = await server.stats()
    await server.kill()
    await server.start()
    suite.add("recovery_s", [server.start_s])
    suite.note(
        f"killed with {stats['journal_seq'] - stats['tables_seq']:,.0f} entries behind the tables "
        f"and {stats['reservations_open_now']:,.0f} open; recovered {server.recovery}"
    )
