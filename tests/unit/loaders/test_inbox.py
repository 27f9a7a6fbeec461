"""The inbox against a simple model, with a crash anywhere: what was put is taken until done."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from creditgate.loaders.queue.database import StateError
from creditgate.loaders.queue.inbox import Inbox, InboxFullError, Put, Received

SOURCE = "gateway:test"
HELD_MAX = 4
ASIDE_MAX = 3
KEEP_MAX = 3
KEEP_S = 100.0


@dataclass
class Known:
    """An event of the model."""

    payload: bytes
    received_at: float
    state: str = "waiting"
    awaits: str = ""
    until: float = 0.0
    ended_at: float = 0.0


class Machine(RuleBasedStateMachine):
    """`events` is in the order in which they came."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.now = 1_000.0
        self.events: dict[str, Known] = {}
        self.left: list[Inbox] = []
        self.inbox = self.opened()

    def opened(self) -> Inbox:
        return Inbox(
            Path(self.folder.name),
            clock=lambda: self.now,
            held_max=HELD_MAX,
            aside_max=ASIDE_MAX,
            keep_s=KEEP_S,
            keep_max=KEEP_MAX,
        )

    def of(self, *states: str) -> list[str]:
        return [name for name, event in self.events.items() if event.state in states]

    @rule(names=st.lists(st.integers(0, 11).map(str), min_size=1, max_size=4))
    def put(self, names: list[str]) -> None:
        rows = [Received(SOURCE, name, f"A{name}", name.encode()) for name in names]
        # Another source's events are its own affair.
        told = self.inbox.put_all([*rows, Received("other", names[0], "A", b"")])
        for name, put in zip(names, told, strict=False):
            if name in self.events:
                assert put is Put.REPEATED
            elif len(self.of("waiting")) >= HELD_MAX or len(self.of("aside")) >= ASIDE_MAX:
                assert put is Put.FULL
            else:
                assert put is Put.NEW
                self.events[name] = Known(name.encode(), self.now)

    @rule(count=st.integers(1, 4), finish=st.booleans())
    def take(self, count: int, finish: bool) -> None:
        for event in self.events.values():
            if event.state == "aside" and event.until <= self.now:
                event.state = "waiting"
        taken = self.inbox.take(SOURCE, count)
        expected = self.of("waiting")[:count]
        assert [event.event_id for event in taken] == expected
        for found in taken:
            known = self.events[found.event_id]
            assert (found.payload, found.received_at) == (known.payload, known.received_at)
        if finish:
            self.inbox.done(SOURCE, expected)
            for name in expected:
                self.events[name].state, self.events[name].ended_at = "done", self.now

    @precondition(lambda self: self.of("waiting"))
    @rule(data=st.data(), awaits=st.sampled_from("xy"), wait_s=st.integers(0, 60))
    def set_aside(self, data: st.DataObject, awaits: str, wait_s: int) -> None:
        name = data.draw(st.sampled_from(self.of("waiting")))
        self.inbox.set_aside(SOURCE, name, awaits, self.now + wait_s)
        event = self.events[name]
        event.state, event.awaits, event.until = "aside", awaits, self.now + wait_s

    @rule(awaits=st.sampled_from("xy"))
    def wake(self, awaits: str) -> None:
        self.inbox.wake(SOURCE, [awaits])
        for event in self.events.values():
            if event.state == "aside" and event.awaits == awaits:
                event.state = "waiting"

    @rule(seconds=st.integers(1, 60))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def forget(self) -> None:
        order = list(self.events)
        done = sorted(
            self.of("done"), key=lambda name: (self.events[name].ended_at, order.index(name))
        )
        surplus = len(done) - KEEP_MAX
        gone = [
            name
            for place, name in enumerate(done, start=1)
            if place <= surplus or self.events[name].ended_at < self.now - KEEP_S
        ]
        assert self.inbox.forget(SOURCE) == len(gone)
        for name in gone:
            del self.events[name]

    @rule()
    def crash(self) -> None:
        # Left open as it stands: nothing is flushed or closed by whoever is killed.
        self.left.append(self.inbox)
        self.inbox = self.opened()

    @invariant()
    def what_is_held_is_told(self) -> None:
        held = self.inbox.held(SOURCE)
        waiting = [self.events[name].received_at for name in self.of("waiting")]
        aside = [self.events[name].until for name in self.of("aside")]
        assert held.events == len(waiting) + len(aside)
        assert held.waiting_since == (min(waiting) if waiting else None)
        assert held.due_at == (min(aside) if aside else None)

    def teardown(self) -> None:
        for inbox in (*self.left, self.inbox):
            inbox.close()
        self.folder.cleanup()


TestInbox = Machine.TestCase
TestInbox.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


def test_a_full_inbox_says_so_and_takes_repeats_still(tmp_path: Path) -> None:
    with Inbox(tmp_path, held_max=1) as inbox:
        assert inbox.put("s", "1", "A", b"x")
        assert not inbox.put("s", "1", "A", b"x")
        with pytest.raises(InboxFullError, match="1 events of s wait"):
            inbox.put("s", "2", "A", b"x")
        assert inbox.put("t", "2", "A", b"x")


def test_what_is_set_aside_takes_no_place_of_what_is_good(tmp_path: Path) -> None:
    with Inbox(tmp_path, held_max=1, aside_max=2) as inbox:
        for name in "12":
            assert inbox.put("s", name, "A", b"x")
            inbox.set_aside("s", name, "p", 1e12)
        with pytest.raises(InboxFullError):
            inbox.put("s", "3", "A", b"x")
        inbox.done("s", ["1"])
        assert inbox.put("s", "3", "A", b"x")


def test_a_done_event_keeps_its_id_and_nothing_else(tmp_path: Path) -> None:
    with Inbox(tmp_path) as inbox:
        inbox.put("s", "1", "A", b"secret-payload")
        inbox.done("s", ["1"])
        assert not inbox.put("s", "1", "A", b"secret-payload")
        assert inbox.take("s", 10) == []


def test_a_state_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="queue"):
        Inbox(tmp_path / "file")


def test_a_disk_that_is_full_refuses_and_keeps_what_is_there(tmp_path: Path) -> None:
    with Inbox(tmp_path) as inbox:
        inbox.put("s", "1", "A", b"x")
        limit_pages(inbox)(12)
        with pytest.raises(StateError, match="full"):
            inbox.put("s", "2", "A", b"x" * 1_000_000)
        limit_pages(inbox)(1_000_000)
        assert inbox.put("s", "2", "A", b"x")
        assert [event.event_id for event in inbox.take("s", 10)] == ["1", "2"]


def limit_pages(inbox: Inbox) -> Callable[[int], None]:
    """SQLite's own bound on the file stands in for a disk that is full."""

    def limit(pages: int) -> None:
        with inbox._database.reading() as sql, closing(sql.cursor()) as cursor:
            cursor.execute(f"PRAGMA max_page_count = {pages}").fetchone()

    return limit
