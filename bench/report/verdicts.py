"""The figures of a run against what they must reach."""

from dataclasses import dataclass
from typing import Literal

from bench.gates import TARGETS, Target
from bench.suite import Figure

Verdict = Literal["goal", "gate", "FAILS", "no figure", ""]


@dataclass(frozen=True)
class Row:
    """One figure beside its bounds."""

    name: str
    text: str
    figure: Figure
    target: Target | None
    verdict: Verdict

    @property
    def failure(self) -> str | None:
        """Which gate failed, and by how much."""
        if self.verdict == "no figure":
            return f"{self.name}: no figure: {self.figure.why}"
        if self.verdict != "FAILS" or self.target is None or self.figure.value is None:
            return None
        gate = self.target.gate
        assert gate is not None, "only a gate can fail"
        by = f"{abs(self.figure.value - gate):.4g}"
        share = f", {abs(self.figure.value / gate - 1):.0%}" if gate else ""
        return (
            f"{self.name} = {self.figure.value:.4g} {self.target.unit} must be {self.target.sense} "
            f"{gate:g}: misses by {by}{share}"
        )


def rows(figures: dict[str, Figure], *, checked: bool) -> list[Row]:
    """All figures, those with a target first; with verdicts where values are `checked`."""
    known = [name for name in TARGETS if name in figures]
    others = [name for name in figures if name not in TARGETS]
    return [_row(name, figures[name], checked=checked) for name in (*known, *others)]


def _row(name: str, figure: Figure, *, checked: bool) -> Row:
    target = TARGETS.get(name)
    if target is None or not checked:
        return Row(name, target.text if target else "", figure, target, "")
    verdict: Verdict
    if figure.value is None:
        verdict = "no figure"
    elif not target.passes(figure.value, target.gate):
        verdict = "FAILS"
    else:
        verdict = "goal" if target.passes(figure.value, target.goal) else "gate"
    return Row(name, target.text, figure, target, verdict)


def number(value: float | None) -> str:
    """A value as people read it: four digits, thousands apart."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def bound(target: Target | None, value: float | None) -> str:
    """A gate or goal with its sense."""
    if target is None or value is None:
        return ""
    return f"{'≥' if target.sense == '>=' else '≤'} {value:g}"
