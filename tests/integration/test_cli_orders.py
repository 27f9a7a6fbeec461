"""The command `creditgate` as a process, against a real server."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartServer
from tests.support.server import ServerProcess

COMMAND = Path(sys.executable).with_name("creditgate")
PATIENCE_S = 60


class Shell:
    """Runs `creditgate` against one server."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server

    def __call__(self, *args: str, exit_code: int = 0) -> str:
        """Runs a command that must end with `exit_code`; returns what it wrote."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("CREDITGATE_")}
        done = subprocess.run(
            [COMMAND, *args],
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            cwd=self._server.store.parent,
            env=clean | {"CREDITGATE_ADDRESS": self._server.address, "COLUMNS": "200"},
        )
        assert done.returncode == exit_code, done
        assert "Traceback" not in done.stderr
        return done.stdout if exit_code < 2 else done.stderr

    def json(self, *args: str, exit_code: int = 0) -> dict[str, Any]:
        """The one object that a command writes with --json."""
        found: dict[str, Any] = json.loads(self(*args, "--json", exit_code=exit_code))
        return found


@pytest.fixture
def shell(server: ServerProcess) -> Shell:
    return Shell(server)


def test_an_order_by_hand(shell: Shell) -> None:
    created = shell("account", "upsert", "A", "--currency", "USD", "--limit", "300.00")
    assert created == "CREATED A\n"
    assert "UNCHANGED" in shell("account", "upsert", "A", "--limit", "300.00")

    assert "APPROVED" in shell("check", "A", "300.00", "USD")
    assert "200.00 USD" in shell("reserve", "A", "O", "100.00", "USD", "--channel", "web")
    assert "ORDER_ALREADY_RESERVED" in shell("reserve", "A", "O", "1", "USD", exit_code=3)
    declined = shell("reserve", "A", "P", "200.01", "USD", exit_code=1)
    assert "INSUFFICIENT_CREDIT: 200.01 USD had to fit, 200.00 USD was available" in declined

    shell("adjust", "A", "O", "120.00")
    shell("adjust", "A", "O", "300.01", exit_code=1)
    captured = shell.json("capture", "A", "O", "INV-1", "--amount", "50.00")
    assert captured["captured_amount_minor"] == 5_000
    shell("release", "A", "O", "--amount", "20.00")
    held = shell.json("reservation", "get", "--account", "A", "--order", "O")
    assert (held["open_minor"], held["captured_minor"], held["released_minor"]) == (
        5_000,
        5_000,
        2_000,
    )
    listed = shell("reservation", "list", "--state", "open")
    assert held["reservation_id"] in listed

    entry = ["entry", "post", "erp", "E-1", "A", "invoice", "50.00", "USD", "--invoice", "INV-1"]
    assert "POSTED" in shell(*entry)
    assert "DUPLICATE" in shell(*entry)
    position = shell.json("position", "A")
    assert (position["outstanding_minor"], position["reserved_minor"]) == (5_000, 5_000)
    assert "33.3 %" in shell("position", "A")


def test_accounts_by_hand(shell: Shell) -> None:
    assert "CREATED gold" in shell("segment", "upsert", "gold", "JPY", "5000")
    shell("account", "upsert", "A", "--currency", "JPY", "--segment", "gold", "--name", "Ökö")
    assert "5,000 JPY" in shell("position", "A")
    assert "SUSPENDED" in shell("account", "suspend", "A", "late again")
    assert "ACCOUNT_SUSPENDED" in shell("reserve", "A", "O", "1", "JPY", exit_code=1)
    shown = shell("account", "get", "A")
    assert "late again" in shown
    assert "Ökö" in shown
    assert "ACTIVE" in shell("account", "reinstate", "A", "paid")
    assert "CLOSED" in shell("account", "close", "A", "left")
    assert "inherit" in shell("account", "list", "--status", "closed")
    assert "CURRENCY_FIXED" in shell("account", "upsert", "A", "--currency", "USD", exit_code=3)
    assert "ACCOUNT_NOT_FOUND" in shell("account", "get", "nobody", exit_code=3)


def test_the_clock_by_hand(start_server: StartServer, shell: Shell) -> None:
    assert "--clock manual" in shell("clock", "get", exit_code=3)
    replay = Shell(start_server(clock="manual"))
    replay("clock", "set", "2100-01-01")
    assert replay("clock", "get") == "2100-01-01T00:00:00+00:00\n"
    assert "CLOCK_BACKWARDS" in replay("clock", "set", "2099-12-31", exit_code=3)


def test_a_server_that_has_gone(shell: Shell, server: ServerProcess) -> None:
    address = server.address
    server.kill()
    said = shell("position", "A", exit_code=3)
    assert f"The server at {address} cannot be reached" in said
    assert "creditgate serve" in said
