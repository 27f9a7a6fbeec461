"""Single orders beside the echo: throughput and the server's CPU."""

from bench.servers import Creditgate, Echo
from bench.suite import Suite, approved, median, peers_runs, with_cpu


async def run(suite: Suite) -> None:
    """unary_vs_echo, unary_cpu_vs_echo, and the curves of both."""
    with suite.scratch() as folder:
        async with Creditgate(folder) as server:
            await suite.prepare(server)
            reply_bytes = round(approved(await suite.unary(server.address))["reply_bytes_mean"])
            async with Echo(folder, reply_bytes=reply_bytes) as echo:
                runs = await suite.pairs_with(
                    "echo",
                    suite.plan.pairs,
                    lambda: with_cpu(
                        server, suite.unary(server.address, seconds=suite.plan.pair_s)
                    ),
                    lambda: with_cpu(echo, suite.unary(echo.address, seconds=suite.plan.pair_s)),
                    server,
                )
                ours, theirs = [run.ours for run in runs], peers_runs(runs)
                for who, of_who in (("creditgate", ours), ("echo", theirs)):
                    suite.keep(who, "closed loop, 64 in flight", of_who[-1])
                    address = server.address if of_who is ours else echo.address
                    await suite.curve(who, address, median(of_who, "decisions_per_s"))
    suite.add_ratio("unary_vs_echo", "echo", runs)
    suite.add_ratio("unary_cpu_vs_echo", "echo", runs, "server_cpu_us")
    suite.add("unary_per_s", [a["decisions_per_s"] for a in ours], "/s")
    suite.add("unary_p99", [a["latency_us"]["p99"] / 1000 for a in ours], "ms")
    suite.add("unary_cpu", [a["server_cpu_us"] for a in ours], "µs")
    suite.add("echo_per_s", [b["decisions_per_s"] for b in theirs], "/s")
    suite.add("echo_p99", [b["latency_us"]["p99"] / 1000 for b in theirs], "ms")
    suite.add("echo_cpu", [b["server_cpu_us"] for b in theirs], "µs")
    calls = [a["approved_in_all"] for a in ours]
    suite.add(
        "client_cpu",
        [1e6 * a["client_cpu_s"] / n for a, n in zip(ours, calls, strict=True)],
        "µs",
    )
