"""The servers that are measured: creditgate's, and the echo."""

import asyncio
import json
import os
import re
import signal
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from bench import procfs
from bench.peers.peer import PeerError, Process
from creditgate.client import AsyncClient, TransientError

_METRIC: Final = re.compile(r"creditgate_core_(\w+?)(?:_total)? ([\d.e+]+)$", re.MULTILINE)

START_TIMEOUT_S: Final = 600
_CATCH_UP_TIMEOUT_S: Final = 600


class Creditgate:
    """`creditgate serve`, with its defaults but for `flags`, on a store that outlives it."""

    name = "creditgate"

    def __init__(self, folder: Path, *flags: str | int) -> None:
        self.store = folder / "store"
        self._flags = flags
        self.address = ""
        self.recovery: dict[str, int] = {}
        self.start_s = 0.0
        self._folder = folder
        self._metrics = ""
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """The process that runs now."""
        assert self._process is not None, "start() comes first"
        return self._process.pid

    async def start(self) -> None:
        """Start a process and wait until it listens. Raises PeerError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        begin = time.perf_counter()
        self._process = await Process.start(
            "creditgate serve",
            Path(sys.executable).with_name("creditgate"),
            *("serve", "--store", self.store, "--listen", "127.0.0.1:0"),
            *("--metrics", "127.0.0.1:0", "--log-format", "json"),
            *map(str, self._flags),
            log=self._folder / "serve.log",
        )
        said = json.loads(await self._process.line(START_TIMEOUT_S))
        self.start_s = time.perf_counter() - begin
        self.address, self._metrics = said["address"], said["metrics"]
        self.recovery = said["recovery"]

    async def kill(self) -> None:
        """End the process as a power cut would: nothing flushed, nothing said."""
        os.kill(self.pid, signal.SIGKILL)
        await self.stop()

    async def stop(self) -> None:
        """End the process. Harmless when it has ended."""
        if self._process is not None:
            await self._process.stop()
            self._process = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.stop()

    def cpu_s(self) -> float:
        """CPU time of the process so far."""
        return procfs.cpu_s(self.pid)

    def memory_bytes(self) -> int:
        """Anonymous pages and the counters map."""
        return procfs.anonymous_bytes(self.pid) + (self.store / "counters.map").stat().st_size

    async def stats(self) -> dict[str, float]:
        """The core's figures, from the page of metrics."""
        address = f"http://{self._metrics}/metrics"

        def read() -> str:
            with urllib.request.urlopen(address, timeout=10) as page:
                text: bytes = page.read()
            return text.decode()

        found = _METRIC.findall(await asyncio.to_thread(read))
        return {name: float(value) for name, value in found}

    async def caught_up(self) -> None:
        """Have the tables take in all of the journal, and wait for it. Raises PeerError."""
        try:
            async with asyncio.timeout(_CATCH_UP_TIMEOUT_S), AsyncClient(self.address) as client:
                while not await self._is_caught_up():
                    # A list shows all that came before it, so the tables are written for it, some
                    # seconds before they would be by themselves.
                    with suppress(TransientError):
                        await anext(client.list_reservations(page_size=1), None)
        except TimeoutError as error:
            raise PeerError("the tables did not catch up with the journal") from error

    async def _is_caught_up(self) -> bool:
        stats = await self.stats()
        return stats["tables_seq"] >= stats["journal_seq"]


class Echo:
    """A server that returns bytes."""

    name = "echo"

    def __init__(self, folder: Path, **options: int) -> None:
        self.address = ""
        self._log = folder / "echo.log"
        self._options = [
            part
            for name, value in options.items()
            for part in (f"--{name.replace('_', '-')}", str(value))
        ]
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._process = await Process.start(
            *("echo", sys.executable, "-m", "bench.peers.echo", *self._options), log=self._log
        )
        said: dict[str, Any] = json.loads(await self._process.line())
        self.address = said["address"]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        assert self._process is not None
        await self._process.stop()

    def cpu_s(self) -> float:
        """CPU time of the process so far."""
        assert self._process is not None
        return procfs.cpu_s(self._process.pid)
