"""Dead letters that lacked what another row of the ledger brings, by what that is."""

from collections.abc import Mapping
from typing import Any, Final

from creditgate.loaders.queue.letters import DeadLetter

_NAMES: Final = {"accounts": "account_id", "segments": "segment_id", "terms": "terms_id"}
"""Of each kind that others name: the cell with its id."""

_KINDS: Final = {
    "account_id": "accounts",
    "parent_account_id": "accounts",
    "segment_id": "segments",
    "terms_id": "terms",
}
"""The kind that a field at fault names."""


class Lacking:
    """Finds the letters that may be taken once a row is."""

    def __init__(self) -> None:
        self._letters: dict[tuple[str, str], dict[str, None]] = {}

    def note(self, letter: DeadLetter) -> None:
        """Keep a letter in mind, if what is at fault with it is what it names."""
        if letter.field in _KINDS:
            self._letters.setdefault((_KINDS[letter.field], letter.value), {})[letter.event_id] = (
                None
            )

    def met_by(self, kind: str, cells: Mapping[str, Any]) -> list[str]:
        """The letters that lacked the row, the earliest first; they are not kept in mind."""
        if kind not in _NAMES:
            return []
        return list(self._letters.pop((kind, str(cells.get(_NAMES[kind], ""))), {}))
