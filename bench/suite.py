"""What the families of figures share: how much is measured, and where figures go."""

import asyncio
import shutil
import statistics
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from rich.console import Console

from bench import generator
from bench.gates import TARGETS, untuned
from bench.generator import Result
from bench.peers.peer import ROOT, PeerError
from bench.servers import Creditgate, Echo

OUT: Final = ROOT / "bench/out"

UNARY_IN_FLIGHT: Final = 64
BATCH_IN_FLIGHT: Final = 12

_TRIES: Final = 3
"""How many pairs are measured for each that is to count."""

_COUNTING_MIN: Final = 3
"""A median of fewer pairs says little."""

_REFUSED_SHARE_MAX: Final = 0.005
"""A machine that stands still for a tenth of a second has calls turned away. So few of them leave
p99, and what a load leaves behind, what they are."""

Run: TypeAlias = Callable[[], Awaitable[Result]]
Pair: TypeAlias = tuple[Result, Result]


class Between(NamedTuple):
    """A run of ours, and what it is held against, a peer's or a peak, before and after it."""

    before: Result
    ours: Result
    after: Result

    @property
    def peer_per_s(self) -> float:
        """What the peer reached on both sides."""
        return float(min(self.before["decisions_per_s"], self.after["decisions_per_s"]))

    def ratio(self, key: str) -> float:
        """Ours to the mean of the other two."""
        return float(2 * self.ours[key] / (self.before[key] + self.after[key]))


def peers_runs(runs: Sequence[Between]) -> list[Result]:
    """The peer's own, each once: what follows one of ours may come before the next."""
    known = {id(run): run for between in runs for run in (between.before, between.after)}
    return list(known.values())


@dataclass(frozen=True)
class Plan:
    """How much is measured. Fields that end in `_s` are seconds."""

    name: str
    seconds: float
    warmup_s: float
    pairs: int
    accounts: int
    small_accounts: int
    large_accounts: int
    open_count: int
    written_s: float
    tail_s: float
    soak_warmup_s: float
    soak_s: float
    pair_s: float
    """One run of a pair with a peer. A machine that changes its speed within seconds leaves more of
    many short pairs alone than of a few long ones."""
    ledger_accounts: int = 1_000_000
    ledger_events_per_s: int = 2_000
    ledger_s: float = 30
    recalc_accounts: int = 50_000
    recalc_s: float = 15
    """Long enough for both halves of a recalc: reading the ledger, and moving limits."""
    batch: int = 1_000
    curve_shares: tuple[float, ...] = (0.1, 0.25, 0.5, 0.75, 0.9)
    curve_s: float = 1.5
    checked: bool = True
    """Whether values are held against gates and peers against facts."""
    is_full: bool = False


QUICK: Final = Plan(
    name="quick", seconds=2.5, warmup_s=0.7, pairs=5, accounts=100_000, small_accounts=10_000,
    large_accounts=10_000_000, open_count=1_000_000, written_s=60, tail_s=60,
    soak_warmup_s=300, soak_s=1_800, pair_s=1.5,
)  # fmt: skip
FULL: Final = Plan(
    **{**QUICK.__dict__, "name": "full", "seconds": 5, "pair_s": 5, "curve_s": 4, "is_full": True}
)
TINY: Final = Plan(
    name="tiny", seconds=0.6, warmup_s=0.1, batch=100, pairs=1, accounts=1_000,
    small_accounts=1_000, large_accounts=5_000, open_count=3_000, written_s=0.5, tail_s=0.5,
    soak_warmup_s=0.5, soak_s=1.5, pair_s=0.6, ledger_accounts=1_000, ledger_events_per_s=200,
    ledger_s=2, recalc_accounts=500, recalc_s=0.5,
    curve_shares=(0.5,), curve_s=0.3, checked=False, is_full=True,
)  # fmt: skip
PLANS: Final = {plan.name: plan for plan in (QUICK, FULL, TINY)}


@dataclass(frozen=True)
class Figure:
    """The median of what was measured and its range; None, with the reason in `why`."""

    value: float | None
    unit: str
    min: float | None
    max: float | None
    command: str
    why: str | None = None


