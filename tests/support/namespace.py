"""Namespaces of Linux: what processes started in one see, and nobody else."""

import os
import subprocess
from typing import Final, Self

import pytest

_READY: Final = "ready"


class Namespace:
    """A namespace for as long as it is entered. A context manager; skips the test where making one
    is not permitted."""

    def __init__(self, kind: str, what: str, prepare: str, *arguments: str) -> None:
        """`kind`: "net" or "mount"; `prepare`: what a shell does in it first, to make `what`."""
        self._kind = kind
        # Without root's rights, a user namespace gives them over the new one.
        rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        script = f"{prepare} && echo {_READY} && exec cat"
        try:
            self._holder = subprocess.Popen(
                ["unshare", f"--{kind}", *rights, "sh", "-c", script, "sh", *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
        except FileNotFoundError:
            pytest.skip(f"no unshare command: {what} cannot be made")
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != f"{_READY}\n":
            _, said = self._holder.communicate()
            pytest.skip(f"{what} cannot be made: {said.strip()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Its last process ends with its input, and the namespace with it.
        self._holder.communicate()

    @property
    def pid(self) -> int:
        """A process in it."""
        return self._holder.pid

    @property
    def prefix(self) -> list[str]:
        """Starts a command in it."""
        enter = ["nsenter", f"--target={self.pid}", f"--{self._kind}"]
        return enter if os.geteuid() == 0 else [*enter, "--user", "--preserve-credentials"]
