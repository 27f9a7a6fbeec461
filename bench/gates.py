"""What every figure must reach: `make bench` fails below the gate; the goal is what we want."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class Target:
    """One figure and its bounds; `sense` says on which side of a bound it must be."""

    text: str
    unit: str
    sense: Literal[">=", "<="] = ">="
    gate: float | None = None
    goal: float | None = None
    full: bool = False
    """Only in `make bench-full`."""

    def passes(self, value: float, bound: float | None) -> bool:
        """Whether a value keeps a bound; one that there is not is kept."""
        if bound is None:
            return True
        return value >= bound if self.sense == ">=" else value <= bound


_OURS_TO_ECHO: Final = "durable CheckAndReserve ÷ no-op echo, 64 in flight"
_BATCHES_TO_ECHO: Final = "durable decisions in batches of 1,000 ÷ items echoed"

TARGETS: Final[dict[str, Target]] = {
    "unary_vs_echo": Target(_OURS_TO_ECHO, "ratio", ">=", 0.75, 0.85),
    "unary_cpu_vs_echo": Target("server CPU a call ÷ the echo's", "ratio", "<=", 1.3, 1.15),
    "batch_vs_echo": Target(_BATCHES_TO_ECHO, "ratio", ">=", 0.06, 0.10),
    "unary_vs_postgres": Target("unary ÷ grpc.aio + PostgreSQL", "ratio", ">=", 2.2, 2.8),
    "hot_vs_uniform": Target("batches on one account ÷ on 100,000", "ratio", ">=", 0.9, 1.0),
    "levels_cost": Target(
        "batch throughput of accounts alone ÷ in segments and two levels of heads",
        "ratio",
        "<=",
        1.3,
        1.1,
    ),
    "policy_cost": Target(
        "batch throughput without a policy ÷ under twelve rules, segments, two levels of heads",
        "ratio",
        "<=",
        1.3,
        1.1,
    ),
    "unary_vs_echo_policy": Target(
        f"{_OURS_TO_ECHO}, under that policy", "ratio", ">=", 0.75, 0.85
    ),
    "batch_vs_echo_policy": Target(
        f"{_BATCHES_TO_ECHO}, under that policy", "ratio", ">=", 0.06, 0.10
    ),
    "scale_cost": Target(
        "batch throughput at 10,000 accounts ÷ at 10 M", "ratio", "<=", 1.5, 1.2, full=True
    ),
    "lag_p99_ms": Target(
        "from the ledger's commit until the service shows it, 2,000 events/s",
        "ms",
        "<=",
        1_000,
        200,
    ),
    "bulk_load_s": Target("1 M accounts and limits from the ledger", "s", "<=", 15, 10),
    "bulk_interference": Target(
        "p99 of single orders with a bulk load ÷ without", "ratio", "<=", 2.0, 1.3
    ),
    "recalc_interference": Target(
        "p99 of single orders with `creditgate recalc` ÷ without",
        "ratio",
        "<=",
        2.0,
        1.3,
        full=True,
    ),
    "overload_goodput": Target(
        "accepted ÷ peak, batches at 3 times capacity", "ratio", ">=", 0.85, 0.95
    ),
    "overload_goodput_unary": Target(
        "accepted ÷ peak, unary at 1.5 times capacity", "ratio", ">=", 0.5, 0.7
    ),
    "overload_accepted_p99": Target("accepted, batches at 3 times", "ms", "<=", 200),
    "overload_refusals_p99": Target("not accepted, batches at 3 times", "ms", "<=", 50),
    "overload_accepted_p99_unary": Target("accepted, unary at 1.5 times", "ms", "<=", 200),
    "overload_refusals_p99_unary": Target("not accepted, unary at 1.5 times", "ms", "<=", 50),
    "overload_lost": Target("acknowledged orders lost by kill -9 after it", "orders", "<=", 0),
    "bytes_per_account": Target("memory at 10 M accounts", "bytes", "<=", 300, 200, full=True),
    "bytes_per_reservation": Target("memory at 1 M open", "bytes", "<=", 300, 200, full=True),
    "bytes_per_open_item": Target("memory at 1 M open", "bytes", "<=", 300, 100, full=True),
    "recovery_s": Target(
        "start after kill -9: 10 M accounts, 1 M open, 60 s of tail", "s", "<=", 20, 10, full=True
    ),
    "bytes_written_per_decision": Target(
        "to the device over 60 s of full batch load", "bytes", "<=", 600, 300
    ),
    "soak_growth": Target(
        "store and memory, last quarter ÷ first after warm-up", "ratio", "<=", 1.10, 1.02, full=True
    ),
}
"""By name, in the order in which they are shown. Growth has "levelled off" within these bounds."""

FACTS: Final[dict[str, tuple[float, str]]] = {
    "echo": (7_400, "no-op echo, 64 in flight"),
    "echo_batch": (5_000_000, "no-op echo, items of 1,000 a call"),
    "postgres": (2_370, "grpc.aio + PostgreSQL function, 64 in flight"),
    "postgres_direct": (14_400, "PostgreSQL function alone, 16 clients"),
    "postgres_direct_hot": (3_700, "PostgreSQL function alone, one account"),
    "redis_direct": (38_400, "Redis Lua alone, 64 clients"),
    "tigerbeetle_batch": (210_000, "TigerBeetle, batches of 8,189"),
    "tigerbeetle": (6_600, "TigerBeetle, 64 in flight"),
}
"""What each peer reached per second on a quiet machine of two cores."""

TUNED_SHARE: Final = 0.8
"""A peer below this share of its fact was not tuned, or the machine not quiet: no ratio."""


def untuned(peer: str, per_s: float) -> str | None:
    """Why no ratio with this peer may be given; None when it may."""
    if peer not in FACTS or per_s >= TUNED_SHARE * FACTS[peer][0]:
        return None
    fact, what = FACTS[peer]
    return (
        f"{peer} was not tuned, or this machine is not quiet: {per_s:,.0f} /s is below "
        f"{TUNED_SHARE} of {fact:,.0f} /s ({what})"
    )
