"""Single orders while limits of all accounts are loaded."""

import asyncio

from bench.generator import Result, p99_ms
from bench.servers import Creditgate
from bench.suite import Suite, answered, approved, in_pairs


async def run(suite: Suite) -> None:
    """bulk_interference."""
    plan = suite.plan
    with suite.scratch() as folder:
        async with Creditgate(folder) as server:
            await suite.prepare(server)
            capacity = approved(await suite.unary(server.address))["decisions_per_s"]
            rate = f"{capacity / 4:.1f}"
            rows_per_s: list[float] = []

            async def alone() -> Result:
                return answered(await suite.load(server.address, "--rate", rate))

            async def beside_bulk() -> Result:
                bulk_s = plan.warmup_s + plan.seconds + 0.5
                bulk = asyncio.create_task(
                    suite.generate(
                        *("upsert", "--target", server.address),
                        *("--accounts", plan.accounts, "--seconds", bulk_s),
                    )
                )
                # Calls under way at the end of one load must not reach into the other's time.
                result, loaded = await asyncio.gather(alone(), bulk)
                rows_per_s.append(loaded["rows_per_s"])
                return result

            pairs = await in_pairs(plan.pairs, beside_bulk, alone, server)
    suite.add("bulk_interference", [p99_ms(a) / p99_ms(b) for a, b in pairs])
    suite.add("quarter_load_p99", [p99_ms(b) for _, b in pairs], "ms")
    suite.add("quarter_load_p99_with_bulk", [p99_ms(a) for a, _ in pairs], "ms")
    suite.add("bulk_rows_per_s", rows_per_s, "/s")
    suite.note(f"single orders at {rate} /s, a quarter of {capacity:,.0f} /s")
