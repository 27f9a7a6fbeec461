"""`make profile`: a flame graph of the server under load, Python and Rust in one picture.

The thread that runs Python is sampled by py-spy, which knows Python's frames and those of the
libraries below them; all other threads, the worker first of all, by perf. Both sample at the same
rate and only what is running, so that widths compare.
"""

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from demo.serving import Server

ROOT: Final = Path(__file__).resolve().parents[2]
OUT: Final = ROOT / "bench/out"
TARGET: Final = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
TOOLS: Final = TARGET / "tools"
INFERNO: Final = "0.12.8"

RATE_HZ: Final = 197
"""No divisor of what else happens regularly."""
WARM_UP_S: Final = 2

# As inferno names a thread: `comm-pid/tid`.
_THREAD: Final = re.compile(r"^(?P<comm>.*)-(?P<pid>\d+|\?)/(?P<tid>\d+)$")

PICTURES: Final = {"unary": "profile.svg", "batch": "profile-batch.svg"}


class ProfileError(Exception):
    """Something that is needed is missing, or failed; the message says what."""


def build() -> None:
    """The load generator, and inferno, which folds perf's stacks and draws flames."""
    run("cargo", "build", "--release", "--locked", "--package", "creditgate-load")
    run("cargo", "install", "--quiet", "--locked", "--root", TOOLS, "--version", INFERNO, "inferno")


def run(*command: str | Path) -> None:
    """Run to the end; raises ProfileError."""
    if code := subprocess.run(command, check=False, cwd=ROOT).returncode:
        raise ProfileError(f"{command[0]} {command[1]} ended with exit code {code}")


def tool(name: str, package: str) -> str:
    """Where a command is; raises ProfileError with the way to get it."""
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        raise ProfileError(f"{name} is missing; {package}")
    return found


async def profile(call: str, seconds: int, folder: Path) -> list[str]:
    """Sample a new server under load; returns folded stacks, the thread's name first."""
    server = Server(folder)
    await server.start()
    try:
        load = await start_load(server.address, call, seconds)
        await asyncio.sleep(WARM_UP_S)
        python, others = folder / "python.folded", folder / "others.data"
        await both(server.process.pid, seconds, python, others)
        if await load.wait() != 0:
            raise ProfileError("the load generator failed")
    finally:
        await server.stop()
    return [*of_python(python.read_text()), *of_others(others, server.process.pid)]


async def start_load(address: str, call: str, seconds: int) -> asyncio.subprocess.Process:
    """Closed-loop load that begins at once and outlasts the samples."""
    in_flight = {"unary": "64", "batch": "4"}[call]
    return await asyncio.create_subprocess_exec(
        TARGET / "release/creditgate-load",
        *("--target", address, "--call", call, "--in-flight", in_flight, "--prepare"),
        *("--accounts", "10000", "--seconds", str(seconds + 2 * WARM_UP_S)),
        stdout=asyncio.subprocess.DEVNULL,
    )


async def both(pid: int, seconds: int, python: Path, others: Path) -> None:
    """Sample with py-spy and perf at the same time."""
    spy = await asyncio.create_subprocess_exec(
        tool("py-spy", "it is among the locked packages: make setup"),
        *("record", "--pid", str(pid), "--native", "--format", "raw", "--function", "--threads"),
        *("--rate", str(RATE_HZ), "--duration", str(seconds), "--output", python),
        stdout=asyncio.subprocess.DEVNULL,
    )
    perf = await asyncio.create_subprocess_exec(
        tool("perf", "Debian: apt install linux-perf; Ubuntu: apt install linux-tools-generic"),
        *("record", "--quiet", "--event", "cpu-clock", "--call-graph", "dwarf,16384"),
        *("--freq", str(RATE_HZ), "--pid", str(pid), "--output", others),
        *("--", "sleep", str(seconds)),
        stdout=asyncio.subprocess.DEVNULL,
    )
    codes = await asyncio.gather(spy.wait(), perf.wait())
    if any(codes):
        raise ProfileError(
            "py-spy or perf was not allowed to look into the server: run as root, or lower "
            "kernel.yama.ptrace_scope and kernel.perf_event_paranoid"
        )


def of_python(folded: str) -> Iterator[str]:
    """Stacks of the thread that runs the event loop, as py-spy folds them."""
    for line in folded.splitlines():
        thread, _, stack = line.partition(";")
        # perf has the others, whether they know Python or not.
        if "MainThread" in thread:
            yield f"event loop (Python);{stack}"


def of_others(data: Path, pid: int) -> Iterator[str]:
    """Stacks of all other threads, as inferno folds perf's."""
    script = subprocess.run(
        [tool("perf", ""), "script", "--input", data],
        check=True, capture_output=True,
    )  # fmt: skip
    folded = subprocess.run(
        [TOOLS / "bin/inferno-collapse-perf", "--tid"],
        input=script.stdout, check=True, capture_output=True,
    )  # fmt: skip
    yield from without_thread(folded.stdout.decode(errors="replace").splitlines(), pid)


def without_thread(folded: Iterable[str], tid: int) -> Iterator[str]:
    """Folded stacks of the threads but one, each under its name alone."""
    for line in folded:
        thread, _, stack = line.partition(";")
        named = _THREAD.match(thread)
        if named is None or int(named["tid"]) != tid:
            frames, _, time_ns = stack.rpartition(" ")
            # perf counts nanoseconds of this clock, py-spy samples.
            samples = round(int(time_ns) * RATE_HZ / 1e9)
            yield f"{named['comm'] if named else thread};{frames} {samples}"


def shares(folded: Iterable[str]) -> Counter[str]:
    """Samples of each thread."""
    found: Counter[str] = Counter()
    for line in folded:
        stack, _, count = line.rpartition(" ")
        found[stack.partition(";")[0]] += int(count)
    return found


def draw(folded: list[str], call: str, out: Path) -> None:
    """One self-contained SVG."""
    picture = subprocess.run(
        [TOOLS / "bin/inferno-flamegraph", "--title", f"creditgate under {call} load",
         "--subtitle", f"each sample: 1/{RATE_HZ} s of one core", "--hash"],
        input="\n".join(folded).encode(), check=True, capture_output=True,
    )  # fmt: skip
    out.write_bytes(picture.stdout)


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="of samples (default: 10)")
    seconds = parser.parse_args().seconds
    OUT.mkdir(exist_ok=True)
    try:
        build()
        for call, name in PICTURES.items():
            with tempfile.TemporaryDirectory(prefix="creditgate-profile-") as folder:
                folded = asyncio.run(profile(call, seconds, Path(folder)))
            (OUT / name).with_suffix(".folded").write_text("\n".join(folded) + "\n")
            draw(folded, call, OUT / name)
            print(f"bench/out/{name}")
            for thread, samples in shares(folded).most_common():
                print(f"  {samples / (RATE_HZ * seconds):6.1%} of a core  {thread}")
    except ProfileError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
