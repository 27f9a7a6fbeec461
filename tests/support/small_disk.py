"""A small disk that really fills: a tmpfs in a mount namespace of its own."""

import os
from pathlib import Path
from typing import Final

from tests.support.namespace import Namespace

_MOUNT: Final = 'mount -t tmpfs -o "size=$1" tmpfs "$2"'


class SmallDisk(Namespace):
    """A tmpfs of `size_bytes` at `mount_point`, seen by processes started with `prefix` alone.

    Other processes reach it by `path`. A context manager; skips the test where mounting is not
    permitted.
    """

    def __init__(self, mount_point: Path, size_bytes: int) -> None:
        super().__init__("mount", "a disk that fills", _MOUNT, str(size_bytes), str(mount_point))
        self._mount_point = mount_point

    @property
    def path(self) -> Path:
        """The disk, as seen by this process."""
        return Path(f"/proc/{self.pid}/root{self._mount_point}")

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
