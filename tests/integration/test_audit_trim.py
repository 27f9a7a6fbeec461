"""Old files go behind a checkpoint, and never the proof of what was in them."""

import json
from pathlib import Path

import pytest

from tests.conftest import StartServer
from tests.integration.test_audit_verify import Kept, audit, checkpoint, spread, wrong
from tests.support.journals import commits
from tests.support.server import ServerProcess


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    """One that remembers a single request id, so that a start needs little of the journal."""
    return start_server(request_window_count_max=1)


class Archived(Kept):
    """A store whose first two files of three are archived, and not needed by a start."""

    def __init__(self, server: ServerProcess, folder: Path) -> None:
        super().__init__(server, folder)
        # Names are kept in chunks, of which each run of a server begins one.
        for run in range(2):
            server.start()
            server.api.reserve("a", f"again {run}", 1, request_id=f"again {run}")
            assert server.terminate() == 0
        self.rows = commits(self.store)
        self.keys = sorted(self.rows)
        checkpoint(self.rows, self.keys[-1], self.key, self.checkpoints)
        self.files = spread(self)

    def trim(self, *more: object) -> tuple[int, str]:
        return audit(
            "trim", self.store, "--checkpoint", self.checkpoints, "--key", f"{self.key}.pub",
            "--sign", self.key, *more,
        )  # fmt: skip


@pytest.fixture
def kept(server: ServerProcess, tmp_path: Path) -> Archived:
    return Archived(server, tmp_path)


def test_what_is_left_is_proved_and_served(kept: Archived, server: ServerProcess) -> None:
    code, printed = kept.trim()
    assert (code, printed.splitlines()[-1]) == (0, "2 files removed")
    assert [path.exists() for path in kept.files] == [False, False, True]
    assert kept.verify()[:2] == (0, [])
    assert "files trimmed        2\n" in kept.verify()[2]
    server.start()
    server.api.reserve("a", "after", 1, request_id="after")
    assert server.api.position("a").reserved_minor == 10 * 100 - 100 + 3
    assert server.terminate() == 0
    assert kept.verify()[:2] == (0, [])
    assert kept.trim()[1].splitlines()[-1] == "0 files removed"


def test_only_what_a_checkpoint_vouches_for_goes(kept: Archived) -> None:
    for path in kept.checkpoints.iterdir():
        path.unlink()
    checkpoint(kept.rows, kept.keys[5], kept.key, kept.checkpoints)
    assert kept.trim()[1].splitlines()[-1] == "1 files removed"
    assert [path.exists() for path in kept.files] == [False, True, True]


def test_what_a_start_needs_stays(server: ServerProcess, tmp_path: Path) -> None:
    """Of a server that remembers much."""
    kept = Kept(server, tmp_path)
    spread(kept)
    code, printed = audit(
        "trim", kept.store, "--checkpoint", kept.checkpoints, "--key", f"{kept.key}.pub",
        "--sign", kept.key,
    )  # fmt: skip
    assert (code, printed.splitlines()[-1]) == (0, "0 files removed")


def test_a_statement_that_was_altered_proves_nothing(kept: Archived) -> None:
    kept.trim()
    path = min((kept.store / "archive").glob("trimmed-*.json"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "last_seq": 3}))
    code, found, _ = kept.verify()
    assert code == 1
    assert found[0].startswith(f"missing: commit {kept.keys[8]}: sequence 1 is missing")
    assert found[1].startswith(f"not signed by the key: {path}")


def test_a_file_that_goes_without_a_statement_is_missed(kept: Archived) -> None:
    kept.trim()
    max((kept.store / "archive").glob("trimmed-*.json")).unlink()
    code, found, _ = kept.verify()
    assert (code, found) == (
        1,
        [f"missing: commit {kept.keys[8]}: sequence {kept.keys[4]} is missing"],
    )


def test_nothing_goes_from_a_damaged_journal_or_beneath_a_server(
    kept: Archived, server: ServerProcess
) -> None:
    server.start()
    code, printed = kept.trim()
    assert (code, "is in use: stop the server first" in printed) == (3, True)
    server.kill()
    aside = kept.files[0].rename(kept.folder / "aside")
    code, printed = kept.trim()
    assert (code, "sequence 1 is missing" in printed) == (3, True)
    aside.rename(kept.files[0])
    other = kept.folder / "other"
    assert audit("keygen", other)[0] == 0
    code, printed = audit(
        "trim", kept.store, "--checkpoint", kept.checkpoints, "--key", f"{kept.key}.pub",
        "--sign", other,
    )  # fmt: skip
    assert (code, "--sign is not the private half" in printed) == (3, True)
    assert all(path.exists() for path in kept.files)
    assert wrong(printed) == []
