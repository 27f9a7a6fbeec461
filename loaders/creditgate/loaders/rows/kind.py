"""What a kind of file is: its columns, and how a row of it becomes a message of the contract."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

MessageT = TypeVar("MessageT")


@dataclass(frozen=True)
class RowKind(Generic[MessageT]):
    """One kind of file: its columns, and how a row of it becomes a message."""

    row: type[msgspec.Struct]
    message: Callable[[Mapping[str, str]], MessageT]
    columns_of_fields: Mapping[str, str]
    """The columns behind fields of the contract, where the names differ."""
    named_once: tuple[str, ...] = ()
    """The columns that say what a row sets, the first of them at fault when two rows of a file set
    the same: which of them stood would be a matter of which came last. Empty for rows that the
    server tells apart by an id of their own."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in the order of the documentation."""
        return tuple(field.name for field in msgspec.structs.fields(self.row))

    def column_of(self, field: str) -> str:
        """The column behind a field that the server names, e.g. `allocations[2].amount_minor`."""
        path = re.sub(r"\[\d+\]", "", field)
        if path in self.columns_of_fields:
            return self.columns_of_fields[path]
        head = path.partition(".")[0]
        return self.columns_of_fields.get(head, head)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns without which the file is refused."""
        return tuple(f.name for f in msgspec.structs.fields(self.row) if f.required)
