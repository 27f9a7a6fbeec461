"""The benchmarks, as small as they get: every figure is measured, none is judged."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bench.gates import TARGETS

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 1_200
POSTGRES = Path("/usr/lib/postgresql/15/bin/initdb")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cargo") is None, reason="the load generator is built with cargo")
def test_every_figure_can_be_measured() -> None:
    # Short, for the sockets of the peers: their paths have at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        measure_every_figure(Path(folder))


def measure_every_figure(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--folder", folder, "--out", folder / "out", "tiny"],
        check=False, capture_output=True, text=True, cwd=ROOT, timeout=TIMEOUT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((folder / "out/summary.json").read_text())
    expected = set(TARGETS) if POSTGRES.exists() else set(TARGETS) - {"unary_vs_postgres"}
    measured = {name for name, figure in summary.items() if figure["value"] is not None}
    assert expected <= measured, done.stdout
    for name in measured:
        figure = summary[name]
        assert figure["min"] <= figure["value"] <= figure["max"], name
        assert figure["unit"], name
        assert re.fullmatch(r"python -m bench run \w+ --plan tiny", figure["command"]), name
    assert summary["overload_lost"]["value"] == 0
    page = (folder / "out/report.html").read_text()
    assert page.count("<svg") == 2
    assert not re.search(r"""(?:src|href)=|url\(|@import|<script""", page), "needs nothing else"
    assert not list(folder.glob("*-*")), "stores are removed"


@pytest.mark.skipif(shutil.which("cargo") is None, reason="the load generator is built with cargo")
def test_a_family_can_be_measured_under_the_policy() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "bench", "--folder", folder, "--out", f"{folder}/out",
             "run", "hot", "--plan", "tiny", "--policy"],
            check=False, capture_output=True, text=True, cwd=ROOT, timeout=TIMEOUT_S,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        figure = json.loads(Path(folder, "out/summary.json").read_text())["hot_vs_uniform"]
    assert figure["value"] > 0
    assert figure["command"] == "python -m bench run hot --plan tiny --policy"
