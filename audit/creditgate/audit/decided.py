"""What the answers of one entry say, each of the order that it is about."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from creditgate.audit.records import Answer


@dataclass(frozen=True)
class Decided:
    """What was said of one order."""

    codes: frozenset[str]
    """Of the reasons that are named."""
    case: int | None
    """Under which it was approved, or in which it waited."""

    @property
    def is_tolerated(self) -> bool:
        """Whether the policy lets its channel go beyond the account's own limit."""
        return "LIMIT_TOLERATED" in self.codes


UNDECIDED = Decided(frozenset(), None)


def decided(answer: Answer, reservation: int) -> Decided:
    """What was said of the order that holds `reservation`: of several in one entry its own."""
    said = dict(_all(answer.outcome))
    return said.get(reservation, said.get(None, UNDECIDED))


def _all(outcome: Any) -> Iterator[tuple[int | None, Decided]]:
    """By reservation; where an entry is about one order alone, by None."""
    if not isinstance(outcome, dict):
        return
    ((kind, found),) = outcome.items()
    match kind:
        case "reserved" | "changed":
            yield None, _one(found, found[4] if kind == "reserved" and len(found) > 4 else None)
        case "reserved_all":
            yield from ((order[1], _one(order, None)) for order in found)
        case "reviewed" | "retried":
            for case, _account, _status, _missing, order, *_ in (
                found if kind == "retried" else [found]
            ):
                if order:
                    yield order[1], _one(order, case)


def _one(order: list[Any], case: int | None) -> Decided:
    _decision, reasons, *_ = order[0]
    return Decided(frozenset(code for code, *_ in reasons), case)
