"""Which batches are let in before anybody knows how large they are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from creditgate.core import Core
from creditgate.server.admission import BatchAdmission

SIZE = 70_000


class Room:
    """A core whose lane has this much room, and any number of places."""

    def __init__(self, core: Core, size_bytes: int) -> None:
        self._core = core
        self.size_bytes = size_bytes

    def has_room(self, _calls: int, size_bytes: int) -> bool:
        # As in the core, small calls are bounded by their number alone.
        return size_bytes <= 4 << 10 or size_bytes <= self.size_bytes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._core, name)


@pytest.fixture(name="room")
def with_room(tmp_path: Path) -> Iterator[Any]:
    core = Core(str(tmp_path))
    yield Room(core, 3 * SIZE)
    core.close()


def test_those_on_their_way_take_up_room_until_they_are_here_or_late(room: Any) -> None:
    batches = BatchAdmission(room)
    batches.arrived(SIZE)
    assert [batches.let_in(now_s) for now_s in (1.0, 1.01, 1.02, 1.03)] == [True, True, True, False]
    batches.arrived(SIZE)
    assert [batches.let_in(1.04), batches.let_in(1.05)] == [True, False]
    # The first of the others was let in at 1.01, a tenth of a second before.
    assert [batches.let_in(1.115), batches.let_in(1.115)] == [True, False]


def test_small_batches_are_let_in_by_their_number_alone(room: Any) -> None:
    batches = BatchAdmission(room)
    room.size_bytes = 0
    batches.arrived(4 << 10)
    assert all(batches.let_in(1.0) for _ in range(10))
    batches.arrived((4 << 10) + 1)
    assert not batches.let_in(1.0)


@pytest.mark.parametrize(("room_bytes", "refusals"), [(128 << 10, 0), (10_000, 40), (0, 54)])
def test_a_large_batch_keeps_smaller_ones_out_for_some_refusals_only(
    room: Any, room_bytes: int, refusals: int
) -> None:
    batches = BatchAdmission(room)
    batches.arrived(100 * SIZE)  # taken for 128 KiB, whatever its size
    room.size_bytes = room_bytes
    for _ in range(refusals):
        assert not batches.let_in(1.0)
        assert batches.refuse().parsed.message
    assert batches.let_in(1.0)
