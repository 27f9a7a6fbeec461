"""A small disk that really fills: a tmpfs in a mount namespace of its own."""

import os
import subprocess
from pathlib import Path
from typing import Self

import pytest

_MOUNT = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && echo mounted && exec cat'


class SmallDisk:
    """A tmpfs of `size_bytes` at `mount_point`, seen by processes started with `prefix` alone.

    Other processes reach it by `path`. A context manager; skips the test where mounting is not
    permitted.
    """

    def __init__(self, mount_point: Path, size_bytes: int) -> None:
        self._mount_point = mount_point
        # Without root's rights, a user namespace gives them over the new mounts.
        unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
        try:
            self._holder = subprocess.Popen(
                [*unshare, "sh", "-c", _MOUNT, "sh", str(size_bytes), str(mount_point)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
        except FileNotFoundError:
            pytest.skip("no unshare command: a disk that fills cannot be made")
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "mounted\n":
            _, said = self._holder.communicate()
            pytest.skip(f"a disk that fills cannot be made: {said.strip()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # The last process of the namespace ends with its input, and the disk with it.
        self._holder.communicate()

    @property
    def prefix(self) -> list[str]:
        """Starts a command with the disk mounted."""
        enter = ["nsenter", f"--target={self._holder.pid}", "--mount"]
        return enter if os.geteuid() == 0 else [*enter, "--user", "--preserve-credentials"]

    @property
    def path(self) -> Path:
        """The disk, as seen by this process."""
        return Path(f"/proc/{self._holder.pid}/root{self._mount_point}")

    def free_bytes(self) -> int:
        """What can still be written."""
        figures = os.statvfs(self.path)
        return figures.f_bavail * figures.f_frsize

    def fill(self, leave_bytes: int) -> None:
        """Writes a file that leaves only so much."""
        with (self.path / "filler").open("wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, self.free_bytes() - leave_bytes)

    def make_room(self) -> None:
        """Removes that file."""
        (self.path / "filler").unlink()
