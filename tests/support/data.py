"""Where sample data lies that is not part of the project, and how its amounts are read."""

import csv
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("CREDITGATE_TEST_DATA", ROOT.parent / "shared" / "data"))


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file with named columns; skips the test where the file is absent."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"no {name} in CREDITGATE_TEST_DATA (or ../shared/data)")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cents(amount: str) -> int:
    """A decimal amount with at most two decimals, in cents."""
    whole, _, decimals = amount.partition(".")
    assert len(decimals) <= 2, amount
    return int(whole) * 100 + int(decimals.ljust(2, "0"))
