"""The figures on a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bench.report.verdicts import Row, bound, number

_STYLES = {"goal": "green", "gate": "yellow", "FAILS": "bold red", "no figure": "bold red", "": ""}


def show(console: Console, facts: dict[str, str], rows: Sequence[Row], notes: list[str]) -> None:
    """Print the table, the notes under it, and where it was measured above."""
    console.print("; ".join(f"{name}: {value}" for name, value in facts.items()), highlight=False)
    table = Table()
    table.add_column("figure")
    for column in ("value", "min .. max", "unit", "gate", "goal"):
        table.add_column(column, justify="right")
    table.add_column("verdict")
    for row in rows:
        figure, target = row.figure, row.target
        table.add_row(
            row.name,
            number(figure.value),
            "" if figure.min == figure.max else f"{number(figure.min)} .. {number(figure.max)}",
            figure.unit,
            bound(target, target.gate if target else None),
            bound(target, target.goal if target else None),
            f"[{_STYLES[row.verdict]}]{row.verdict}[/]" if row.verdict else "",
        )
    console.print(table)
    for note in notes:
        console.print(f"- {note}", highlight=False, markup=False)