@dataclass(frozen=True)
class Point:
    """One run of a server under one load, for the plots."""

    who: str
    per_s: float
    latency_us: Mapping[str, int]
    histogram: Sequence[Sequence[int]]
    load: str


@dataclass
class Suite:
    """One run of the suite."""

    plan: Plan
    console: Console
    folder: Path
    generator: Path = Path()
    """creditgate-load, once it is built."""
    family: str = ""
    figures: dict[str, Figure] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    under_policy: Callable[["Suite", Creditgate], Awaitable[None]] | None = None
    """Puts each server of ours under the policy, where that is asked for."""

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for stores, on the disk that is measured, removed afterwards."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(prefix=f"{self.family}-", dir=self.folder))
        # Peers that may not run as root enter it as another user.
        path.chmod(0o755)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def say(self, text: str) -> None:
        """Tell whoever waits what goes on."""
        self.console.print(f"[dim]{self.family}:[/] {text}", highlight=False)

    def note(self, text: str) -> None:
        """Tell it, and keep it for the report."""
        self.say(text)
        self.notes.append(f"{self.family}: {text}")

    def add(self, name: str, values: Sequence[float], unit: str = "") -> None:
        """A figure of these values; the unit is needed where there is no target."""
        unit = TARGETS[name].unit if name in TARGETS else unit
        middle = statistics.median(values)
        self.figures[name] = Figure(middle, unit, min(values), max(values), self.command)
        self.say(f"{name} = {middle:,.4g} {unit} ({min(values):,.4g} to {max(values):,.4g})")

    def missing(self, name: str, why: str) -> None:
        """A figure that could not be measured, and why."""
        self.figures[name] = Figure(None, TARGETS[name].unit, None, None, self.command, why)
        self.note(f"{name}: no figure: {why}")

    def untuned(self, peer: str, per_s: float) -> str | None:
        """Why no ratio with this peer may be given; None when it may, or nothing is checked."""
        return untuned(peer, per_s) if self.plan.checked else None

    async def pairs_with(
        self, peer: str, count: int, ours: Run, theirs: Run, *servers: Creditgate
    ) -> "list[Between]":
        """Approved runs of ours between two of a peer's, until so many count.

        A machine that changes its speed within seconds, and leaves it for some, spoils the runs of
        that while: those where the peer, before or after, stays below what it is known to reach.
        The peer alone says which count, and on both sides: to go by one run of it would pick the
        moments in which the machine was faster for the peer than for us. Three times so many are
        measured at most; where hardly any count, all are returned, and `add_ratio` finds the peer
        wanting.
        """
        measured: list[Between] = []
        good: list[Between] = []
        before = approved(await rested(theirs, *servers))
        while len(good) < count and len(measured) < _TRIES * count:
            mine = approved(await rested(ours, *servers))
            after = approved(await rested(theirs, *servers))
            measured.append(Between(before, mine, after))
            if self.untuned(peer, measured[-1].peer_per_s) is None:
                good.append(measured[-1])
            before = after
        if len(good) < len(measured):
            self.note(f"{len(good)} of {len(measured)} pairs count: {peer} was slow in the others")
        return good if len(good) >= min(count, _COUNTING_MIN) else measured

    def add_ratio(
        self, name: str, peer: str, runs: "Sequence[Between]", key: str = "decisions_per_s"
    ) -> None:
        """A ratio to a peer, unless the peer fell short of what it is known to reach."""
        why = self.untuned(peer, statistics.median(run.peer_per_s for run in runs))
        if why is None:
            self.add(name, [run.ratio(key) for run in runs])
        else:
            self.missing(name, why)

    @property
    def command(self) -> str:
        """What measures the present family alone."""
        plan = "" if self.plan.name == "quick" else f" --plan {self.plan.name}"
        policy = "" if self.under_policy is None else " --policy"
        return f"python -m bench run {self.family}{plan}{policy}"

    def keep(self, who: str, load: str, result: Result) -> None:
        """A run for the plots; one without an accepted call has no place there."""
        if result["latency_us"] and result["decisions_per_s"]:
            self.points.append(
                Point(
                    who, result["decisions_per_s"], result["latency_us"], result["histogram"], load
                )
            )

    async def generate(self, *arguments: str | float) -> Result:
        """Run creditgate-load."""
        return await generator.run(self.generator, *arguments)

    async def load(self, address: str, *arguments: str | float, seconds: float = 0) -> Result:
        """Offer orders for the plan's time, or for `seconds`."""
        return await self.generate(
            *("--target", address, "--accounts", self.plan.accounts),
            *("--seconds", seconds or self.plan.seconds, "--warmup-seconds", self.plan.warmup_s),
            *arguments,
        )

    async def unary(self, address: str, *arguments: str | float, seconds: float = 0) -> Result:
        """Single orders in a closed loop."""
        in_flight = ("--in-flight", UNARY_IN_FLIGHT)
        return await self.load(address, *in_flight, *arguments, seconds=seconds)

    async def batch(self, address: str, *arguments: str | float, seconds: float = 0) -> Result:
        """Batches in a closed loop."""
        batches = ("--call", "batch", "--batch", self.plan.batch, "--in-flight", BATCH_IN_FLIGHT)
        return await self.load(address, *batches, *arguments, seconds=seconds)

    async def prepare(self, server: Creditgate, accounts: int = 0) -> Result:
        """Accounts with ample limits. Notes where the server lacks a privilege that it uses."""
        if not (await server.stats())["worker_preferred_now"]:
            self.note("the worker's thread is not preferred: give the server CAP_SYS_NICE")
        prepared = await self.generate(
            "upsert", "--target", server.address, "--accounts", accounts or self.plan.accounts
        )
        if self.under_policy is not None:
            await self.under_policy(self, server)
        return prepared

    async def curve(self, who: str, address: str, capacity_per_s: float) -> None:
        """Latencies of single orders on a schedule, at shares of what the server can do."""
        for share in self.plan.curve_shares:
            rate = max(capacity_per_s * share, 1)
            result = await self.load(
                address, "--rate", f"{rate:.1f}", "--deadline-ms", 2_000, seconds=self.plan.curve_s
            )
            self.keep(who, f"open loop, {share:.0%} of capacity", result)


