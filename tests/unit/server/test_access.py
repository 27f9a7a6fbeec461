"""Refusals that keep nobody else waiting."""

import asyncio
from pathlib import Path

import pytest
from google.rpc import code_pb2

from creditgate.core import Access
from creditgate.server.access import Spacing
from creditgate.server.errors import CallError, call_error, shutting_down
from tests.support.credentials import token_line, write_lines


@pytest.fixture
def spacing(tmp_path: Path) -> Spacing:
    tokens = write_lines(tmp_path / "tokens", [token_line("ada", "admin", "cg_ada")])
    return Spacing(Access(tokens=str(tokens)))


def test_each_caller_is_told_of_so_many_refusals_a_second(spacing: Spacing) -> None:
    told = [spacing.delay_s("ada", 100.0) for _ in range(4)]
    assert told == pytest.approx([0, 0.005, 0.010, 0.015])
    assert spacing.delay_s("bob", 100.0) == 0
    assert spacing.delay_s("ada", 100.018) == pytest.approx(0.002)
    assert spacing.delay_s("ada", 200.0) == 0
    late = [spacing.delay_s("ada", 200.0) for _ in range(1_000)]
    assert max(late) == pytest.approx(1.0)


def test_callers_of_long_ago_are_forgotten(spacing: Spacing) -> None:
    for number in range(10_000):
        spacing.delay_s(f"caller {number}", 100.0)
    spacing.delay_s("ada", 200.0)
    assert list(spacing._next_s) == ["ada"]


@pytest.mark.parametrize(
    ("error", "spaced"),
    [
        (call_error(code_pb2.UNAUTHENTICATED, "CREDENTIAL_INVALID", ""), True),
        (call_error(code_pb2.PERMISSION_DENIED, "ROLE_NOT_ALLOWED", ""), True),
        (call_error(code_pb2.RESOURCE_EXHAUSTED, "RATE_LIMITED", ""), True),
        (call_error(code_pb2.RESOURCE_EXHAUSTED, "CONCURRENCY_LIMITED", ""), True),
        (call_error(code_pb2.RESOURCE_EXHAUSTED, "QUEUE_FULL", ""), False),
        (call_error(code_pb2.NOT_FOUND, "ACCOUNT_NOT_FOUND", ""), False),
        (shutting_down(), False),
    ],
)
def test_only_what_the_caller_is_to_blame_for_is_spaced(
    spacing: Spacing, error: CallError, spaced: bool
) -> None:
    asyncio.run(spacing.wait("Bearer cg_nobody", error))
    asyncio.run(spacing.wait("Bearer cg_ada", error))
    assert sorted(spacing._next_s) == (["ada", "unknown"] if spaced else [])
