"""`creditgate audit verify` finds what was done to a journal, to the record."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from creditgate.audit.signed import Checkpoint, new_key, private_key, statement_bytes
from tests.support.journals import Rows, body_of, commits, edit, forge_chain, rewrite
from tests.support.server import COMMAND, ServerProcess


def audit(*arguments: object) -> tuple[int, str]:
    """Runs `creditgate audit`; the exit code, and what it printed."""
    done = subprocess.run(
        [COMMAND, "audit", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stderr + done.stdout


def wrong(printed: str) -> list[str]:
    """What is wrong, as printed."""
    return [line.removeprefix("wrong: ") for line in printed.splitlines() if "wrong: " in line]


def checkpoint(rows: Rows, first: int, key: Path, folder: Path) -> Path:
    """A checkpoint on one commit, as the server signs them."""
    body = body_of(rows[first])
    made = Checkpoint(
        epoch=body["epoch"],
        seq=first + len(body["entries"]) - 1,
        time=body["time"],
        digest=rows[first][:32].hex(),
    )
    made.sign(private_key(key))
    path = folder / f"checkpoint-{made.seq:020}.json"
    path.write_bytes(statement_bytes(made))
    return path


class Kept:
    """A store of a server that has stopped, its commits, and two checkpoints kept elsewhere."""

    def __init__(self, server: ServerProcess, folder: Path) -> None:
        server.api.open_account("a", 1_000_000, display_name="Ann")
        for i in range(10):
            server.api.reserve("a", f"o{i}", 100)
        server.api.capture("a", "o1", "i1", reason="in a hurry")
        assert server.terminate() == 0
        self.store, self.folder, self.key = server.store, folder, folder / "key"
        new_key(self.key)
        self.rows = commits(self.store)
        self.keys = sorted(self.rows)
        self.middle, self.last = self.keys[len(self.keys) // 2], self.keys[-1]
        self.checkpoints = folder / "kept"
        self.checkpoints.mkdir()
        for first in (self.middle, self.last):
            checkpoint(self.rows, first, self.key, self.checkpoints)

    def verify(self, *more: object) -> tuple[int, list[str], str]:
        """With the checkpoints and the key."""
        code, printed = audit(
            "verify",
            self.store,
            "--checkpoint",
            self.checkpoints,
            "--key",
            f"{self.key}.pub",
            *more,
        )
        return code, wrong(printed), printed


@pytest.fixture
def kept(server: ServerProcess, tmp_path: Path) -> Kept:
    return Kept(server, tmp_path)


def test_a_whole_journal_is_vouched_for(kept: Kept) -> None:
    code, found, printed = kept.verify()
    assert (code, found) == (0, [])
    lines = {line[:20].strip(): line[20:].strip() for line in printed.splitlines()}
    assert lines["entries"] == str(kept.last)
    assert lines["checkpoints"] == "2"
    assert lines["vouched for"].startswith(f"up to entry {kept.last} of 20")
    assert (lines["texts"], lines["texts erased"]) == ("2", "0")
    assert printed.splitlines()[-1] == "whole"


def flip(value: bytes, at: int) -> bytes:
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


def rename(body: dict[str, Any]) -> None:
    body["entries"][0][0][1] = "somebody else"


Change = Callable[[Kept, Rows], Rows]

CASES: dict[str, tuple[Change, str]] = {
    "a byte of an entry": (
        lambda kept, rows: {**rows, kept.middle: flip(rows[kept.middle], -1)},
        "edited: commit {middle}: its digest does not match its content",
    ),
    "an entry and its digest": (
        lambda kept, rows: {
            **rows,
            kept.keys[2]: forge_chain(rows, kept.keys[2], rename)[kept.keys[2]],
        },
        "edited: commit {keys[3]}: does not follow from the commit before it",
    ),
    "an entry and the chain after it": (
        lambda kept, rows: forge_chain(rows, kept.keys[2], rename),
        (
            "edited: entry {middle}: the chain does not go through its checkpoint: it was written "
            "anew from an entry between 1 and {middle} on"
        ),
    ),
    "the chain between two checkpoints": (
        lambda kept, rows: forge_chain(rows, kept.keys[-2], rename),
        (
            "edited: entry {last}: the chain does not go through its checkpoint: it was written "
            "anew from an entry between {after_middle} and {last} on"
        ),
    ),
    "a record": (
        lambda kept, rows: {key: value for key, value in rows.items() if key != kept.middle},
        "missing: commit {after_middle}: sequence {middle} is missing",
    ),
    "two records swapped": (
        lambda kept, rows: {
            **rows,
            kept.keys[1]: rows[kept.keys[2]],
            kept.keys[2]: rows[kept.keys[1]],
        },
        "out of order: commit {keys[1]}: there stands the commit of {keys[2]}",
    ),
    "the tail": (
        lambda kept, rows: {key: value for key, value in rows.items() if key < kept.last},
        (
            "truncated behind a checkpoint: the journal ends at entry {before_last}; the "
            "checkpoint of entry {last} has seen it longer: entries {last} to {last} are gone"
        ),
    ),
    "the tail, back to before both checkpoints": (
        lambda kept, rows: {key: value for key, value in rows.items() if key < kept.keys[3]},
        (
            "truncated behind a checkpoint: the journal ends at entry {keys[2]}; the "
            "checkpoint of entry {last} has seen it longer: entries {keys[3]} to {last} are gone"
        ),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_was_done_is_found(kept: Kept, case: str) -> None:
    change, expected = CASES[case]
    rewrite(kept.store, change(kept, kept.rows))
    code, found, _ = kept.verify()
    said = expected.format(
        keys=kept.keys,
        middle=kept.middle,
        last=kept.last,
        after_middle=kept.middle + 1,
        before_last=kept.last - 1,
    )
    assert (code, found) == (1, [said])


def test_without_checkpoints_a_cut_tail_is_not_seen_and_that_is_said(kept: Kept) -> None:
    rewrite(kept.store, {key: kept.rows[key] for key in kept.keys[:4]})
    code, printed = audit("verify", kept.store)
    assert code == 0
    assert "none: nothing vouches for the end of the journal" in printed


def test_a_forged_checkpoint_is_named(kept: Kept) -> None:
    path = max(kept.checkpoints.iterdir())
    said = json.loads(path.read_bytes())
    path.write_text(json.dumps({**said, "seq": said["seq"] - 1}))
    code, found, _ = kept.verify()
    assert (code, found) == (
        1,
        [f"not signed by the key: {path}: its signature is not by any of the keys given"],
    )


def test_a_checkpoint_by_another_key_is_named(kept: Kept) -> None:
    other = new_key(kept.folder / "other")
    code, printed = audit("verify", kept.store, "--checkpoint", kept.checkpoints, "--key", other)
    assert (code, len(wrong(printed))) == (1, 2)
    code, found, _ = kept.verify("--key", other)
    assert (code, found) == (0, [])


def test_an_altered_text_is_named_by_its_entry(kept: Kept) -> None:
    def change(write: Any, texts: Any) -> None:
        key, value = next(iter(write.cursor(texts)))
        write.put(key, flip(value, -1), db=texts)

    edit(kept.store, b"texts", change)
    code, found, _ = kept.verify()
    assert (code, found) == (
        1,
        ["edited: entry 1: its name does not match the digest in the entry"],
    )


def test_a_text_that_stands_for_another_is_named_by_its_entry(kept: Kept) -> None:
    def change(write: Any, texts: Any) -> None:
        key, value = next(iter(write.cursor(texts)))
        write.delete(key, db=texts)
        write.put(key[:-1] + bytes([1 - key[-1]]), value, db=texts)

    edit(kept.store, b"texts", change)
    code, found, _ = kept.verify()
    assert (code, found) == (
        1,
        ["edited: entry 1: its reason does not match the digest in the entry"],
    )


def test_a_file_that_was_cut_is_named_and_not_read_to_its_end(kept: Kept) -> None:
    (path,) = (kept.store / "journal").glob("commits-*.mdb")
    with path.open("r+b") as file:
        file.truncate(3 * 4096)
    code, found, _ = kept.verify()
    assert code == 1
    assert found[0].startswith(f"unreadable: commit 1: {path.name} cannot be read: ")


@pytest.mark.parametrize(("begins", "named"), [(5, 5), (99, 1)])
def test_a_file_of_what_another_holds_is_named(kept: Kept, begins: int, named: int) -> None:
    """The server would answer from it: it finds files by their names."""
    planted = kept.store / "archive" / f"commits-{begins:020}.mdb"
    planted.parent.mkdir(exist_ok=True)
    shutil.copyfile(next((kept.store / "journal").glob("commits-*.mdb")), planted)
    code, printed = audit("verify", kept.store)
    (found,) = wrong(printed)
    assert code == 1
    assert found.startswith(f"out of order: commit {named}: "), found


def test_a_missing_file_is_named_by_its_first_entry_and_found_elsewhere(
    kept: Kept, tmp_path: Path
) -> None:
    first, second, _ = spread(kept)
    assert kept.verify()[0] == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = second.rename(elsewhere / second.name)
    code, found, _ = kept.verify()
    assert code == 1
    assert found == [f"missing: commit {kept.keys[8]}: sequence {kept.keys[4]} is missing"]
    assert kept.verify("--archive", moved.parent)[:2] == (0, [])
    assert first.exists()


def spread(kept: Kept) -> list[Path]:
    """Three files in place of one, two of them archived: as a store has them that has grown."""
    (whole,) = (kept.store / "journal").glob("commits-*.mdb")
    template = kept.folder / "template.mdb"
    whole.rename(template)
    archive = kept.store / "archive"
    archive.mkdir(exist_ok=True)
    made = []
    parts = [kept.keys[:4], kept.keys[4:8], kept.keys[8:]]
    for part, folder in zip(parts, (archive, archive, whole.parent), strict=True):
        # The last file of a store is the one that `rewrite` changes: each in its turn.
        target = whole.parent / f"commits-{part[0]:020}.mdb"
        shutil.copyfile(template, target)
        rewrite(kept.store, {key: kept.rows[key] for key in part})
        made.append(target.rename(folder / target.name))
    return made


def test_a_key_is_never_written_over(kept: Kept) -> None:
    before = kept.key.read_bytes()
    code, printed = audit("keygen", kept.key)
    assert (code, kept.key.read_bytes()) == (3, before)
    assert "is there already" in printed
    assert kept.key.stat().st_mode & 0o077 == 0


def test_a_store_in_use_is_left_alone(kept: Kept, server: ServerProcess) -> None:
    server.start()
    code, _, printed = kept.verify()
    assert (code, "is in use: stop the server" in printed) == (3, True)


def test_wrong_use_is_explained(kept: Kept) -> None:
    code, printed = audit("verify", kept.folder)
    assert (code, "not a store" in printed) == (2, True)
    code, printed = audit("verify", kept.store, "--checkpoint", kept.checkpoints)
    assert (code, "signed files need --key" in printed) == (2, True)