def approved(result: Result) -> Result:
    """The result, when every order was approved. Raises PeerError: it would be no comparison."""
    refused = generator.refused(result)
    if refused or result["outcomes"]["declined"] or not result["decisions"]:
        raise PeerError(
            f"orders were not approved: {result['outcomes']}, {result.get('messages', {})}"
        )
    return result


def answered(result: Result) -> Result:
    """The result, when nearly every order was approved. Raises PeerError."""
    refused, outcomes = sum(generator.refused(result).values()), result["outcomes"]
    too_many = refused > _REFUSED_SHARE_MAX * result["decisions"]
    if too_many or outcomes["declined"] or not result["decisions"]:
        raise PeerError(f"orders were not approved: {outcomes}, {result.get('messages', {})}")
    return result


async def rested(run: Run, *servers: Creditgate) -> Result:
    """What the run gives once the tables of all servers have caught up.

    What an earlier run left to the tables would take a core from this one.
    """
    await asyncio.gather(*(server.caught_up() for server in servers))
    return await run()


async def in_pairs(count: int, ours: Run, theirs: Run, *servers: Creditgate) -> list[Pair]:
    """Measure two things in turn, so that what else the machine does meets both."""
    return [(await rested(ours, *servers), await rested(theirs, *servers)) for _ in range(count)]


async def with_cpu(server: Creditgate | Echo, run: Awaitable[Result]) -> Result:
    """The result of a load of single orders with `server_cpu_us` a call."""
    before_s = server.cpu_s()
    result = await run
    result["server_cpu_us"] = 1e6 * (server.cpu_s() - before_s) / result["approved_in_all"]
    return result


def median(results: Sequence[Result], key: str) -> float:
    """The median of one field."""
    return statistics.median(float(result[key]) for result in results)
