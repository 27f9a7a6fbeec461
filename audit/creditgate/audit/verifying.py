"""Verifies a whole journal against itself and against signed checkpoints kept elsewhere."""

import fcntl
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from creditgate.audit.chain import (
    Chain,
    Commit,
    DamageError,
    Fault,
    Gap,
    commit_files,
    entries_erased,
    texts_named,
)
from creditgate.audit.signed import Checkpoint, Statement, Trimmed, read_statement

Progress = Callable[[int, int], None]
"""Is told how many bytes of how many are read."""

_TOLD_EVERY_COMMITS = 64

S = TypeVar("S", bound=Statement)


@dataclass
class Verified:
    """What was found."""

    chain: Chain
    texts: int = 0
    """Names and reasons that stand beside the chain, each the one of its digest."""
    texts_erased: int = 0
    """Names and reasons of which only the digest is left, as the journal says."""
    gone: dict[int, int] = field(default_factory=dict)
    """How many texts of an entry are gone, which no erasure has named yet."""
    passed: list[Checkpoint] = field(default_factory=list)
    """Checkpoints that the chain goes through, in order."""
    inside: list[Checkpoint] = field(default_factory=list)
    """Checkpoints on entries of files that were trimmed: nothing is left to hold them against."""
    faults: list[DamageError] = field(default_factory=list)
    """Empty: the journal is whole, as far as was looked."""

    @property
    def vouched_for(self) -> int:
        """The last entry that a checkpoint vouches for; 0 without any."""
        return self.passed[-1].seq if self.passed else 0


def is_in_use(store: Path) -> bool:
    """Whether a server has the store open. LMDB's lock files differ between its versions: who reads
    beside it without its lock may read pages that it is just writing."""
    try:
        with (store / "LOCK").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def statement_files(paths: Sequence[Path], pattern: str) -> list[Path]:
    """Files as they are named, and those in folders that match."""
    found = []
    for path in paths:
        found += sorted(path.glob(pattern)) if path.is_dir() else [path]
    return found


def verify(
    store: Path,
    archives: Sequence[Path] = (),
    checkpoints: Sequence[Path] = (),
    keys: Sequence[Ed25519PublicKey] = (),
    *,
    progress: Progress = lambda _done, _total: None,
    seen: Callable[[Commit], None] = lambda _commit: None,
) -> Verified:
    """Verifies every digest, the chain, that no sequence is missing, every text that is there, and
    that the chain goes through every checkpoint; `seen` is called for each commit that is right.

    Raises SignedError for a signed file that is none.
    """
    faults: list[DamageError] = []
    expected = _signed(statement_files(checkpoints, "checkpoint-*.json"), Checkpoint, keys, faults)
    expected.sort(key=lambda checkpoint: checkpoint.seq)
    statements = statement_files([*archives, store / "archive"], "trimmed-*.json")
    trimmed = _signed([path for path in statements if path.exists()], Trimmed, keys, faults)
    gaps = [
        Gap(t.first_seq, t.last_seq, bytes.fromhex(t.prev_digest), bytes.fromhex(t.last_digest))
        for t in trimmed
    ]
    found = Verified(Chain(store, archives, gaps), faults=faults)
    total = sum(path.stat().st_size for path in commit_files(store, archives))
    try:
        _walk(found, expected, seen, lambda done: progress(min(done, total), total))
    except DamageError as error:
        faults.insert(0, error)
    progress(total, total)
    return found


def _signed(
    paths: Sequence[Path],
    kind: type[S],
    keys: Sequence[Ed25519PublicKey],
    faults: list[DamageError],
) -> list[S]:
    """The statements whose signature is right; the others are faults."""
    found = []
    for path in paths:
        statement = read_statement(path, kind)
        if statement.is_signed_by(keys):
            found.append(statement)
        else:
            message = f"{path}: its signature is not by any of the keys given"
            faults.append(DamageError(message, Fault.FORGED))
    return found


def _walk(
    found: Verified,
    expected: list[Checkpoint],
    seen: Callable[[Commit], None],
    tell: Callable[[int], None],
) -> None:
    chain, waiting = found.chain, list(expected)
    while waiting and waiting[0].seq == 0:
        _hold(found, waiting.pop(0), None)
    for commit in chain.read():
        _count_texts(found, commit)
        seen(commit)
        _cross(found, waiting)
        while waiting and waiting[0].seq <= commit.last_seq:
            _hold(found, waiting.pop(0), commit)
        if chain.commits % _TOLD_EVERY_COMMITS == 0:
            tell(chain.bytes_read)
    _cross(found, waiting)
    if found.gone:
        first = min(found.gone)
        message = f"entry {first}: a text of it is gone, and no erasure in the journal names it"
        found.faults.append(DamageError(message, Fault.MISSING, first))
    if waiting:
        last = max(checkpoint.seq for checkpoint in waiting)
        message = (
            f"the journal ends at entry {chain.seq}; the checkpoint of entry {last} has seen it "
            f"longer: entries {chain.seq + 1} to {last} are gone"
        )
        raise DamageError(message, Fault.TRUNCATED, chain.seq + 1)


def _cross(found: Verified, waiting: list[Checkpoint]) -> None:
    """Checkpoints inside of what was trimmed; one on its last entry is held to the statement."""
    for gap in found.chain.crossed:
        while waiting and waiting[0].seq < gap.last_seq:
            found.inside.append(waiting.pop(0))
        while waiting and waiting[0].seq == gap.last_seq:
            if bytes.fromhex(waiting[0].digest) != gap.last_digest:
                raise _written_anew(found, waiting[0])
            found.passed.append(waiting.pop(0))


def _hold(found: Verified, checkpoint: Checkpoint, commit: Commit | None) -> None:
    """Makes sure that the chain goes through a checkpoint, which its last commit has reached."""
    seen = (checkpoint.seq, checkpoint.digest, checkpoint.time, checkpoint.epoch)
    here = (0, bytes(32).hex(), checkpoint.time, checkpoint.epoch)
    if commit is not None:
        here = (commit.last_seq, commit.digest.hex(), commit.time, commit.epoch)
    if seen != here:
        raise _written_anew(found, checkpoint)
    found.passed.append(checkpoint)


def _written_anew(found: Verified, checkpoint: Checkpoint) -> DamageError:
    """All fits together, and yet it is not what was there: from somewhere on it was made again."""
    first = found.vouched_for + 1
    message = (
        f"entry {checkpoint.seq}: the chain does not go through its checkpoint: it was written "
        f"anew from an entry between {first} and {checkpoint.seq} on"
    )
    return DamageError(message, Fault.EDITED, first)


def _count_texts(found: Verified, commit: Commit) -> None:
    found.texts += len(commit.texts)
    if not found.chain.has_texts:
        return
    there = Counter(seq for seq, _ in commit.texts)
    for seq, named in texts_named(commit).items():
        if named > there[seq]:
            found.gone[seq] = named - there[seq]
    for seq in entries_erased(commit):
        found.texts_erased += found.gone.pop(seq, 0)
