"""`make micro`: what each step of an order takes, in time and in instructions.

`check` compares the instructions with `bounds.toml` and fails where a step takes more; `record`
writes those of today into it.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from bench.micro.stages import print_stages
from demo.report import make_console

FOLDER: Final = Path(__file__).resolve().parent
ROOT: Final = FOLDER.parents[1]
BOUNDS: Final = FOLDER / "bounds.toml"
OUT: Final = FOLDER.parent / "out/micro.json"
TARGET: Final = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
COUNTED: Final = re.compile(r"Collected : (\d+)")

# Two runs of each step, so that what is prepared cancels out.
TIMES: Final = (100, 1_000)
TIMES_OF_BATCHES: Final = (2, 6)

_HEAD = """\
# Instructions that each step takes, of `make micro`'s counts; a thousand orders where it ends so.
# Recorded by `.venv/bin/python -m bench.micro record`; checked by the tests.
tolerance_percent = {tolerance}

[instructions]
"""


class MicroError(Exception):
    """Something that is needed is missing, or failed; the message says what."""


def count(step: str) -> int:
    """Instructions that one `step` takes, in all threads."""
    few, many = TIMES_OF_BATCHES if step.endswith("_1000") else TIMES
    return (_collected(step, many) - _collected(step, few)) // (many - few)


def _collected(step: str, times: int) -> int:
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise MicroError("valgrind is missing; Debian, Ubuntu: apt install valgrind")
    done = subprocess.run(
        [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null",
         TARGET / "release/creditgate-count", step, str(times)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    found = COUNTED.search(done.stderr)
    if done.returncode != 0 or found is None:
        raise MicroError(f"{step}: callgrind failed:\n{done.stderr}")
    return int(found[1])


def counts(steps: list[str]) -> dict[str, int]:
    """Instructions of each step, as many at a time as there are cores."""
    cargo("build", "--release", "--bin", "creditgate-count")
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return dict(zip(steps, threads.map(count, steps), strict=True))


def cargo(*arguments: str) -> None:
    """Run cargo for the crate of the benches."""
    command = ["cargo", *arguments[:1], "--locked", "--package", "creditgate-micro", *arguments[1:]]
    if code := subprocess.run(command, check=False, cwd=ROOT).returncode:
        raise MicroError(f"cargo {arguments[0]} ended with exit code {code}")


def exceeded(found: Mapping[str, int], bounds: Mapping[str, int], tolerance: float) -> list[str]:
    """A sentence for each step that takes more than its bound and the tolerance."""
    return [
        f"{step}: {count:,} instructions, at most {bounds[step]:,} and {tolerance:g} % are allowed"
        for step, count in found.items()
        if count > bounds[step] * (1 + tolerance / 100)
    ]


def check() -> int:
    """Compare with the recorded bounds; returns the exit code."""
    recorded = tomllib.loads(BOUNDS.read_text())
    bounds: dict[str, int] = recorded["instructions"]
    found = counts(list(bounds))
    for step, number in found.items():
        change = (number / bounds[step] - 1) * 100
        print(f"{step:20} {number:12,} instructions, {change:+.1f} % of what is recorded")
    failures = exceeded(found, bounds, recorded["tolerance_percent"])
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


def record() -> int:
    """Write today's counts as the bounds; the steps and the tolerance stay."""
    recorded = tomllib.loads(BOUNDS.read_text())
    found = counts(list(recorded["instructions"]))
    lines = (f"{step} = {number}\n" for step, number in found.items())
    BOUNDS.write_text(_HEAD.format(tolerance=recorded["tolerance_percent"]) + "".join(lines))
    print(BOUNDS.read_text(), end="")
    return 0


def run() -> int:
    """Measure times with criterion, count instructions, leave both in `bench/out/micro.json`."""
    times_root = TARGET / "criterion"
    shutil.rmtree(times_root, ignore_errors=True)
    cargo("bench", "--bench", "steps")
    steps = list(tomllib.loads(BOUNDS.read_text())["instructions"])
    times = times_ns(times_root)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"times_ns": times, "instructions": counts(steps)}, indent=1) + "\n")
    print_stages(times, make_console())
    return 0


def times_ns(folder: Path) -> dict[str, dict[str, float]]:
    """Criterion's medians by bench, in nanoseconds, each with its 95 % confidence interval."""
    found = {}
    for path in sorted(folder.glob("**/new/estimates.json")):
        name = json.loads(path.with_name("benchmark.json").read_text())["full_id"]
        median: dict[str, Any] = json.loads(path.read_text())["median"]
        interval = median["confidence_interval"]
        found[name] = {
            "value": median["point_estimate"],
            "min": interval["lower_bound"],
            "max": interval["upper_bound"],
        }
    return found


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.micro", description=__doc__)
    commands = {"run": run, "check": check, "record": record}
    parser.add_argument("command", nargs="?", default="run", choices=commands)
    try:
        return commands[parser.parse_args().command]()
    except MicroError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
