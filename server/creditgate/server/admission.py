"""Which batches are read: what is turned away before costs a fraction of what reading does."""

from collections import deque
from typing import Final

from creditgate.core import Core
from creditgate.server.errors import CallError

_BYTES_MAX: Final = 128 << 10
"""A batch is taken for no larger than so before it is read: a thousand orders are some 70 KB."""

_SMALL_BYTES: Final = 4 << 10
"""The core bounds calls that are no larger by their number alone."""

_SHRINKS_BY: Final = 16
"""Each refusal takes one part in so many off what the next batch is taken for. Faster, and many
would be read that find no room; slower, and a small batch would wait long behind large ones."""

_READ_WITHIN_S: Final = 0.1
"""A batch that was let in takes up room for no longer before it is here: its caller may have left,
or send slowly."""


class BatchAdmission:
    """Lets batches in while the core would take on one like the latest, behind those on their way.

    Both are guesses: how large a batch is nobody knows before it has been read, nor whether it will
    ever be here. The core decides again about each that is. Times are those of `monotonic`.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._size_bytes = 0
        self._on_their_way: deque[float] = deque()
        """When each was let in that has not arrived."""

    def let_in(self, now_s: float) -> bool:
        """Whether the next batch is to be read."""
        while self._on_their_way and now_s - self._on_their_way[0] > _READ_WITHIN_S:
            self._on_their_way.popleft()
        batches = 1 + len(self._on_their_way)
        each_bytes = self._size_bytes if self._size_bytes > _SMALL_BYTES else 0
        if not self._core.has_room(batches, batches * each_bytes):
            return False
        self._on_their_way.append(now_s)
        return True

    def arrived(self, size_bytes: int) -> None:
        """Take note of a batch that was let in and has been read.

        One that comes after its time takes the place of another, for which then one more may be
        read than finds room.
        """
        self._size_bytes = min(size_bytes, _BYTES_MAX)
        if self._on_their_way:
            self._on_their_way.popleft()

    def refuse(self) -> CallError:
        """The core's refusal of a batch that was not read."""
        self._size_bytes -= self._size_bytes // _SHRINKS_BY
        return CallError(*self._core.refuse())
