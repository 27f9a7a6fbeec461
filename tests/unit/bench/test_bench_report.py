"""What the benchmarks make of what they measured."""

import asyncio
import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from bench import machine
from bench.__main__ import report
from bench.figures.overload import offered
from bench.gates import FACTS, TARGETS, untuned
from bench.generator import Result
from bench.peers.peer import PeerError
from bench.procfs import CpuTime
from bench.report.page import page
from bench.report.plots import Line, plot
from bench.report.verdicts import Row, rows
from bench.suite import (
    QUICK,
    TINY,
    Between,
    Figure,
    Point,
    Suite,
    answered,
    approved,
    in_pairs,
    peers_runs,
)


def figure(value: float | None) -> Figure:
    return Figure(value, "ratio", value, value, "python -m bench run unary", "no peer")


def row(name: str, value: float | None) -> Row:
    (only,) = rows({name: figure(value)}, checked=True)
    return only


def suite() -> Suite:
    return Suite(QUICK, Console(quiet=True), Path(), family="unary")


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [
        ("unary_vs_echo", 0.85, "goal"),
        ("unary_vs_echo", 0.75, "gate"),
        ("unary_vs_echo", 0.7499, "FAILS"),
        ("unary_cpu_vs_echo", 1.15, "goal"),
        ("unary_cpu_vs_echo", 1.3, "gate"),
        ("unary_cpu_vs_echo", 1.31, "FAILS"),
        ("overload_lost", 0, "goal"),
        ("overload_lost", 1, "FAILS"),
        ("unary_vs_echo", None, "no figure"),
        ("unary_per_s", 1, ""),
    ],
)
def test_a_figure_is_held_against_gate_and_goal(
    name: str, value: float | None, verdict: str
) -> None:
    judged = row(name, value)
    assert judged.verdict == verdict
    assert (judged.failure is not None) == (verdict in {"FAILS", "no figure"})


def test_a_failure_says_which_gate_and_by_how_much() -> None:
    assert row("unary_vs_echo", 0.6).failure == (
        "unary_vs_echo = 0.6 ratio must be >= 0.75: misses by 0.15, 20%"
    )
    assert row("overload_lost", 3).failure == ("overload_lost = 3 orders must be <= 0: misses by 3")


def test_unchecked_values_have_no_verdict() -> None:
    assert [row.verdict for row in rows({"unary_vs_echo": figure(0)}, checked=False)] == [""]


def test_no_goal_is_looser_than_its_gate() -> None:
    for name, target in TARGETS.items():
        assert target.gate is not None, name
        if target.goal is not None:
            assert target.passes(target.goal, target.gate), name


def test_a_figure_is_the_median_with_its_range_and_its_command() -> None:
    measured = suite()
    measured.add("unary_vs_echo", [0.9, 0.7, 0.8])
    assert measured.figures["unary_vs_echo"] == Figure(
        0.8, "ratio", 0.7, 0.9, "python -m bench run unary"
    )


def test_there_is_no_ratio_to_a_peer_that_was_not_tuned() -> None:
    fact = FACTS["echo"][0]
    assert untuned("echo", 0.8 * fact) is None
    assert untuned("a peer without a fact", 1) is None
    measured = suite()
    # Its mean would do, but it was slow on one side of each.
    slow, fast = ({"decisions_per_s": share * fact} for share in (0.79, 1.21))
    ours = {"decisions_per_s": fact}
    runs = [Between(slow, ours, fast), Between(fast, ours, slow)]
    measured.add_ratio("unary_vs_echo", "echo", runs)
    assert measured.figures["unary_vs_echo"].value is None
    assert "not tuned" in (measured.figures["unary_vs_echo"].why or "")
    tiny = Suite(TINY, Console(quiet=True), Path(), family="unary")
    tiny.add_ratio("unary_vs_echo", "echo", runs)
    assert tiny.figures["unary_vs_echo"].value == pytest.approx(1)


def test_ours_is_held_against_the_mean_of_the_peers_before_and_after() -> None:
    runs = [{"decisions_per_s": per_s, "server_cpu_us": 900 / per_s} for per_s in (4, 3, 2, 3, 1)]
    betweens = [Between(*runs[:3]), Between(*runs[2:])]
    assert peers_runs(betweens) == [runs[0], runs[2], runs[4]]
    assert [run.peer_per_s for run in betweens] == [2, 1]
    assert [run.ratio("decisions_per_s") for run in betweens] == [1, 2]
    assert [run.ratio("server_cpu_us") for run in betweens] == pytest.approx(
        [300 / 337.5, 300 / 675]
    )


def test_two_things_are_measured_in_turn() -> None:
    order: list[str] = []

    async def measure(who: str) -> Result:
        order.append(who)
        return {"n": len(order)}

    pairs = asyncio.run(in_pairs(2, lambda: measure("ours"), lambda: measure("theirs")))
    assert order == ["ours", "theirs"] * 2
    assert pairs == [({"n": 1}, {"n": 2}), ({"n": 3}, {"n": 4})]


