"""Where and with what was measured."""

import datetime as dt
import importlib.metadata
import os
import platform
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from bench import procfs
from bench.figures.witness import GHZ
from bench.peers.peer import ROOT
from bench.peers.postgres import BIN as POSTGRES

_VERSIONS: Final = {
    "PostgreSQL": ((f"{POSTGRES}/postgres", "--version"), r"([\d.]+)"),
    "Redis": (("redis-server", "--version"), r"v=([\d.]+)"),
    # It says "dev" of itself; its build knows.
    "ghz": (("go", "version", "-m", str(GHZ)), r"\bmod\s+\S+\s+v([\d.]+)"),
}
"""How each is asked, and where in the answer its version stands."""


def facts(folder: Path) -> dict[str, str]:
    """Machine, versions, commit and date, as the report shows them."""
    return {
        "CPU": _field("/proc/cpuinfo", "model name"),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "disk": _disk(folder),
        "load before": f"{os.getloadavg()[0]:.2f}",
        "kernel": platform.release(),
        "creditgate": importlib.metadata.version("creditgate-server"),
        "grpcio": importlib.metadata.version("grpcio"),
        "Python": platform.python_version(),
        "rustc": _output("rustc", "--version").removeprefix("rustc "),
        "commit": _output("git", "describe", "--always", "--dirty"),
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }


def peers() -> dict[str, str]:
    """Versions of what is measured beside us and of the witness; what is not there is left out."""
    versions = {
        name: found[1]
        for name, (command, pattern) in _VERSIONS.items()
        if (found := re.search(pattern, _output(*command)))
    }
    with suppress(importlib.metadata.PackageNotFoundError):
        versions["TigerBeetle client"] = importlib.metadata.version("tigerbeetle")
    return versions


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def _disk(folder: Path) -> str:
    """Device, file system and free space of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    device = procfs.device_of(folder)
    name = Path(f"/sys/dev/block/{device}").resolve().name if device else "none"
    space = os.statvfs(folder)
    system = _output("stat", "--file-system", "--format=%T", str(folder))
    return f"{name}, {system}, {space.f_bavail * space.f_frsize / 2**30:.0f} GiB free"


def _output(*command: str) -> str:
    """What a program prints; `unknown` when it is not there or fails."""
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
