"""Plays the locust scenario against a server on a new store."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from demo.report import make_console
from demo.serving import Server

FOLDER = Path(__file__).resolve().parent
SCENARIO = FOLDER / "locust/locustfile.py"
OUT = FOLDER / "out"
FIGURES = OUT / "orders.json"


async def bench(users: int, duration: str) -> int:
    """Run to the end; returns locust's exit code, 1 when a call failed."""
    OUT.mkdir(exist_ok=True)
    # What an earlier run left must not pass for this one's.
    FIGURES.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="creditgate-bench-") as folder:
        server = Server(Path(folder))
        try:
            await server.start()
            locust = await asyncio.create_subprocess_exec(
                Path(sys.executable).with_name("locust"),
                *("--locustfile", SCENARIO, "--host", server.address, "--headless"),
                *("--users", str(users), "--spawn-rate", str(users), "--run-time", duration),
                *("--json-file", FIGURES.with_suffix("")),  # locust adds the suffix
                *("--only-summary", "--loglevel", "WARNING"),
            )
            code = await locust.wait()
        finally:
            await server.stop()
    if FIGURES.is_file():
        show(json.loads(FIGURES.read_text()))
    return code


def show(entries: list[dict[str, Any]]) -> None:
    """Print locust's figures, a line for each method."""
    if not entries:
        print("No call ended in time: DURATION is too short for this machine.")
        return
    table = Table(title="Times in ms, as callers on this machine saw them", title_justify="left")
    table.add_column("method")
    for column in ("requests", "failures", "requests/s", "p50", "p99"):
        table.add_column(column, justify="right")
    for entry in sorted(entries, key=lambda entry: str(entry["name"])):
        elapsed_s = entry["last_request_timestamp"] - entry["start_time"]
        table.add_row(
            entry["name"],
            f"{entry['num_requests']:,}",
            f"{entry['num_failures']:,}",
            f"{entry['num_requests'] / elapsed_s:,.0f}" if elapsed_s > 0 else "",
            *(f"{percentile(entry['response_times'], rank):g}" for rank in (50, 99)),
        )
    make_console().print(table)


def percentile(counts: Mapping[str, int], percent: int) -> float:
    """The nearest rank among times that locust has rounded and counted; 0 when there are none."""
    wanted = -(-sum(counts.values()) * percent // 100)
    seen = 0
    for time_ms, count in sorted((float(text), count) for text, count in counts.items()):
        seen += count
        if seen >= wanted:
            return time_ms
    return 0.0


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--users", type=int, default=8, help="users at once (default: 8)")
    parser.add_argument("--duration", default="20s", help="e.g. 60s or 5m (default: 20s)")
    arguments = parser.parse_args()
    sys.exit(asyncio.run(bench(arguments.users, arguments.duration)))


if __name__ == "__main__":
    main()
