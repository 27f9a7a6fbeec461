"""Plots as inline SVG: lines over logarithmic axes, and nothing else."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_WIDTH, _HEIGHT = 900, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 230, 20, 50
_COLOURS: Final = (
    "#0b6bcb", "#888888", "#c4441d", "#7a3fb8", "#2e8540", "#b8860b", "#d6337c", "#20808d",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One line of points; `dashed` ones belong to the colour of the line before."""

    label: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis over all that is drawn."""

    low: float
    high: float
    start_px: float
    end_px: float

    @classmethod
    def over(cls, values: Sequence[float], start_px: float, end_px: float) -> "Axis":
        """From the decade below the least to the one above the greatest."""
        return cls(
            10 ** math.floor(math.log10(min(values))),
            10 ** math.ceil(math.log10(max(values) * 1.001)),
            start_px,
            end_px,
        )

    def px(self, value: float) -> float:
        """Where a value lies."""
        share = math.log10(value / self.low) / math.log10(self.high / self.low)
        return self.start_px + share * (self.end_px - self.start_px)

    def ticks(self) -> Iterator[float]:
        """Every power of ten."""
        value = self.low
        while value <= self.high * 1.001:
            yield value
            value *= 10


def plot(lines: Sequence[Line], x_text: str, y_text: str, x_ticks: dict[float, str]) -> str:
    """An `<svg>`. `x_ticks` names places on the x axis; without them it has powers of ten."""
    drawn = [line for line in lines if line.points]
    if not drawn:
        return "<p>Nothing to draw.</p>"
    x_axis = Axis.over([x for line in drawn for x, _ in line.points], _LEFT, _WIDTH - _RIGHT)
    y_axis = Axis.over([y for line in drawn for _, y in line.points], _HEIGHT - _BOTTOM, _TOP)
    named = {x: t for x, t in x_ticks.items() if x_axis.low <= x <= x_axis.high}
    parts = [
        *_grid(x_axis, y_axis, named or {x: f"{x:,g}" for x in x_axis.ticks()}),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, x_text),
        _text(14, _HEIGHT / 2, y_text, f'transform="rotate(-90 14 {_HEIGHT / 2})"'),
        *_lines(drawn, x_axis, y_axis),
    ]
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{"".join(parts)}</svg>'


def _grid(x_axis: Axis, y_axis: Axis, x_ticks: dict[float, str]) -> Iterator[str]:
    for x, name in x_ticks.items():
        at = x_axis.px(x)
        yield f'<path class="grid" d="M{at:.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/>'
        yield _text(at, _HEIGHT - _BOTTOM + 16, name)
    for y in y_axis.ticks():
        at = y_axis.px(y)
        yield f'<path class="grid" d="M{_LEFT} {at:.1f}H{_WIDTH - _RIGHT}"/>'
        yield _text(_LEFT - 6, at + 4, f"{y:,g}", 'style="text-anchor:end"')


def _lines(lines: Sequence[Line], x_axis: Axis, y_axis: Axis) -> Iterator[str]:
    colour = -1
    for number, line in enumerate(lines):
        colour += not line.dashed
        stroke = _COLOURS[max(colour, 0) % len(_COLOURS)]
        places = [(x_axis.px(x), y_axis.px(y)) for x, y in line.points]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        yield f'<path fill="none" stroke="{stroke}" stroke-width="1.8"{dash} d="M{path}"/>'
        if len(places) < 30:
            for x, y in places:
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{stroke}"/>'
        at = _TOP + 12 + 18 * number
        left = _WIDTH - _RIGHT + 14
        yield f'<path stroke="{stroke}" stroke-width="2"{dash} d="M{left} {at - 4}h22"/>'
        yield _text(left + 28, at, line.label, 'style="text-anchor:start"')


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(text)}</text>'
