"""The figures, a module for each family; `run(suite)` measures it."""

from bench.figures import (
    batch,
    hot,
    interference,
    large,
    ledger,
    levels,
    overload,
    peers,
    policy,
    recalc,
    soak,
    unary,
    witness,
    written,
)

FAMILIES = {
    "unary": unary.run,
    "peers": peers.run,
    "batch": batch.run,
    "hot": hot.run,
    "levels": levels.run,
    "policy": policy.run,
    "interference": interference.run,
    "overload": overload.run,
    "written": written.run,
    "witness": witness.run,
    "ledger": ledger.run,
    "recalc": recalc.run,
    "large": large.run,
    "soak": soak.run,
}
"""By name, in the order in which they run."""

FULL_ONLY = frozenset({"recalc", "large", "soak"})
"""Left out of the short run."""
