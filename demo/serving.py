"""`creditgate serve` as a process of its own, on a store that outlives it."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo.errors import DemoError

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30
LOG_TAIL_LINES = 12


class Server:
    """One server process after another on the store in `folder`, with the command line's `flags`.

    Raises DemoError."""

    def __init__(self, folder: Path, *flags: str) -> None:
        folder.mkdir(exist_ok=True)
        self.store = folder / "store"
        self.address = ""
        self.started: Mapping[str, Any] = {}
        """What the running server reported when it was ready, its recovery included."""
        self.start_s = 0.0
        """From the start of the process until it was ready, by this process's clock."""
        self._folder = folder
        self._flags = flags
        self._log = folder / "serve.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The process that runs now."""
        assert self._process is not None, "start() comes first"
        return self._process

    async def start(self) -> None:
        """Starts a process and waits until it listens."""
        command = Path(sys.executable).with_name("creditgate")
        begin = time.perf_counter()
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                command, "serve", "--store", self.store, "--listen", "127.0.0.1:0",
                "--metrics", "", "--log-format", "json", *self._flags,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log,
                # Nothing of the user's own configuration: neither a file beside us nor variables.
                cwd=self._folder,
                env={k: v for k, v in os.environ.items() if not k.startswith("CREDITGATE_")},
            )  # fmt: skip
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                self.started = await self._ready()
        except TimeoutError as error:
            await self.kill()
            raise self._failed(f"was not ready within {START_TIMEOUT_S} s") from error
        self.start_s = time.perf_counter() - begin
        self.address = str(self.started["address"])

    async def kill(self) -> None:
        """Ends the process as a power cut would: SIGKILL, nothing flushed, nothing said."""
        if self.process.returncode is not None:
            raise self._failed(f"ended by itself, with exit code {self.process.returncode}")
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> None:
        """Asks the process to end, and insists when it does not. Harmless when it has ended."""
        if self._process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self.process.wait()
        except TimeoutError:
            await self.kill()

    async def _ready(self) -> Mapping[str, Any]:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            event: dict[str, Any] = json.loads(line)
            if event.get("event") == "listening":
                return event
        code = await self.process.wait()
        raise self._failed(f"ended with exit code {code} before it was ready")

    def _failed(self, what: str) -> DemoError:
        tail = self._log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return DemoError("\n".join([f"creditgate serve {what}; its last words:", *tail]))
