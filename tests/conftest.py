"""Servers for tests: real processes on real sockets, each with a store of its own on disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from creditgate.client import Client
from tests.support.api import Api
from tests.support.server import ServerProcess


class StartServer(Protocol):
    """Starts a server on an empty store; options are those of `creditgate serve`."""

    def __call__(self, **options: object) -> ServerProcess: ...


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Starts servers with options of the test's own; ends them after it."""
    servers: list[ServerProcess] = []

    def start(**options: object) -> ServerProcess:
        folder = tmp_path / f"server-{len(servers)}"
        folder.mkdir()
        servers.append(ServerProcess(folder, **options))
        return servers[-1].start()

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    """A server with default options."""
    return start_server()


@pytest.fixture
def api(server: ServerProcess) -> Api:
    """Raw stubs to `server`, as it runs now."""
    return server.api


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    """The Python client, connected to `server`."""
    with Client(server.address) as client:
        yield client
