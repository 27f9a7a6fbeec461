"""What the kernel knows of a process, of a disk, and of the time that the machine had."""

import os
from pathlib import Path
from typing import NamedTuple

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_SECTOR_BYTES = 512
# Within /sys/dev/block/*/stat; see the kernel's Documentation/block/stat.rst.
_SECTORS_WRITTEN = 6
# Within /proc/PID/stat, counted after the name in brackets.
_USER_TICKS, _SYSTEM_TICKS = 11, 12
# Within the first line of /proc/stat, after its name; see proc_stat(5). Guests' time, which comes
# behind it, is part of the user's.
_STOLEN_TICKS = 7


class CpuTime(NamedTuple):
    """Time of all cores since the start of the machine, in ticks."""

    stolen: int
    """Wanted by this machine while others of its host ran."""
    total: int

    @classmethod
    def read(cls) -> "CpuTime":
        """Until now."""
        return cls.parse(Path("/proc/stat").read_text())

    @classmethod
    def parse(cls, stat: str) -> "CpuTime":
        """As the text of /proc/stat tells it."""
        line = stat.partition("\n")[0]
        ticks = [int(field) for field in line.split()[1:]][: _STOLEN_TICKS + 1]
        return cls(ticks[_STOLEN_TICKS], sum(ticks))

    def stolen_since(self, before: "CpuTime") -> float:
        """The share of the time since then that was stolen."""
        return (self.stolen - before.stolen) / max(self.total - before.total, 1)


def cpu_s(pid: int) -> float:
    """CPU time that a process has taken, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS])) / _TICKS_PER_S


def anonymous_bytes(pid: int) -> int:
    """Memory that belongs to a process alone: no file stands behind it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "RssAnon":
            return int(value.split()[0]) * 1024
    raise ValueError(f"/proc/{pid}/status: no RssAnon")


def stored_bytes(folder: Path) -> int:
    """What the files of a folder take on disk; files that vanish meanwhile take nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                total += path.stat().st_blocks * _SECTOR_BYTES
        except FileNotFoundError:
            continue
    return total


def device_of(folder: Path) -> str | None:
    """`major:minor` of the block device that holds a folder; None where none does."""
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    return number if Path(f"/sys/dev/block/{number}/stat").exists() else None


def device_bytes_written(device: str) -> int:
    """What was written to a block device since the start of the machine."""
    fields = Path(f"/sys/dev/block/{device}/stat").read_text().split()
    return int(fields[_SECTORS_WRITTEN]) * _SECTOR_BYTES
