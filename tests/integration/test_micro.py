"""The steps of an order take no more instructions than is recorded."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.micro.__main__ import exceeded
from bench.micro.stages import stages

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 900
"""The optimised build included."""


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("valgrind") is None and "CI" not in os.environ, reason="valgrind: make peers"
)
def test_no_step_takes_more_instructions_than_recorded() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.micro", "check"],
        check=False, capture_output=True, text=True, cwd=ROOT, timeout=TIMEOUT_S,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_a_step_fails_above_its_bound_and_the_tolerance() -> None:
    bounds = {"decide": 1_000, "apply": 2_000}
    assert not exceeded({"decide": 1_050, "apply": 1}, bounds, 5)
    assert exceeded({"decide": 1_051, "apply": 2_000}, bounds, 5) == [
        "decide: 1,051 instructions, at most 1,000 and 5 % are allowed"
    ]


def test_the_stages_of_an_order_add_up() -> None:
    us = {
        "service/handover": 20, "service/decode_batch_1000": 320, "service/order": 200,
        "service/batch_1000": 3_000, "decide/10000": 0.2, "apply/10000": 0.5, "encode/entry": 0.3,
        "encode/commit_1000": 400, "execute/10000": 1.5, "commit/1/10000": 150,
        "commit/1000/10000": 900,
    }  # fmt: skip
    rows = stages({name: {"value": value * 1e3} for name, value in us.items()})
    *parts, whole = rows
    assert whole.name == "all"
    assert sum(stage.alone_us for stage in parts) == pytest.approx(whole.alone_us)
    assert sum(stage.in_batch_us for stage in parts) == pytest.approx(whole.in_batch_us)
    assert all(stage.alone_us >= 0 and stage.in_batch_us >= 0 for stage in parts)