@pytest.mark.parametrize(
    ("reached", "ours_that_count", "said"),
    [
        ([1.0, 0.8, 0.9, 1.0], [0, 1, 2], ""),
        ([0.5, 1.0, 1.0, 0.7, 1.0, 1.0, 1.0], [1, 4, 5], "3 of 6 pairs count"),
        ([1.0, 0.5, 1.0, 1.0, 0.5, 1.0, 0.9, 0.8], [2, 5, 6], "3 of 7 pairs count"),
        ([1.0, 1.0, 0.5, 0.5, 1.0, 1.0, *[0.5] * 4], list(range(9)), "2 of 9 pairs count"),
    ],
)
def test_pairs_in_which_the_peer_was_slow_are_measured_again(
    reached: Sequence[float], ours_that_count: Sequence[int], said: str
) -> None:
    fact, _ = FACTS["echo"]
    ours, theirs = itertools.count(), iter(reached)
    measured = suite()
    all_approved = {"outcomes": {"approved": 1, "declined": 0}, "decisions": 1}

    async def measure_ours() -> Result:
        return {"n": next(ours), **all_approved}

    async def measure_theirs() -> Result:
        return {"decisions_per_s": fact * next(theirs), **all_approved}

    runs = asyncio.run(measured.pairs_with("echo", 3, measure_ours, measure_theirs))
    assert [run.ours["n"] for run in runs] == ours_that_count
    sides = [min(reached[place : place + 2]) * fact for place in ours_that_count]
    assert [run.peer_per_s for run in runs] == sides
    assert next(theirs, None) is None
    assert said in "".join(measured.notes)


@pytest.mark.parametrize(
    "outcomes",
    [
        {"approved": 9, "declined": 1},
        {"approved": 9, "declined": 0, "UNAVAILABLE": 1},
        {"approved": 0, "declined": 0},
    ],
)
def test_a_comparison_is_of_approved_orders_alone(outcomes: dict[str, int]) -> None:
    with pytest.raises(PeerError, match="not approved"):
        approved({"outcomes": outcomes, "decisions": outcomes["approved"]})


@pytest.mark.parametrize(
    ("outcomes", "is_fine"),
    [
        ({"approved": 1_000, "declined": 0, "UNAVAILABLE": 5}, True),
        ({"approved": 1_000, "declined": 0, "UNAVAILABLE": 6}, False),
        ({"approved": 999, "declined": 1}, False),
        ({"approved": 0, "declined": 0}, False),
    ],
)
def test_a_long_load_may_have_few_orders_turned_away(
    outcomes: dict[str, int], is_fine: bool
) -> None:
    result = {"outcomes": outcomes, "decisions": outcomes["approved"] + outcomes["declined"]}
    if is_fine:
        assert answered(result) is result
    else:
        with pytest.raises(PeerError, match="not approved"):
            answered(result)


def test_overload_is_what_was_sent() -> None:
    def result(not_sent: int) -> Result:
        return {"outcomes": {"approved": 100 - not_sent, "declined": 0, "NOT_SENT": not_sent}}

    assert offered(result(1)) == result(1)
    with pytest.raises(PeerError, match="2 of 100 orders were not sent"):
        offered(result(2))


def lines(svg: str) -> Sequence[str]:
    return re.findall(r'fill="none" stroke="(#\w+)"', svg)


def test_a_plot_has_a_line_for_each_and_gives_p50_and_p99_one_colour() -> None:
    line = [(1.0, 2.0), (10.0, 3.0)]
    svg = plot([Line("a", line), Line("a", line, dashed=True), Line("<b>", line)], "x", "y", {})
    first, second, third = lines(svg)
    assert first == second != third
    assert "&lt;b&gt;" in svg
    assert "Nothing" in plot([Line("a", [])], "x", "y", {})


def test_the_page_shows_every_figure_and_every_server() -> None:
    histogram = [[100, 90], [5_000, 10]]
    latency_us = {"p50": 100, "p99": 5_000}
    points = [
        Point(who, per_s, latency_us, histogram, "open loop")
        for who in ("creditgate", "postgres")
        for per_s in (100.0, 1_000.0)
    ]
    judged = rows({"unary_vs_echo": figure(0.8), "unary_per_s": figure(5)}, checked=True)
    text = page({"CPU": "fast & new"}, judged, points, ["a <note>"])
    for expected in ("unary_vs_echo", "unary_per_s", "fast &amp; new", "a &lt;note&gt;"):
        assert expected in text
    assert text.count("<svg") == 2
    assert "postgres p99" in text


def test_histograms_are_kept_whole(tmp_path: Path) -> None:
    measured = suite()
    histogram = [[100, 90], [5_000, 10]]
    latency_us = {"p50": 100, "p99": 5_000}
    measured.keep(
        "echo",
        "closed loop",
        {"decisions_per_s": 7.5, "latency_us": latency_us, "histogram": histogram},
    )
    assert report(measured, {}, [], tmp_path) == 0
    assert json.loads((tmp_path / "histograms.json").read_text()) == [
        {
            "who": "echo",
            "per_s": 7.5,
            "latency_us": latency_us,
            "histogram": histogram,
            "load": "closed loop",
        }
    ]


def test_peers_have_versions_and_those_that_are_missing_have_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = {
        "postgres": "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)",
        "redis-server": "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64",
        "go": "ghz: go1.26.8\n\tpath\tgithub.com/bojand/ghz/cmd/ghz\n"
        "\tmod\tgithub.com/bojand/ghz\tv0.121.0\th1:x\n\tdep\texample.org/x\tv0.3.0",
    }
    monkeypatch.setattr(
        machine, "_output", lambda program, *_: answers.get(Path(program).name, "unknown")
    )
    found = machine.peers()
    assert found.pop("TigerBeetle client")
    assert found == {"PostgreSQL": "15.18", "Redis": "7.0.15", "ghz": "0.121.0"}
    answers.clear()
    assert set(machine.peers()) == {"TigerBeetle client"}


def test_stolen_time_is_told_as_a_share() -> None:
    before = CpuTime.parse("cpu  100 0 50 800 10 0 5 35 70 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
    assert before == (35, 1000)
    after = CpuTime.parse("cpu  130 0 60 820 10 0 5 75 90 0\n")
    assert after.stolen_since(before) == 0.4
    assert after.stolen_since(after) == 0
    now = CpuTime.read()
    assert 0 <= now.stolen < now.total
