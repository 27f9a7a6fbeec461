"""All orders on one account beside orders spread over all."""

from bench.servers import Creditgate
from bench.suite import Suite, approved, in_pairs


async def run(suite: Suite) -> None:
    """hot_vs_uniform."""
    with suite.scratch() as folder:
        async with Creditgate(folder) as server:
            await suite.prepare(server)
            approved(await suite.batch(server.address))
            pairs = await in_pairs(
                suite.plan.pairs,
                lambda: suite.batch(server.address, "--hot", seconds=suite.plan.pair_s),
                lambda: suite.batch(server.address, seconds=suite.plan.pair_s),
                server,
            )
    suite.add(
        "hot_vs_uniform",
        [approved(a)["decisions_per_s"] / approved(b)["decisions_per_s"] for a, b in pairs],
    )
