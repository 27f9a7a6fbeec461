"""Fifty kills under load: see tests/torture, which goes on for as long as one likes."""

import random
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.torture import rounds
from tests.torture.__main__ import main
from tests.torture.judge import BrokenPromise
from tests.torture.rounds import Torture

KILLS = 50
SEED = random.SystemRandom().getrandbits(32)


def test_one_round_ends_with_a_verdict() -> None:
    done = CliRunner().invoke(main, ["--rounds", "1"])
    assert done.exit_code == 0, done.output
    assert "lost but decided: " in done.output
    *_, last = done.output.splitlines()
    assert last.startswith("every promise kept: 1 round, 1 kill, ")


def test_a_broken_promise_is_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def never_right(*_: object) -> None:
        raise BrokenPromise("request r: decision")

    monkeypatch.setattr(rounds, "judge", never_right)
    done = CliRunner().invoke(main, ["--rounds", "1"])
    assert done.exit_code == 1
    *_, verdict, kept = done.output.splitlines()
    assert verdict.startswith("PROMISE BROKEN after ")
    assert verdict.endswith(": request r: decision")
    shutil.rmtree(kept.removeprefix("The store is kept: "))


@pytest.mark.slow
def test_every_promise_survives_fifty_kills(tmp_path: Path) -> None:
    torture = Torture(tmp_path, SEED)
    # Shown when the test fails: `python -m tests.torture --seed` plays it again.
    tally = torture.play(KILLS, print)
    assert tally.kills == KILLS
    assert tally.answered > KILLS
    assert tally.lost > 0
    assert tally.positions_compared > 0
