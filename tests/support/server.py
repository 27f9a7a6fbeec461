"""`creditgate serve` as a process of its own: started, stopped, killed, started again."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests.support.api import Api

COMMAND = Path(sys.executable).with_name("creditgate")
START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 60


class NotStartedError(Exception):
    """The server ended before it listened. Carries its exit code and what it wrote to stderr."""

    def __init__(self, exit_code: int, stderr: str) -> None:
        super().__init__(f"creditgate serve ended with {exit_code} before it listened:\n{stderr}")
        self.exit_code = exit_code
        self.stderr = stderr


class ServerProcess:
    """One server process after another on the store in `folder`, each on free ports.

    Options are those of `creditgate serve` with underscores. `prefix` is a command that starts the
    server, e.g. in a namespace of its own; it must become the server's process by exec.
    """

    def __init__(self, folder: Path, prefix: Sequence[str] = (), /, **options: object) -> None:
        self.store = folder / "store"
        self.address = ""
        self.metrics_address = ""
        self.listening: dict[str, Any] = {}
        """The line in which the server said where it listens and how it recovered."""
        self._folder = folder
        self._prefix = prefix
        self._options: dict[str, object] = {
            "store": self.store,
            "listen": "127.0.0.1:0",
            "metrics": "127.0.0.1:0",
            **options,
        }
        self._process: subprocess.Popen[str] | None = None
        self._api: Api | None = None
        # Beside the folder when the folder itself may be full or gone.
        self.stderr_path = folder / "serve.stderr"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def process(self) -> subprocess.Popen[str]:
        """The process that runs now."""
        assert self._process is not None, "start() comes first"
        return self._process

    @property
    def api(self) -> Api:
        """Stubs on one channel to the process that runs now."""
        if self._api is None:
            self._api = Api(self.address)
        return self._api

    def start(self, *, timeout_s: float = START_TIMEOUT_S) -> Self:
        """Starts a process and waits until it listens.

        One that does not listen within the timeout is killed.

        Raises NotStartedError.
        """
        assert self._process is None, "stop it first"
        flags = [
            f"--{name.replace('_', '-')}" + ("" if value is True else f"={value}")
            for name, value in self._options.items()
        ]
        with self.stderr_path.open("a") as stderr:
            self._process = subprocess.Popen(
                [*self._prefix, COMMAND, "serve", *flags],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True,
                cwd=self._folder,
                # Nothing of the user's own configuration.
                env={k: v for k, v in os.environ.items() if not k.startswith("CREDITGATE_")},
            )  # fmt: skip
        self.listening = self._listening(timeout_s)
        self.address = self.listening["address"]
        self.metrics_address = self.listening["metrics"] or ""
        return self

    def _listening(self, timeout_s: float) -> dict[str, Any]:
        """Reads stdout up to the line that names the address, or to its end."""
        assert self.process.stdout is not None
        give_up = threading.Timer(timeout_s, self.process.kill)
        give_up.start()
        try:
            for line in self.process.stdout:
                event: dict[str, Any] = json.loads(line)
                if event.get("event") == "listening":
                    return event
        finally:
            give_up.cancel()
            give_up.join()
        raise NotStartedError(self._ended(), self.stderr_text())

    def _ended(self) -> int:
        """Waits for the process to end, and forgets it."""
        try:
            code = self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            if self._api is not None:
                self._api.close()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self._api = self._process = None
        return code

    def kill(self) -> None:
        """SIGKILL, as a power cut would: nothing flushed, nothing said. Harmless when ended."""
        if self._process is not None:
            self._process.kill()
            self._ended()

    def terminate(self) -> int:
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._ended()

    def restart(self, **changes: object) -> Self:
        """Kill, and start again; `changes` are to the options."""
        self.kill()
        self._options.update(changes)
        return self.start()

    def stderr_text(self) -> str:
        """All that this and earlier processes wrote to stderr."""
        return self.stderr_path.read_text(errors="replace")
