"""Figures of a day, and whether its callers got what they were promised."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from bench.locust.day import BUDGET_MS, DAY, OWN_LINE_MS, OWN_LINE_PHASE, phase_at
from bench.locust.samples import LOCUST_ITSELF, OK, Sample

DECISION_CALLS: Final = (
    "CheckAndReserve",
    "Check",
    "Adjust",
    "Capture",
    "Release",
    "BatchCheckAndReserve",
)


class Figures(NamedTuple):
    """One call in one phase."""

    phase: str
    call: str
    calls: int
    calls_per_s: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    outcomes: dict[str, int]
    faults: dict[str, int]

    @property
    def refused(self) -> int:
        """How many were not answered."""
        return self.calls - self.outcomes.get(OK, 0)


class Judgement(NamedTuple):
    """A day's figures and what they mean."""

    figures: list[Figures]
    failures: list[str]
    """Each names a call and what was wrong with it; empty when the budget was kept."""
    own_line_missed: list[str]
    """Calls that were slower than our own line in its phase."""

    def as_json(self) -> dict[str, Any]:
        """For `budget.json`."""
        return {
            "budget_ms": BUDGET_MS,
            "own_line_ms": OWN_LINE_MS,
            "own_line_phase": OWN_LINE_PHASE.name,
            "kept": not self.failures,
            "failures": self.failures,
            "own_line_missed": self.own_line_missed,
            "figures": [figures._asdict() for figures in self.figures],
        }


def judge(samples: Sequence[Sample], day_s: float) -> Judgement:
    """Hold a day of `day_s` seconds against the budget."""
    figures = list(_figures(samples, day_s))
    decisions = [row for row in figures if row.call in DECISION_CALLS]
    slow = [
        f"{row.call} in {row.phase}: p99 is {row.p99_ms:.1f} ms, must be below {BUDGET_MS:g} ms"
        for row in decisions
        if row.p99_ms >= BUDGET_MS
    ]
    wrong = [
        f"{row.call} in {row.phase}: {count} times {fault}"
        for row in figures
        for fault, count in row.faults.items()
    ]
    called = {row.call for row in figures if row.outcomes.get(OK)}
    silent = [f"{call}: was never answered" for call in DECISION_CALLS if call not in called]
    missed = [
        f"{row.call}: p99 is {row.p99_ms:.1f} ms"
        for row in decisions
        if row.phase == OWN_LINE_PHASE.name and row.p99_ms >= OWN_LINE_MS
    ]
    return Judgement(figures, slow + wrong + silent, missed)


def _figures(samples: Iterable[Sample], day_s: float) -> Iterable[Figures]:
    rows: defaultdict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        rows[phase_at(sample.sent_s / day_s).name, sample.call].append(sample)
    calls = sorted({call for _, call in rows}, key=_place)
    for phase in DAY:
        for call in calls:
            if found := rows.get((phase.name, call)):
                yield _figure(phase.name, call, found, phase.share * day_s)


def _place(call: str) -> tuple[int, str]:
    """Decisions first, in the contract's order; locust itself last."""
    if call in DECISION_CALLS:
        return DECISION_CALLS.index(call), call
    return len(DECISION_CALLS) + (call == LOCUST_ITSELF), call


def _figure(phase: str, call: str, samples: list[Sample], phase_s: float) -> Figures:
    times_ms = sorted(sample.latency_ms for sample in samples)
    return Figures(
        phase=phase,
        call=call,
        calls=len(samples),
        calls_per_s=round(len(samples) / phase_s, 1),
        p50_ms=percentile(times_ms, 50),
        p99_ms=percentile(times_ms, 99),
        max_ms=times_ms[-1],
        outcomes=dict(Counter(sample.outcome for sample in samples)),
        faults=dict(Counter(sample.fault for sample in samples if sample.fault)),
    )


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The nearest rank; `ordered` is not empty."""
    return ordered[-(-len(ordered) * percent // 100) - 1]
