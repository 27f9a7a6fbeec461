"""The measurement of the scorecard's analysis, as small as it gets."""

from pathlib import Path

from bench.recalc import measure


def test_every_account_is_judged(tmp_path: Path) -> None:
    figures = measure(100, 2_000, "200MB", tmp_path)
    assert sum(figures["judged"].values()) == 100
    assert figures["judged"]["MOVED"] > 50
    assert figures["recalc_s"] >= 0
    assert figures["memory_max_bytes"] > 0
    assert not list(tmp_path.iterdir()), "the spool is gone"
