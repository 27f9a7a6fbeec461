"""What `make` sets up: it names what is missing, and does nothing twice."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Built anew when a Rust source has changed, as it may just have.
EXTENSION = "core_rs/python/creditgate/core/_core.abi3.so"
# What a `make` around these tests would tell its own children.
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "PYTHON"))}

FOUND = {"python3": f'exec {sys.executable} "$@"', "cargo": "echo cargo 1.88.0", "cc": "true"}


def prerequisites(folder: Path, commands: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs the check on a machine that has nothing but these commands."""
    for name in ("sed", "sh"):
        folder.joinpath(name).symlink_to(str(shutil.which(name)))
    for name, script in commands.items():
        command = folder / name
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)
    return subprocess.run(
        ["sh", ROOT / "tools/prerequisites.sh"],
        check=False, capture_output=True, text=True, env={"PATH": str(folder)},
    )  # fmt: skip


def test_a_machine_with_everything_is_told_its_python(tmp_path: Path) -> None:
    done = prerequisites(tmp_path, FOUND)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{tmp_path}/python3\n", "")


@pytest.mark.parametrize(
    ("name", "script", "what", "way"),
    [
        ("python3", None, "Python 3.11 or later", "apt install python3 "),
        ("python3", "exit 1", "Python 3.11 or later", "python.org/downloads"),
        ("python3", '[ "${2#import ens}" = "$2" ]', "venv module", "apt install python3-venv"),
        ("cargo", None, "cargo 1.88 or later", "rustup.rs"),
        ("cargo", "echo cargo 1.87.0", "cargo 1.88 or later", "rustup.rs"),
        ("cc", None, "a C compiler", "build-essential"),
    ],
)
def test_what_is_missing_is_named_with_the_way_to_get_it(
    tmp_path: Path, name: str, script: str | None, what: str, way: str
) -> None:
    commands = {k: v for k, v in {**FOUND, name: script}.items() if v is not None}
    done = prerequisites(tmp_path, commands)
    assert done.returncode == 1
    assert done.stdout == ""
    _, first, how, *others = done.stderr.splitlines()
    assert what in first
    assert way in how
    assert not others, "everything else is there"


def test_all_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    done = prerequisites(tmp_path, {})
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 + 2 * len(FOUND)


def test_peers_that_only_root_can_install_are_named(tmp_path: Path) -> None:
    for name, script in {"id": "echo 1000", "apt-get": "exit 1"}.items():
        tmp_path.joinpath(name).write_text(f"#!/bin/sh\n{script}\n")
        tmp_path.joinpath(name).chmod(0o755)
    done = subprocess.run(
        [str(shutil.which("sh")), ROOT / "tools/peers.sh"],
        check=False, capture_output=True, text=True, env={"PATH": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "as root: apt-get install" in done.stderr
    assert done.stderr.endswith(" redis-server redis-tools valgrind chromium\n")


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
@pytest.mark.parametrize("target", ["demo", "test"])
def test_a_second_run_sets_up_nothing_anew(target: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", f"--assume-old={EXTENSION}", target],
        check=True, capture_output=True, text=True, cwd=ROOT, env=CLEAN,
    )  # fmt: skip
    assert "python -m " in done.stdout
    assert "pip" not in done.stdout
    assert " -m venv" not in done.stdout
