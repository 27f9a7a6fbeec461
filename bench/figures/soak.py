"""Half an hour of orders opened and closed: whether store and memory level off."""

import asyncio
import statistics
import time
from typing import NamedTuple

from bench import procfs
from bench.servers import Creditgate
from bench.suite import Suite, answered, approved

# Of the batch capacity: enough to fill every bounded window early, not so much that the disk does.
_SHARE = 0.1
_TTL_S = 10
# Little enough of the journal at hand that the warm-up fills it.
_AT_HAND_BYTES = 2 << 30
_SAMPLES = 120
_QUARTERS = 4


class Sample(NamedTuple):
    """Bytes at one moment, and how many orders are open."""

    memory: int
    store: int
    reservations_open: float


async def run(suite: Suite) -> None:
    """soak_growth."""
    plan = suite.plan
    with suite.scratch() as folder:
        async with Creditgate(folder, "--journal-retention-bytes", _AT_HAND_BYTES) as server:
            await suite.prepare(server)
            peak = approved(await suite.batch(server.address, "--ttl-seconds", 1))
            rate = max(peak["decisions_per_s"] * _SHARE / plan.batch, 1)
            load = asyncio.create_task(
                suite.load(
                    server.address,
                    *(
                        "--call",
                        "batch",
                        "--batch",
                        plan.batch,
                        "--rate",
                        f"{rate:.1f}",
                        "--ttl-seconds",
                        _TTL_S,
                    ),
                    seconds=plan.soak_warmup_s + plan.soak_s,
                )
            )
            singles = asyncio.create_task(
                suite.load(
                    server.address,
                    *("--rate", 200, "--close", "--seed", 2),
                    seconds=plan.soak_warmup_s + plan.soak_s,
                )
            )
            samples = await _watch(suite, server)
            result, released = await asyncio.gather(load, singles)
    answered(result)
    answered(released)
    quarter = max(len(samples) // _QUARTERS, 1)
    for what in ("memory", "store"):
        first, last = (
            statistics.mean(getattr(sample, what) for sample in part)
            for part in (samples[:quarter], samples[-quarter:])
        )
        suite.add(f"soak_growth_{what}", [last / first], "ratio")
        suite.note(f"{what}: {first / 1e6:,.1f} MB, then {last / 1e6:,.1f} MB")
    growths = [suite.figures[f"soak_growth_{what}"].value or 0 for what in ("memory", "store")]
    suite.add("soak_growth", [max(growths)])
    suite.note(
        f"{result['decisions']:,} orders in batches at {rate:.1f} /s; "
        f"{samples[-1].reservations_open:,.0f} open at the end"
    )


async def _watch(suite: Suite, server: Creditgate) -> list[Sample]:
    """Samples at even times after the warm-up."""
    await asyncio.sleep(suite.plan.soak_warmup_s)
    samples = []
    start = time.monotonic()
    for number in range(_SAMPLES):
        at_s = suite.plan.soak_s * number / _SAMPLES
        await asyncio.sleep(max(start + at_s - time.monotonic(), 0))
        stats = await server.stats()
        samples.append(
            Sample(
                server.memory_bytes(),
                # The archive is the audit trail: it grows with every decision, as it must.
                procfs.stored_bytes(server.store) - procfs.stored_bytes(server.store / "archive"),
                stats["reservations_open_now"],
            )
        )
    return samples
