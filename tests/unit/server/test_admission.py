"""Which batches are let in before anybody knows how large they are."""

from pathlib import Path
from typing import Any

import pytest

from creditgate.core import Core
from creditgate.server.admission import BatchAdmission

SIZE = 70_000


class Room:
    """A core whose lane has this much room."""

    def __init__(self, core: Core, size_bytes: int) -> None:
        self._core = core
        self.size_bytes = size_bytes

    def has_room(self, calls: int, size_bytes: int) -> bool:
        return (calls == 1 and size_bytes == 0) or size_bytes <= self.size_bytes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._core, name)


@pytest.fixture(name="room")
def with_room(tmp_path: Path) -> Any:
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


def test_a_large_batch_keeps_smaller_ones_out_for_some_refusals_only(room: Any) -> None:
    batches = BatchAdmission(room)
    batches.arrived(100 * SIZE)
    room.size_bytes = 10_000
    refusals = 0
    while not batches.let_in(1.0):
        assert batches.refuse().parsed.message
        refusals += 1
    # From 128 KiB, whatever the size, to less than there is room for.
    assert refusals == 40
    room.size_bytes = 0
    while not batches.let_in(2.0):
        batches.refuse()
        refusals += 1
    assert refusals > 100, "where there is no room at all, one is read in the end"
