"""More orders than the server can take: what it still decides, how fast, and that it is durable."""

from functools import partial

from bench.generator import Result, p99_ms
from bench.peers.peer import PeerError
from bench.servers import Creditgate
from bench.suite import Between, Suite, approved, rested

_DEADLINE_MS = 1_000
# Bounds the generator's memory: a batch call takes some 70 KB.
_BATCHES_OUTSTANDING_MAX = 4_000
_SECONDS = 1.5
"""Long enough for queues to fill a hundred times; so there are pairs enough for a median."""

_NOT_SENT_SHARE_MAX = 0.01
"""What the generator held back was no load: with more of it there was no overload as named."""


async def run(suite: Suite) -> None:
    """overload_goodput, the same for single orders, their latencies, and overload_lost."""
    with suite.scratch() as folder:
        async with Creditgate(folder) as server:
            await suite.prepare(server)
            results = [approved(await suite.batch(server.address))]
            results += await _overload(suite, server, "batch", 3, "")
            results += await _overload(suite, server, "unary", 1.5, "_unary")
            await server.kill()
            await server.start()
            _count_lost(suite, server, results)


async def _overload(
    suite: Suite, server: Creditgate, call: str, times: float, suffix: str
) -> list[Result]:
    """Peak and overload in turn; returns all results.

    Each overload lies between two peaks and is held against their mean: a machine that changes its
    speed within seconds would else be taken for a server that does.
    """
    orders = suite.plan.batch if call == "batch" else 1
    at_peak = suite.batch if call == "batch" else suite.unary
    seconds = min(_SECONDS, suite.plan.seconds)

    async def beyond(rate: float) -> Result:
        return await suite.load(
            server.address,
            *("--call", call, "--batch", suite.plan.batch, "--deadline-ms", _DEADLINE_MS),
            *("--rate", f"{rate:.2f}"),
            *("--outstanding-max", _BATCHES_OUTSTANDING_MAX if call == "batch" else 20_000),
            seconds=seconds,
        )

    async def peak() -> Result:
        return approved(await rested(partial(at_peak, server.address, seconds=seconds), server))

    results, goodput, accepted_ms, refused_ms = [await peak()], [], [], []
    # Single values lie further apart than those of other pairs: in overload the server has no core
    # to spare for whatever else the machine does.
    for _ in range(2 * suite.plan.pairs - 1):
        before = results[-1]
        rate = times * before["decisions_per_s"] / orders
        over, after = offered(await rested(partial(beyond, rate), server)), await peak()
        results += [over, after]
        goodput.append(Between(before, over, after).ratio("decisions_per_s"))
        accepted_ms.append(p99_ms(over))
        refused_ms.append(p99_ms(over, "refusal_latency_us"))
        suite.say(f"{call} at {times} times: {over['outcomes']}")
    suite.add(f"overload_goodput{suffix}", goodput)
    suite.add(f"overload_accepted_p99{suffix}", accepted_ms)
    suite.add(f"overload_refusals_p99{suffix}", refused_ms)
    not_sent = sum(result["outcomes"].get("NOT_SENT", 0) for result in results)
    suite.note(
        f"{call} at {times} times, the last run: {results[-2]['outcomes']}; "
        f"{not_sent:,} orders of all runs were held back by the generator"
    )
    return results


def offered(result: Result) -> Result:
    """The result, when the generator sent nearly every order that was due. Raises PeerError."""
    outcomes = result["outcomes"]
    not_sent, due = outcomes.get("NOT_SENT", 0), sum(outcomes.values())
    if not_sent > _NOT_SENT_SHARE_MAX * due:
        raise PeerError(f"{not_sent:,} of {due:,} orders were not sent: {outcomes}")
    return result


def _count_lost(suite: Suite, server: Creditgate, results: list[Result]) -> None:
    """Every order is still open, so each approval that anybody heard of is a reservation now."""
    acknowledged = sum(result["approved_in_all"] for result in results)
    lost = max(acknowledged - server.recovery["reservations_open"], 0)
    seq_heard = max(result["journal_seq_max"] for result in results)
    if seq_heard > server.recovery["journal_seq"]:
        suite.note(f"entry {seq_heard} was acknowledged; the journal ends before it")
        lost = max(lost, seq_heard - server.recovery["journal_seq"])
    suite.add("overload_lost", [lost])
    suite.note(
        f"after kill -9: {acknowledged:,} approvals acknowledged, "
        f"{server.recovery['reservations_open']:,} reservations open"
    )
