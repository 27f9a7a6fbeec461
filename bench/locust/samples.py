"""What locust's process measured, call by call, as it is handed over in a file."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

OK: Final = "OK"

LOCUST_ITSELF: Final = "(locust itself)"
"""Not a call: how late locust's own loop woke a sleeper. What callers saw includes such waits."""


class Sample(NamedTuple):
    """One call."""

    sent_s: float
    """When it was sent, in seconds from the day's start."""
    call: str
    latency_ms: float
    outcome: str
    """`OK`, or the gRPC status code."""
    fault: str = ""
    """What is wrong with it, if it is neither an answer nor an honest refusal."""


def write(path: Path, samples: Iterable[Sample]) -> None:
    """Write them all, one a line."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Sample._fields)
        for sent_s, call, latency_ms, outcome, fault in samples:
            writer.writerow((f"{sent_s:.4f}", call, f"{latency_ms:.3f}", outcome, fault))


def read(path: Path) -> list[Sample]:
    """Read what `write` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        next(rows)
        return [
            Sample(float(sent_s), call, float(latency_ms), outcome, fault)
            for sent_s, call, latency_ms, outcome, fault in rows
        ]
