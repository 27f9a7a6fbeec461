"""A PostgreSQL cluster of one's own: made in a folder, on a private port, gone afterwards."""

import os
import shutil
import socket
import stat
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

BIN: Final = Path("/usr/lib/postgresql/15/bin")
PACKAGE: Final = "postgresql-15"
STOP_TIMEOUT_S: Final = 60

_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "50",
    "shared_buffers": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class ClusterError(Exception):
    """The cluster could not be made or started; the message ends with what PostgreSQL said."""


def is_installed() -> bool:
    """Whether Debian's package is there."""
    return (BIN / "initdb").exists()


class Cluster:
    """A new cluster for as long as it is entered, reached by TCP on 127.0.0.1.

    PostgreSQL refuses to run as root, so root starts it as the package's own user.
    """

    def __init__(self, **settings: str) -> None:
        self._settings = {**_SETTINGS, **settings}
        self._user = "postgres" if os.geteuid() == 0 else None
        self._folder = Path()
        self._port = 0
        self.conninfo = ""

    def __enter__(self) -> Self:
        if not is_installed():
            raise ClusterError(f"PostgreSQL 15 is missing; as root: apt-get install {PACKAGE}")
        self._folder = Path(tempfile.mkdtemp(prefix="creditgate-ledger-"))
        if self._user:
            shutil.chown(self._folder, self._user)
            self._folder.chmod(self._folder.stat().st_mode | stat.S_IXOTH)
        try:
            self._run(
                "initdb",
                *("--username", "postgres", "--auth", "trust"),
                *("--encoding", "UTF8", "--no-locale", "--no-sync"),
            )
            self._port = _free_port()
            self.conninfo = f"host=127.0.0.1 port={self._port} user=postgres dbname=postgres"
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if (self._data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start it, on the same port after a stop. Raises ClusterError."""
        settings = {**self._settings, "port": str(self._port)}
        settings["unix_socket_directories"] = str(self._folder)
        options = " ".join(f"-c {key}={value}" for key, value in settings.items())
        self._run("pg_ctl", "start", "--wait", "-o", options, "--log", str(self._folder / "log"))

    def stop(self, mode: str = "immediate") -> None:
        """Stop it; `immediate` is a power cut, `fast` ends sessions in order."""
        self._run("pg_ctl", "stop", "--wait", "--mode", mode)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, name: str, *arguments: str) -> None:
        command = [str(BIN / name), "--pgdata", str(self._data), *arguments]
        if self._user:
            # Not by `user=` of subprocess: that forks, and a child with gRPC's locks but not its
            # threads may end before it runs anything.
            rights = [f"--reuid={self._user}", f"--regid={self._user}", "--init-groups"]
            command = ["setpriv", *rights, *command]
        # To a file: a server that is started would hold a pipe open for as long as it runs.
        output = self._folder / f"{name}.out"
        with output.open("wb") as out:
            code = subprocess.run(
                command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, check=False,
                cwd=self._folder, timeout=STOP_TIMEOUT_S,
            ).returncode  # fmt: skip
        if code:
            raise ClusterError(f"{name} ended with {code}: {output.read_text(errors='replace')}")


def _free_port() -> int:
    """A port that is free now; PostgreSQL takes none of its own choice."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
