"""What all peers share: their interface, their processes, and how latencies are kept."""

import asyncio
import json
import os
import shutil
import stat
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol, TypedDict

ROOT: Final = Path(__file__).resolve().parents[2]

ACCOUNTS: Final = 100_000
AMPLE_MINOR: Final = 10**15
"""A limit that no run uses up; below 2^53, the largest integer that Redis's Lua can count to."""

START_TIMEOUT_S: Final = 60
STOP_TIMEOUT_S: Final = 30

_SIGNIFICANT_BITS: Final = 11
_LOG_TAIL_LINES: Final = 12
_RANKS: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "max": 1.0}


class PeerError(Exception):
    """A peer cannot be started or measured; the message says why."""


class MissingError(PeerError):
    """A program or an address is not there; the message says how to get it."""


class Measurement(TypedDict):
    """What was measured. `histogram`: the buckets' upper bounds in µs, and the calls in each."""

    decisions_per_s: float
    latency_us: dict[str, int]
    histogram: list[tuple[int, int]]


class Peer(Protocol):
    """Something that decides orders. With an address of gRPC it serves CheckAndReserve there."""

    name: str

    async def start(self, folder: Path) -> str:
        """Start with accounts and ample limits, its files in `folder`; returns the address."""

    async def stop(self) -> None:
        """End all processes and remove all files. Harmless when there are none."""


class DirectPeer(Peer, Protocol):
    """A peer without gRPC before it, driven by its own tool."""

    async def measure(self, seconds: float, clients: int) -> Measurement:
        """Drive it in a closed loop of so many clients."""


def measurement(counts: Mapping[int, int], seconds: float, batch: int = 1) -> Measurement:
    """Rate and percentiles, from latencies in µs and how many calls of `batch` orders took so long.

    Raises PeerError when there was none.
    """
    total = sum(counts.values())
    if not total:
        raise PeerError("no decision was made within the time")
    buckets: Counter[int] = Counter()
    for latency_us, count in counts.items():
        buckets[_upper_bound(latency_us)] += count
    histogram = sorted(buckets.items())
    return {
        "decisions_per_s": total * batch / seconds,
        "latency_us": {name: _percentile(histogram, total, rank) for name, rank in _RANKS.items()},
        "histogram": histogram,
    }


def _upper_bound(latency_us: int) -> int:
    """The end of the bucket, as HDR histograms have them for three significant digits."""
    shift = max(latency_us.bit_length() - _SIGNIFICANT_BITS, 0)
    return (((latency_us >> shift) + 1) << shift) - 1


def _percentile(histogram: Iterable[tuple[int, int]], total: int, rank: float) -> int:
    seen = 0
    for upper_us, count in histogram:
        seen += count
        if seen >= rank * total:
            return upper_us
    raise AssertionError("the last bucket holds the last one")


class Process:
    """A child process that ends with us, whatever ends us."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self._name = name
        self._process = process
        self._log = log

    @classmethod
    async def start(cls, name: str, *command: str | Path, log: Path, user: str = "") -> "Process":
        """Start a command, as another user when one is named; what it says goes to `log`."""
        as_user = ["--reuid", user, "--regid", user, "--init-groups"] if user else []
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                # SIGINT stops PostgreSQL without waiting for clients; the others know it too.
                *("setpriv", "--pdeathsig", "INT", *as_user, "--", *command),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=errors,
                # Ctrl-C is ours to hear: we stop what we started, in order.
                cwd=ROOT, start_new_session=True,
            )  # fmt: skip
        return cls(name, process, log)

    @property
    def pid(self) -> int:
        """The process id: `setpriv` has become the command by the time it answers."""
        return self._process.pid

    async def line(self, timeout_s: float = START_TIMEOUT_S) -> str:
        """The next line of its output. Raises PeerError when it ends first or says nothing."""
        assert self._process.stdout is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                if line := await self._process.stdout.readline():
                    return line.decode()
        raise self.failed("did not start")

    async def output(self) -> str:
        """All that it prints, once it has ended. Raises PeerError when it failed."""
        printed, _ = await self._process.communicate()
        if self._process.returncode != 0:
            raise self.failed(f"ended with exit code {self._process.returncode}")
        return printed.decode()

    def failed(self, what: str) -> PeerError:
        """An error that quotes the process's last words."""
        tail = self._log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        return PeerError("\n".join([f"{self._name} {what}; its last words:", *tail]))

    def check(self) -> None:
        """Raise PeerError when the process has ended."""
        if self._process.returncode is not None:
            raise self.failed(f"ended with exit code {self._process.returncode}")

    async def stop(self) -> None:
        """Interrupt it, and kill it when it does not end."""
        if self._process.returncode is None:
            self._process.send_signal(2)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


class Backend:
    """What a peer keeps its accounts in: one process with a new folder of its own."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._folder: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder that it lives in, once it has been started."""
        assert self._folder is not None, "start() comes first"
        return self._folder

    @property
    def log(self) -> Path:
        """What its programs have said."""
        return self.folder / "log"

    async def stop(self) -> None:
        """End it and remove its folder. Harmless when there is none."""
        if self._process is not None:
            await self._process.stop()
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder)
            self._folder = None


class GrpcServer:
    """The Python server before a peer: a module of this folder as a process of its own."""

    def __init__(self, process: Process, address: str) -> None:
        self._process = process
        self.address = address

    @classmethod
    async def start(cls, module: str, backend: str, log: Path) -> "GrpcServer":
        """Start `python -m module backend`, which tells its address once it serves."""
        process = await Process.start(module, sys.executable, "-m", module, backend, log=log)
        try:
            return cls(process, json.loads(await process.line())["address"])
        except BaseException:
            await process.stop()
            raise

    async def stop(self) -> None:
        """End the process."""
        await self._process.stop()


async def output_of(*command: str | Path, log: Path, user: str = "") -> str:
    """Run a command to its end; returns what it printed. Raises PeerError when it fails."""
    process = await Process.start(str(command[0]), *command, log=log, user=user)
    try:
        return await process.output()
    finally:
        await process.stop()


def program(path: str, package: str) -> Path:
    """Where a program lies. Raises MissingError, naming Debian's package."""
    found = shutil.which(path)
    if found is None:
        raise MissingError(f"{path} is not installed; as root: apt-get install {package}")
    return Path(found)


def private_folder(folder: Path, user: str = "") -> Path:
    """A new folder in `folder`, or above it where `user` may not enter it, but on the same way."""
    if user:
        path = [folder, *folder.parents]
        closed = [n for n, part in enumerate(path) if not part.stat().st_mode & stat.S_IXOTH]
        folder = path[closed[-1] + 1] if closed else folder
    made = Path(tempfile.mkdtemp(prefix="creditgate-peer-", dir=folder))
    if user:
        shutil.chown(made, user)
    return made


def is_root() -> bool:
    """Whether we may change users and install packages."""
    return os.geteuid() == 0
