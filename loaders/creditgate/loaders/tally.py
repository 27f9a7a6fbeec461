"""The account of a load: what was read, what became of it, and the table that shows it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rich.table import Table

from creditgate.loaders.errors import LoadError, RowError

REJECTED_SHOWN_MAX = 20
"""Rejected rows that are told one by one; the others are counted."""


@dataclass
class Tally:
    """Counts of rows. `loaded` is split by outcome, `rejected` by reason and field."""

    outcome_names: Sequence[str]
    loaded_name: str = "loaded"
    """What the rows that are not rejected are called: in a dry run, nothing is loaded."""
    read: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    rejections: Counter[tuple[str, str]] = field(default_factory=Counter)
    first_rejected: list[tuple[int, RowError]] = field(default_factory=list)
    """The first rejected rows with their lines."""

    @property
    def loaded(self) -> int:
        """Rows that the server took or, in a dry run, that are valid."""
        return self.outcomes.total()

    @property
    def rejected(self) -> int:
        """Rows that were refused, here or by the server."""
        return self.rejections.total()

    @property
    def _names(self) -> tuple[str, ...]:
        """The outcomes that are always shown, and those that came up beside them."""
        others = (name for name in self.outcomes if name not in self.outcome_names)
        return (*self.outcome_names, *others)

    @property
    def unanswered(self) -> int:
        """Rows read whose fate is unknown: none, unless the load stopped early."""
        return self.read - self.loaded - self.rejected

    def add_outcomes(self, outcomes: Mapping[str, int]) -> None:
        """Count loaded rows."""
        self.outcomes.update(outcomes)

    def add_rejection(self, line: int, error: RowError) -> None:
        """Count one rejected row."""
        self.rejections[error.reason, error.field] += 1
        if len(self.first_rejected) < REJECTED_SHOWN_MAX:
            self.first_rejected.append((line, error))

    def rejected_lines(self) -> Iterator[str]:
        """The first rejected rows in a sentence each, and how many more there are."""
        for line, error in self.first_rejected:
            yield f"line {line}: {error.reason}: {error.message}"
        if more := self.rejected - len(self.first_rejected):
            yield f"and {more:,} more"

    def check_complete(self) -> None:
        """Raises LoadError unless every row read was loaded or rejected."""
        if self.unanswered:
            raise LoadError(
                f"the load does not add up: {self.read} rows read, {self.loaded} loaded, "
                f"{self.rejected} rejected"
            )

    def figures(self) -> dict[str, object]:
        """The summary for programs."""
        return {
            "read": self.read,
            self.loaded_name: self.loaded,
            **{name: self.outcomes[name] for name in self._names},
            "rejected": self.rejected,
            "rejections": [
                {"reason": reason, "field": column, "rows": count}
                for (reason, column), count in sorted(self.rejections.items())
            ],
            "not_answered": self.unanswered,
        }

    def table(self) -> Table:
        """The summary for people."""
        table = Table(show_header=False)
        table.add_column("what")
        table.add_column("rows", justify="right")
        table.add_row("read", f"{self.read:,}")
        table.add_row(self.loaded_name, f"{self.loaded:,}", style="bold green")
        for name in self._names:
            table.add_row(f"  {name}", f"{self.outcomes[name]:,}")
        table.add_row("rejected", f"{self.rejected:,}", style="bold red" if self.rejected else "")
        for (reason, column), count in sorted(self.rejections.items()):
            table.add_row(f"  {reason} {column}".rstrip(), f"{count:,}")
        if self.unanswered:
            table.add_row("not answered", f"{self.unanswered:,}", style="bold yellow")
        return table
