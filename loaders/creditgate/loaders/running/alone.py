"""One process alone uses a state folder for a source."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from creditgate.loaders.queue.database import StateError


@contextmanager
def alone(state: Path, name: str) -> Iterator[None]:
    """Holds the folder for sources of this name; the kernel lets go when the process ends, however
    it does. Raises StateError when another process has it."""
    path = state / f"{name}.lock"
    try:
        state.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StateError(f"{path}: another process uses this folder") from error
        yield
