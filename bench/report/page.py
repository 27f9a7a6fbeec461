"""The report: one file of HTML that needs no network."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from html import escape

from bench.report.plots import Line, plot
from bench.report.verdicts import Row, bound, number
from bench.suite import Point

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1240px; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; } td, th { padding: .25em .7em; border-bottom: 1px solid #ddd; }
th { text-align: left; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
td.n, td code { white-space: nowrap; }
.goal { color: #2e8540; } .gate { color: #9a6a00; } .FAILS, .no { color: #c00; font-weight: 600; }
svg { width: 100%; } svg text { font: 12px system-ui, sans-serif; text-anchor: middle; }
.grid { stroke: #ddd; } code { font-size: 13px; } dt { font-weight: 600; } dl { columns: 2; }
"""

_THROUGHPUT = """Single orders. Each point is a load: on a schedule (each call timed from when it
was due), and one with many callers in a closed loop. Lines are p50, dashed ones p99."""

_ALONE = "python -m bench run"
"""What the last column begins with, and every command: it measures the figure alone."""

_QUANTILES = (0.5, 0.9, 0.99, 0.999, 0.9999)


def page(
    facts: dict[str, str], rows: Sequence[Row], points: Sequence[Point], notes: Sequence[str]
) -> str:
    """The whole page."""
    by_who: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        by_who[point.who].append(point)
    return "\n".join(
        [
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>creditgate: benchmarks',
            f"</title><style>{_STYLE}</style>",
            "<h1>creditgate: benchmarks</h1>",
            "<dl>" + "".join(_fact(*fact) for fact in facts.items()) + "</dl>",
            "<h2>Figures</h2>",
            *_table(rows),
            "<h2>Throughput against latency</h2>",
            f"<p>{_THROUGHPUT}</p>",
            plot(list(_throughput(by_who)), "orders per second", "latency in ms", {}),
            "<h2>Latency by percentile</h2>",
            "<p>Every call of one load, the one nearest to half of each server's capacity.</p>",
            plot(
                [_percentiles(who, points) for who, points in by_who.items()],
                "percentile",
                "latency in ms",
                {1 / (1 - quantile): f"{100 * quantile:g}%" for quantile in _QUANTILES},
            ),
            "<h2>Notes</h2><ul>",
            *(f"<li>{escape(note)}" for note in notes),
            "</ul></html>",
        ]
    )


def _fact(name: str, value: str) -> str:
    return f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"


def _table(rows: Sequence[Row]) -> Iterator[str]:
    heads = ("figure", "", "value", "min", "max", "unit", "gate", "goal", "verdict", _ALONE)
    yield "<table><tr>" + "".join(f"<th>{head}" for head in heads) + "</tr>"
    for row in rows:
        figure, target = row.figure, row.target
        numbers = (figure.value, figure.min, figure.max)
        yield (
            f"<tr><td><b>{escape(row.name)}</b><td>{escape(row.text)}"
            + "".join(f'<td class="n">{number(value)}' for value in numbers)
            + f"<td>{escape(figure.unit)}"
            + f'<td class="n">{bound(target, target.gate if target else None)}'
            + f'<td class="n">{bound(target, target.goal if target else None)}'
            + f'<td class="{row.verdict}">{row.verdict}'
            + f"<td><code>{escape(figure.command.removeprefix(_ALONE))}</code></tr>"
        )
    yield "</table>"


def _throughput(by_who: dict[str, list[Point]]) -> Iterator[Line]:
    for who, points in by_who.items():
        ordered = sorted(points, key=lambda point: point.per_s)
        for quantile in ("p50", "p99"):
            at = [(p.per_s, p.latency_us[quantile] / 1000) for p in ordered]
            yield Line(f"{who} {quantile}", at, dashed=quantile == "p99")


def _percentiles(who: str, points: Sequence[Point]) -> Line:
    """Latency over 1 ÷ (1 - quantile), so that every nine takes as much room as the one before."""
    half = max(point.per_s for point in points) / 2
    point = min(points, key=lambda point: abs(point.per_s - half))
    total = sum(count for _, count in point.histogram)
    seen, line = 0, []
    for upper_us, count in point.histogram:
        # The last call alone has no quantile below 1.
        if seen < total and upper_us > 0:
            line.append((total / (total - seen), upper_us / 1000))
        seen += count
    return Line(f"{who}, {point.per_s:,.0f} /s", line)
