"""`creditgate access token`: what it writes is what the core takes."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from creditgate.core import ROLES, Access
from creditgate.server.access_cli import access


def run(file: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(access, ["token", "--file", str(file), *arguments])
    return result.exit_code, result.output.strip()


def test_a_token_is_shown_once_and_its_hash_kept(tmp_path: Path) -> None:
    file = tmp_path / "tokens.jsonl"
    _, oms = run(file, "oms", "--role", "order_entry")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    till_options = ["--role", "pos", "--channel", "store-1", "--expires", "2099-12-31"]
    _, till = run(file, "till", *till_options)
    assert len(oms) == len("cg_") + 43
    assert oms != till
    text = file.read_text()
    assert oms not in text
    assert till not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["name"], line["role"]) for line in lines] == [
        ("oms", "order_entry"),
        ("till", "pos"),
    ]
    assert (lines[1]["channel"], lines[1]["expires"]) == ("store-1", "2099-12-31")
    known = Access(tokens=str(file))
    assert [known.turned_away(f"Bearer {token}", None) for token in (oms, till)] == [None, None]
    assert known.who(f"Bearer {till}") == "till"
    assert known.turned_away("Bearer cg_other", None) is not None


def test_a_name_may_have_another_token_and_a_line_without_an_end_is_ended(tmp_path: Path) -> None:
    file = tmp_path / "tokens.jsonl"
    _, first = run(file, "oms", "--role", "order_entry")
    file.write_text(file.read_text().rstrip())
    _, second = run(file, "oms", "--role", "order_entry")
    known = Access(tokens=str(file))
    assert {known.who(f"Bearer {token}") for token in (first, second)} == {"oms"}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["oms", "--role", "root"], "--role root: must be one of order_entry, pos"),
        (["till", "--role", "pos"], "channel: must be given for the role pos"),
        (
            ["oms", "--role", "admin", "--channel", "x"],
            "channel: must be absent for the role admin",
        ),
        (["", "--role", "admin"], "'': must be 1 to 64 bytes"),
        (["x" * 65, "--role", "admin"], "must be 1 to 64 bytes"),
        (["a\nb", "--role", "admin"], "must be 1 to 64 bytes of plain text"),
        (["oms", "--role", "admin", "--expires", "soon"], "soon"),
        (["ada", "--role", "loader"], 'name is "ada": an earlier line gives it another role'),
    ],
)
def test_what_the_server_would_refuse_is_not_written(
    tmp_path: Path, arguments: list[str], why: str
) -> None:
    file = tmp_path / "tokens.jsonl"
    run(file, "ada", "--role", "auditor")
    before = file.read_bytes()
    exit_code, output = run(file, *arguments)
    assert exit_code == 2
    assert why in output
    assert file.read_bytes() == before


def test_help_names_every_role() -> None:
    told = CliRunner().invoke(access, ["token", "--help"], terminal_width=1_000).output
    assert all(role in told for role in ROLES)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "tokens.jsonl"
    exit_code, output = run(file, "oms", "--role", "admin")
    assert exit_code == 2
    assert f"{file}: No such file or directory" in output
