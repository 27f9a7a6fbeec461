"""Batches of 1,000 orders beside an echo of the same bytes."""

from bench.servers import Creditgate, Echo
from bench.suite import Suite, approved, peers_runs


async def run(suite: Suite) -> None:
    """batch_vs_echo."""
    with suite.scratch() as folder:
        async with Creditgate(folder) as server:
            await suite.prepare(server)
            first = approved(await suite.batch(server.address))
            reply_bytes = round(first["reply_bytes_mean"])
            async with Echo(folder, batch=suite.plan.batch, batch_reply_bytes=reply_bytes) as echo:
                runs = await suite.pairs_with(
                    "echo_batch",
                    suite.plan.pairs,
                    lambda: suite.batch(server.address, seconds=suite.plan.pair_s),
                    lambda: suite.batch(echo.address, seconds=suite.plan.pair_s),
                    server,
                )
    ours, theirs = [run.ours for run in runs], peers_runs(runs)
    suite.add_ratio("batch_vs_echo", "echo_batch", runs)
    suite.add("batch_per_s", [a["decisions_per_s"] for a in ours], "/s")
    suite.add("batch_p99", [a["latency_us"]["p99"] / 1000 for a in ours], "ms")
    suite.add("echo_batch_per_s", [b["decisions_per_s"] for b in theirs], "/s")
