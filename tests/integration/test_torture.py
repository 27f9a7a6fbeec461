"""Fifty kills under load: see tests/torture, which goes on for as long as one likes."""

import random
from pathlib import Path

import pytest

from tests.torture.rounds import Torture

KILLS = 50
SEED = random.SystemRandom().getrandbits(32)


@pytest.mark.slow
def test_every_promise_survives_fifty_kills(tmp_path: Path) -> None:
    torture = Torture(tmp_path, SEED)
    # Shown when the test fails: `python -m tests.torture --seed` plays it again.
    tally = torture.play(KILLS, print)
    assert tally.kills == KILLS
    assert tally.answered > KILLS
    assert tally.lost > 0
    assert tally.positions_compared > 0
