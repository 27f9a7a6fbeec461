"""Scores, flags and mended dead letters from files of every format, on a real server."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from creditgate.client import AccountUpsert, Client, Decision, HoldKind
from creditgate.client.cli import main
from creditgate.loaders import rows
from creditgate.loaders.dead_letters import default_path
from tests.support.server import ServerProcess
from tests.support.tables import FORMATS, Row, parquet_of, write_rows

SCORES: list[Row] = [
    {"account_id": "A", "reference": "R1", "source": "bureau", "date": "2026-01-31", "score": "0"},
    {"account_id": "X", "reference": "R1", "source": "bureau", "date": "2026-01-31", "score": "1"},
    {"account_id": "B", "reference": "R1", "source": "bureau", "date": "2026-01-31"},
]
FLAGS: list[Row] = [
    {"account_id": "A", "hold_id": "F1", "action": "place", "kind": "bureau", "source": "S",
     "reason": "insolvent", "expire_time": "2099-12-31T16:00:00Z"},
    {"account_id": "A", "hold_id": "F2", "action": "place", "kind": "fraud", "reason": "cards"},
    {"account_id": "B", "hold_id": "OLD", "action": "lift", "reason": "paid"},
    {"account_id": "X", "hold_id": "F1", "action": "place", "kind": "bureau", "reason": "gone"},
    {"account_id": "B", "hold_id": "F1", "action": "place", "kind": "bureau", "reason": "late",
     "expire_time": "2020-01-01"},
    {"account_id": "A", "hold_id": "F2", "action": "lift", "reason": "cards are back"},
]  # fmt: skip


@pytest.fixture
def accounts(client: Client) -> None:
    found = client.upsert_accounts(
        [AccountUpsert(account_id=name, currency="EUR") for name in "AB"]
    )
    assert not [row.error for row in found if row.error]


def load(server: ServerProcess, kind: str, path: Path, *options: str | Path) -> dict[str, Any]:
    """What `creditgate load` says of a file."""
    arguments = ["load", kind, str(path), *map(str, options), "--address", server.address, "--json"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code in {0, 1}, done.output
    return dict(json.loads(done.stdout))


def refusals(told: dict[str, Any]) -> list[tuple[str, str]]:
    return [(found["reason"], found["field"]) for found in told["rejections"]]


@pytest.mark.parametrize("form", FORMATS)
def test_scores_are_kept_once(
    server: ServerProcess, client: Client, accounts: None, tmp_path: Path, form: str
) -> None:
    path = write_rows(tmp_path / f"scores.{form}", rows.SCORES.columns, SCORES)
    told = load(server, "scores", path)
    assert (told["created"], told["rejected"]) == (1, 2)
    assert refusals(told) == [("ACCOUNT_NOT_FOUND", "account_id"), ("FIELD_INVALID", "score")]
    (kept,) = client.get_account("A").verifications
    assert (kept.reference, kept.source, kept.date, kept.score) == (
        "R1", "bureau", date(2026, 1, 31), 0,
    )  # fmt: skip
    assert load(server, "scores", path)["unchanged"] == 1
    assert client.get_account("A").verifications == (kept,)


@pytest.mark.parametrize("form", FORMATS)
def test_flags_suspend_and_lift_once(
    server: ServerProcess, client: Client, accounts: None, tmp_path: Path, form: str
) -> None:
    client.place_hold("B", "OLD", "late", kind=HoldKind.BUREAU)
    path = write_rows(tmp_path / f"flags.{form}", rows.FLAGS.columns, FLAGS)
    told = load(server, "flags", path)
    assert [told[name] for name in ("created", "lifted", "rejected")] == [2, 1, 3]
    assert refusals(told) == [
        ("ACCOUNT_NOT_FOUND", "account_id"),
        ("DUPLICATE_ROW", "account_id"),
        ("FIELD_INVALID", "expire_time"),
    ]
    holds = client.get_account("A").holds
    found = sorted(holds, key=lambda hold: hold.hold_id)
    assert [(hold.hold_id, hold.kind, hold.source, hold.expire_time) for hold in found] == [
        ("F1", HoldKind.BUREAU, "S", datetime(2099, 12, 31, 16, tzinfo=UTC)),
        ("F2", HoldKind.FRAUD, "", None),
    ]
    assert client.get_account("B").holds == ()
    assert client.check("A", 1, "EUR").decision is Decision.DECLINED

    again = load(server, "flags", path)
    assert [again[name] for name in ("created", "lifted", "unchanged")] == [0, 0, 3]
    assert client.get_account("A").holds == holds


def test_mended_dead_letters_keep_their_ids(
    server: ServerProcess, client: Client, accounts: None, tmp_path: Path
) -> None:
    path = parquet_of(
        tmp_path / "entries.parquet",
        "SELECT 'E' || i AS entry_id, CASE i WHEN 1 THEN 'AA' ELSE 'A' END AS account_id, "
        "'opening_balance' AS kind, (i * 1.25 + 1)::DECIMAL(18, 4) AS amount, 'EUR' AS currency "
        "FROM range(4) AS t(i)",
    )
    told = load(server, "entries", path)
    assert (told["posted"], told["rejected"]) == (3, 1)
    letters = default_path(path)
    letters.write_text(letters.read_text().replace(",E1,AA,", ",E1,A,"))
    mended = load(server, "entries", letters)
    assert (mended["posted"], mended["rejected"]) == (1, 0)
    assert load(server, "entries", letters)["duplicate"] == 1
    assert load(server, "entries", path)["duplicate"] == 3
    assert client.get_position("A").outstanding_minor == 1_00 + 2_25 + 3_50 + 4_75


def test_a_company_s_own_file(server: ServerProcess, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "kna1.txt"
    path.write_text('{"KUNNR": 4711, "WAERS": "EUR", "KLIMK": "1.234,50", "LAND1": "DE"}\n')
    mapping = tmp_path / "kna1.toml"
    mapping.write_text(
        'ignore = ["LAND1"]\ndecimal_comma = ["limit_amount"]\n'
        '[columns]\naccount_id = "KUNNR"\ncurrency = "WAERS"\nlimit_amount = "KLIMK"\n'
        '[constants]\nlimit_kind = "amount"\n'
    )
    told = load(server, "accounts", path, "--format", "jsonl", "--mapping", mapping)
    assert told["created"] == 1
    limit = client.get_account("4711").limit
    assert limit is not None
    assert limit.amount_minor == 1_234_50


def test_a_mapping_that_is_wrong_is_wrong_usage(server: ServerProcess, tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    path.write_text("account_id,currency\n")
    mapping = tmp_path / "map.toml"
    mapping.write_text("colums = 1\n")
    arguments = ["load", "accounts", str(path), "--mapping", str(mapping)]
    done = CliRunner().invoke(main, [*arguments, "--address", server.address])
    assert done.exit_code == 2
    assert "map.toml: unknown key 'colums'; a mapping has columns, " in done.output
