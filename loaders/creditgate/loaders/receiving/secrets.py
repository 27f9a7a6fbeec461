"""The file of those who deliver and their secrets, read again when it changes.

TOML, a section for each; its name is that in URLs and sources:

    [gateways.shop]
    secrets = ["the new one", "the one that goes away"]
"""

import logging
import re
import time
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from creditgate.client.logs import LineBudget
from creditgate.loaders.running.logs import LINES_PER_S_MAX, LOGGER, log

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
SECRET_LENGTH_MIN: Final = 16
SECRETS_MAX: Final = 8


class SecretsError(Exception):
    """The file cannot be used; the message names it, the key and the rule, never a secret."""


class Secrets:
    """The secrets of all who deliver. Those that sign now, and before they change those as well
    that will: so a change needs no pause."""

    def __init__(self, path: Path, group: str) -> None:
        """`group`: the first part of every section's name. Raises SecretsError."""
        self._path = path
        self._group = group
        self._lines = LineBudget(LOGGER, LINES_PER_S_MAX)
        self._stamp = _stamp(path)
        self._secrets = _read(path, group)
        self.names: Final[Sequence[str]] = tuple(self._secrets)
        """Who they are, as at the start: another one needs a restart."""

    def of(self, name: str) -> Sequence[str]:
        """The secrets of one as the file is now, none of one that is not known. A file that
        cannot be read any more leaves those that were."""
        try:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._stamp = stamp
                self._secrets = _read(self._path, self._group)
                log(logging.INFO, "secrets read again", names=list(self._secrets))
        except SecretsError as error:
            # A file that is missing is so at every delivery.
            if self._lines.admit(time.monotonic()):
                log(logging.ERROR, "secrets cannot be read again", error=str(error))
        return self._secrets.get(name, ()) if name in self.names else ()


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError as error:
        raise SecretsError(f"{path}: {error.strerror}") from None
    # With ctime: a chmod alone mends a file, too.
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _read(path: Path, group: str) -> Mapping[str, Sequence[str]]:
    try:
        if path.stat().st_mode & 0o007:
            raise SecretsError(f"{path}: must not be open to all: chmod o= {path}")
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SecretsError(f"{path}: {error.strerror}") from None
    except ValueError:  # bad TOML or bad UTF-8; the error's text may hold a secret
        raise SecretsError(f"{path}: not TOML") from None
    named = content.pop(group, None)
    if content or not isinstance(named, dict) or not named:
        raise SecretsError(f"{path}: must have sections [{group}.NAME], and nothing else")
    return {name: _secrets(path, f"{group}.{name}", section) for name, section in named.items()}


def _secrets(path: Path, key: str, section: Any) -> Sequence[str]:
    if not NAME.fullmatch(key.partition(".")[2]):
        raise SecretsError(f"{path}: {key}: must be 1 to 32 of a-z, 0-9 and -, not - at first")
    secrets = section.get("secrets") if isinstance(section, dict) else None
    if not isinstance(section, dict) or set(section) != {"secrets"}:
        raise SecretsError(f"{path}: {key}: must have secrets, and nothing else")
    if (
        not isinstance(secrets, list)
        or not 0 < len(secrets) <= SECRETS_MAX
        or not all(isinstance(one, str) and len(one) >= SECRET_LENGTH_MIN for one in secrets)
    ):
        raise SecretsError(
            f"{path}: {key}.secrets: must be 1 to {SECRETS_MAX} texts of at least "
            f"{SECRET_LENGTH_MIN} characters"
        )
    return tuple(secrets)
