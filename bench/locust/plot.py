"""The day as a picture: p99 of every decision call, second by second, against both lines."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from bench.locust.day import BUDGET_MS, DAY, OWN_LINE_MS, OWN_LINE_PHASE
from bench.locust.judge import DECISION_CALLS, percentile
from bench.locust.samples import Sample

WIDTH, HEIGHT = 960, 420
LEFT, RIGHT, TOP, BOTTOM = 60, 190, 40, 40
MS_MIN, MS_MAX = 0.5, 2_000.0
COLOURS: Final = ("#1f77b4", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#17becf")
SLICES: Final = 60
"""Points of each curve, at most one a second."""


def svg(samples: Iterable[Sample], day_s: float) -> str:
    """An SVG element that needs nothing else; times on a logarithmic axis."""
    slice_s = max(1.0, day_s / SLICES)
    curves: defaultdict[str, defaultdict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        if sample.call in DECISION_CALLS:
            curves[sample.call][int(sample.sent_s / slice_s)].append(sample.latency_ms)
    parts = [*_phases(), *_ticks(day_s), *_lines()]
    for number, call in enumerate(DECISION_CALLS):
        points = [
            (_x(min((index + 0.5) * slice_s / day_s, 1.0)), _y(percentile(sorted(times), 99)))
            for index, times in sorted(curves[call].items())
        ]
        parts += _curve(number, call, points)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="12" style="background:#fff;max-width:{WIDTH}px">'
        + "".join(parts)
        + "</svg>"
    )


def _x(part: float) -> float:
    return round(LEFT + part * (WIDTH - LEFT - RIGHT), 1)


def _y(time_ms: float) -> float:
    part = math.log(max(time_ms, MS_MIN) / MS_MIN) / math.log(MS_MAX / MS_MIN)
    return round(HEIGHT - BOTTOM - min(part, 1.0) * (HEIGHT - TOP - BOTTOM), 1)


def _text(x: float, y: float, words: str, extra: str = "") -> str:
    return f'<text x="{x}" y="{y}" {extra}>{escape(words)}</text>'


def _phases() -> Iterable[str]:
    begin = 0.0
    for number, phase in enumerate(DAY):
        x, width = _x(begin), _x(begin + phase.share) - _x(begin)
        shade = "#f4f4f4" if number % 2 else "#ffffff"
        yield f'<rect x="{x}" y="{TOP}" width="{width}" height="{HEIGHT - TOP - BOTTOM}" '
        yield f'fill="{shade}"/>'
        yield _text(x + 4, TOP - 18, phase.name)
        yield _text(x + 4, TOP - 4, f"{phase.times_usual}x the usual", 'fill="#666"')
        begin += phase.share


def _ticks(day_s: float) -> Iterable[str]:
    for time_ms in (1, 10, 100, 1_000):
        yield _text(LEFT - 6, _y(time_ms) + 4, f"{time_ms:,} ms", 'text-anchor="end"')
    yield _text(LEFT, HEIGHT - 12, f"p99 of each call over a day of {day_s:g} s")


def _lines() -> Iterable[str]:
    lines = ((BUDGET_MS, "#d62728", "the budget"), (OWN_LINE_MS, "#ff7f0e", "our own line"))
    for time_ms, colour, name in lines:
        y = _y(time_ms)
        yield f'<path d="M{_x(0)} {y}H{_x(1)}" stroke="{colour}" stroke-width="2" '
        yield 'stroke-dasharray="6 4"/>'
        yield _text(_x(1) + 6, y + 4, f"{time_ms:g} ms: {name}", f'fill="{colour}"')
    held = (f"in {OWN_LINE_PHASE.name}, at half of", "what locust can ask for")
    for number, words in enumerate(held, 1):
        yield _text(_x(1) + 6, _y(OWN_LINE_MS) + 4 + 14 * number, words, 'fill="#ff7f0e"')


def _curve(number: int, call: str, points: Sequence[tuple[float, float]]) -> Iterable[str]:
    colour = COLOURS[number]
    path = " ".join(f"{x},{y}" for x, y in points)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    y = HEIGHT - BOTTOM - 16 * (len(DECISION_CALLS) - number)
    yield _text(_x(1) + 6, y, call, f'fill="{colour}"')
