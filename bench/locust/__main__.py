"""`make budget`: a day of users against a new server; fails where the budget is not kept."""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from rich.table import Table

from bench.locust.day import OWN_LINE_MS, OWN_LINE_PHASE
from bench.locust.judge import Judgement, judge
from bench.locust.plot import svg
from bench.locust.samples import Sample, read
from demo.report import make_console
from demo.serving import Server

FOLDER = Path(__file__).resolve().parent
OUT = FOLDER.parent / "out"
REPORT = OUT / "budget.html"
FIGURES = OUT / "budget.json"
SAMPLES = OUT / "budget.csv"
LOG = OUT / "budget.log"

STOP_TIMEOUT_S = 5


def seconds(text: str) -> float:
    """`90`, `60s` or `5m`."""
    unit = {"s": 1, "m": 60}.get(text[-1:])
    length_s = float(text) if unit is None else float(text[:-1]) * unit
    if not 5 <= length_s <= 86_400:
        raise argparse.ArgumentTypeError("a day lasts from 5 seconds to 24 hours")
    return length_s


async def play(day_s: float) -> int:
    """Play the day with locust, against a server of its own; returns locust's exit code."""
    with tempfile.TemporaryDirectory(prefix="creditgate-budget-") as folder, LOG.open("wb") as log:
        server = Server(Path(folder))
        try:
            await server.start()
            locust = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "locust", "--locustfile", FOLDER / "users.py"),
                *("--host", server.address, "--headless", "--html", REPORT),
                *("--day", str(day_s), "--samples", SAMPLES),
                # Calls in flight at the end are waited for: a slow one must not go uncounted.
                *("--stop-timeout", str(STOP_TIMEOUT_S), "--exit-code-on-error", "0"),
                *("--only-summary", "--loglevel", "WARNING"),
                stdout=log,
                stderr=log,
                cwd=FOLDER.parents[1],
            )
            return await locust.wait()
        finally:
            await server.stop()


def report(judgement: Judgement, samples: list[Sample], day_s: float) -> None:
    """Leave figures and picture in `bench/out`, and print the table."""
    FIGURES.write_text(json.dumps({"day_s": day_s, **judgement.as_json()}, indent=1) + "\n")
    page = REPORT.read_text(encoding="utf-8")
    before, end, after = page.rpartition("</body>")
    heading = "<h2>The day against its budget</h2>"
    section = f'<section style="padding:1em 2em">{heading}{svg(samples, day_s)}</section>'
    REPORT.write_text(before + section + end + after, encoding="utf-8")
    print_table(judgement)


def print_table(judgement: Judgement) -> None:
    """A line for each call in each phase."""
    table = Table(title="Times in ms, as callers on this machine saw them", title_justify="left")
    table.add_column("phase")
    table.add_column("call")
    for column in ("calls", "refused", "calls/s", "p50", "p99", "max"):
        table.add_column(column, justify="right")
    phase = ""
    for row in judgement.figures:
        if phase and row.phase != phase:
            table.add_section()
        table.add_row(
            row.phase if row.phase != phase else "",
            row.call,
            *(f"{row.calls:,}", f"{row.refused:,}" if row.refused else "·"),
            f"{row.calls_per_s:,.0f}",
            *(f"{time_ms:.1f}" for time_ms in (row.p50_ms, row.p99_ms, row.max_ms)),
        )
        phase = row.phase
    make_console().print(table)


def say(judgement: Judgement) -> int:
    """Print what the figures mean; returns the exit code."""
    line = (
        f"our own line of {OWN_LINE_MS:g} ms at half of what locust can ask for "
        f"({OWN_LINE_PHASE.name})"
    )
    if judgement.own_line_missed:
        print(f"Missed, and not enforced: {line}: " + "; ".join(judgement.own_line_missed))
    else:
        print(f"Kept: {line}")
    if not judgement.failures:
        print("Kept: the budget")
        return 0
    print("The budget was not kept:")
    for failure in judgement.failures:
        print(f"  {failure}")
    return 1


def main() -> int:
    """Read the command line, play, judge."""
    parser = argparse.ArgumentParser(prog="python -m bench.locust", description=__doc__)
    parser.add_argument("--duration", type=seconds, default=300.0, help="e.g. 60s (default: 5m)")
    day_s = parser.parse_args().duration
    OUT.mkdir(exist_ok=True)
    # What an earlier run left must not pass for this one's.
    for path in (REPORT, FIGURES, SAMPLES):
        path.unlink(missing_ok=True)
    if code := asyncio.run(play(day_s)):
        print(LOG.read_text(errors="replace"), file=sys.stderr)
        print(f"locust ended with exit code {code}", file=sys.stderr)
        return code
    samples = read(SAMPLES)
    judgement = judge(samples, day_s)
    report(judgement, samples, day_s)
    return say(judgement)


if __name__ == "__main__":
    sys.exit(main())
