"""creditgate-load, built and run."""

import asyncio
import json
from pathlib import Path
from typing import Any

from bench.peers.peer import ROOT, PeerError

Result = dict[str, Any]
"""What the generator prints; bench/README.md says what is in it."""


async def build(*, optimised: bool) -> Path:
    """Build it and return where it is; a second time builds nothing. Raises PeerError."""
    profile = ["--release"] if optimised else []
    command = ("cargo", "build", "--quiet", "--locked", "-p", "creditgate-load", *profile)
    code = await (await asyncio.create_subprocess_exec(*command, cwd=ROOT)).wait()
    if code != 0:
        raise PeerError("cargo could not build creditgate-load")
    return ROOT / "target" / ("release" if optimised else "debug") / "creditgate-load"


async def run(binary: Path, *arguments: str | float | Path) -> Result:
    """Run it to its end. Raises PeerError with its last words."""
    process = await asyncio.create_subprocess_exec(
        binary,
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        printed, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise PeerError(f"creditgate-load {' '.join(map(str, arguments))}: {errors.decode()}")
    result: Result = json.loads(printed)
    return result


def p99_ms(result: Result, key: str = "latency_us") -> float:
    """The p99 of accepted calls, or of those refused; 0 when there were none."""
    quantiles = result[key]
    return quantiles["p99"] / 1000 if quantiles else 0.0


def refused(result: Result) -> dict[str, int]:
    """Orders without a decision, by why."""
    return {
        name: count
        for name, count in result["outcomes"].items()
        if name not in {"approved", "declined"} and count
    }
