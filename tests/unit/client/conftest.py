from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest
from click.testing import CliRunner, Result

from creditgate.client.cli import main
from tests.unit.client.scripted import ScriptedServer

Run: TypeAlias = Callable[..., Result]


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def run(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command against the scripted server."""
    for name in ("ADDRESS", "ACTOR", "TIMEOUT", "CONFIG", "TOKEN", "TOKEN_FILE", "TLS", "TLS_CA"):
        monkeypatch.delenv(f"CREDITGATE_{name}", raising=False)

    def invoke(*args: str, env: dict[str, str | None] | None = None) -> Result:
        environment = {"CREDITGATE_ADDRESS": scripted.address, "COLUMNS": "200"} | (env or {})
        return CliRunner().invoke(main, args, env=environment)

    return invoke
