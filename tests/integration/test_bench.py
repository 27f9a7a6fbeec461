"""`make bench`, briefly."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import percentile

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 120


def test_the_bench_ends_with_its_figures() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--users", "2", "--duration", "5s"],
        check=False, capture_output=True, text=True, cwd=ROOT, timeout=TIMEOUT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for method in ("CheckAndReserve", "Capture", "Release"):
        # Requests, no failures, requests/s, p50 and p99.
        assert re.search(rf"{method} +│ +[\d,]+ │ +0 │ +[\d,]+ │ +\d+ │ +\d+ │", done.stdout), (
            done.stdout
        )


@pytest.mark.parametrize(
    ("counts", "p50", "p99"),
    [
        ({}, 0, 0),
        ({"7": 1}, 7, 7),
        ({"10": 1, "9": 99}, 9, 9),
        ({"10": 2, "9": 98}, 9, 10),
        ({"120": 50, "1": 50}, 1, 120),
    ],
)
def test_percentiles_are_by_nearest_rank(counts: dict[str, int], p50: int, p99: int) -> None:
    assert (percentile(counts, 50), percentile(counts, 99)) == (p50, p99)
