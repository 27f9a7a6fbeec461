"""`python -m bench`: measure, hold against gates, report. See bench/README.md."""

import argparse
import asyncio
import dataclasses
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench import generator, machine
from bench.figures import FAMILIES, FULL_ONLY
from bench.figures.policy import put_under_policy
from bench.gates import TARGETS
from bench.peers.peer import PeerError
from bench.procfs import CpuTime
from bench.report.page import page
from bench.report.table import show
from bench.report.verdicts import rows
from bench.suite import OUT, PLANS, Suite

_WITHOUT_POLICY = frozenset({"large", "levels", "policy", "recalc"})
"""They compare with and without, have accounts of another number, or a policy of their own."""

_UNRULED = ", ".join(sorted(_WITHOUT_POLICY))

_STOLEN_SHARE_MAX = 0.02
"""Beyond it the report says so: figures without a peer in the same run tell little then."""


async def bench(suite: Suite, families: Sequence[str], out: Path) -> int:
    """Measure these families; returns 1 when a gate fails or a family could not be measured."""
    facts = machine.facts(suite.folder)
    suite.generator = await generator.build(optimised=suite.plan.checked)
    broken = []
    for suite.family in families:
        begin, cpu = time.monotonic(), CpuTime.read()
        try:
            await FAMILIES[suite.family](suite)
        except PeerError as error:
            broken.append(f"{suite.family}: {error}")
            suite.note(f"could not be measured: {error}")
        stolen = CpuTime.read().stolen_since(cpu)
        if stolen > _STOLEN_SHARE_MAX:
            suite.note(f"{stolen:.0%} of the cores' time went to others on this machine's host")
        suite.say(f"took {time.monotonic() - begin:.0f} s")
    # The witness may have been built only now.
    return report(suite, facts | machine.peers(), broken, out)


def report(suite: Suite, facts: dict[str, str], broken: list[str], out: Path) -> int:
    """Write the summary, the histograms and the page, print the table and what failed."""
    summary = {name: dataclasses.asdict(figure) for name, figure in suite.figures.items()}
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    kept = [dataclasses.asdict(point) for point in suite.points]
    (out / "histograms.json").write_text(json.dumps(kept) + "\n")
    judged = rows(suite.figures, checked=suite.plan.checked)
    (out / "report.html").write_text(page(facts, judged, suite.points, suite.notes))
    show(suite.console, facts, judged, suite.notes)
    failures = [row.failure for row in judged if row.failure]
    for failure in (*broken, *failures):
        suite.console.print(f"FAILS: {failure}", style="red", highlight=False, markup=False)
    suite.console.print(f"{out / 'summary.json'}, {out / 'report.html'}", highlight=False)
    return 1 if broken or failures else 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("quick", help="the short run (default)")
    commands.add_parser("full", help="all figures; about an hour")
    commands.add_parser("tiny", help="a second or so each, values unchecked")
    one = commands.add_parser("run", help="some families of figures alone")
    one.add_argument("families", nargs="+", choices=FAMILIES, metavar="FAMILY")
    one.add_argument("--plan", choices=PLANS, default="quick", help="how much is measured")
    one.add_argument(
        "--policy", action="store_true",
        help=f"with every server of ours under bench/policy.toml; not {_UNRULED}",
    )  # fmt: skip
    commands.add_parser("list", help="the families and the figures with a gate")
    parser.add_argument("--folder", type=Path, help="where stores are made (default: bench/out)")
    parser.add_argument("--out", type=Path, help="where the report goes (default: in bench/out)")
    parser.set_defaults(policy=False)
    given = parser.parse_args()
    if given.policy and not _WITHOUT_POLICY.isdisjoint(given.families):
        parser.error(f"--policy goes without {_UNRULED}")
    return given


def main() -> None:
    """Do what the command line says."""
    given = arguments()
    command = given.command or "quick"
    # Whoever follows a log file waits as well.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    console = Console(soft_wrap=True)
    # The table needs as much, also where output goes to a file.
    console.width = max(console.width, 120)
    if command == "list":
        console.print("families: " + ", ".join(FAMILIES), highlight=False)
        for name, target in TARGETS.items():
            console.print(f"{name}: {target.text} [{target.unit}]", highlight=False, markup=False)
        return
    plan = PLANS[given.plan if command == "run" else command]
    chosen = given.families if command == "run" else _families(full=plan.is_full)
    out = given.out or (OUT if command in {"quick", "full"} else OUT / command)
    out.mkdir(parents=True, exist_ok=True)
    suite = Suite(plan, console, given.folder or OUT / "stores")
    if given.policy:
        suite.under_policy = put_under_policy
    sys.exit(asyncio.run(bench(suite, chosen, out)))


def _families(*, full: bool) -> list[str]:
    return [family for family in FAMILIES if full or family not in FULL_ONLY]


if __name__ == "__main__":
    main()
