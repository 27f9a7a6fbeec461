"""What each stage costs an order, put together from the times of the steps."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

SMALL, LARGE = 10_000, 1_000_000
BATCH: Final = 1_000


class Stage(NamedTuple):
    """One stage's share, in microseconds of an order."""

    name: str
    alone_us: float
    """Of an order that is alone in its call and its commit."""
    in_batch_us: float
    """Of one of 1,000 orders of a call and a commit."""
    how: str
    """The benches that it was found with."""


def stages(times_ns: Mapping[str, Mapping[str, float]]) -> list[Stage]:
    """In the order in which an order goes through them. Transport is outside: see `make bench`."""

    def us(name: str) -> float:
        return times_ns[name]["value"] / 1e3

    handover, decode = us("service/handover"), us("service/decode_batch_1000")
    decide, apply = us(f"decide/{SMALL}"), us(f"apply/{SMALL}")
    entry, execute = us("encode/entry"), us(f"execute/{SMALL}")
    around, commit = us("encode/commit_1000"), us(f"commit/{BATCH}/{SMALL}")
    decode_one = max(decode - handover, 0.0) / BATCH
    lookup = max(execute - decide - apply - entry, 0.0)
    order, batch = us("service/order"), us("service/batch_1000")
    commit_one = us(f"commit/1/{SMALL}")
    answer = max(batch - decode - BATCH * execute - commit, 0.0) / BATCH
    rest = max(order - handover - decode_one - execute - commit_one, 0.0)
    return [
        Stage("hand-over, there and back", handover, handover / BATCH, "service/handover"),
        Stage("decode", decode_one, decode_one, "service/decode_batch_1000 - handover"),
        Stage("repeat lookup, remember", lookup, lookup, "execute - decide - apply - encode/entry"),
        Stage("decide", decide, decide, "decide"),
        Stage("apply", apply, apply, "apply"),
        Stage("encode", entry, entry, "encode/entry"),
        Stage("head and hash", around / BATCH, around / BATCH, "encode/commit_1000"),
        Stage(
            "write, sync, publish",
            commit_one - around / BATCH,
            (commit - around) / BATCH,
            "commit/1, commit/1000 - encode/commit_1000",
        ),
        Stage("answer, and what is left", rest, answer, "service/order, /batch_1000 - all above"),
        Stage("all", order, batch / BATCH, "service/order, service/batch_1000"),
    ]


def print_stages(times_ns: Mapping[str, Mapping[str, float]], console: Console) -> None:
    """The table of docs/performance.md, and how the size of the book tells."""
    table = Table(title="What each stage costs an order, in microseconds", title_justify="left")
    table.add_column("stage")
    table.add_column("alone", justify="right")
    table.add_column("one of 1,000", justify="right")
    table.add_column("measured by")
    for stage in stages(times_ns):
        if stage.name == "all":
            table.add_section()
        table.add_row(stage.name, f"{stage.alone_us:.2f}", f"{stage.in_batch_us:.2f}", stage.how)
    console.print(table)
    for step in ("decide", "apply", "execute", f"commit/{BATCH}"):
        small, large = (times_ns[f"{step}/{accounts}"]["value"] for accounts in (SMALL, LARGE))
        console.print(f"{step} at 1,000,000 accounts ÷ at 10,000: {large / small:.2f}")
