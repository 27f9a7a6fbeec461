"""Servers for tests: real processes on real sockets, each with a store of its own on disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from creditgate.client import Client
from demo import cluster
from demo.cluster import Cluster
from tests.support.api import Api
from tests.support.books import Books
from tests.support.ledger import Ledger, SyncProcess
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


@pytest.fixture(scope="session")
def ledger_cluster() -> Iterator[Cluster]:
    """A PostgreSQL cluster for the ledgers of a whole run; a power cut would not leave it whole."""
    if not cluster.is_installed():
        pytest.skip(f"needs PostgreSQL 15 (as root: apt-get install {cluster.PACKAGE})")
    with Cluster(fsync="off", full_page_writes="off") as made:
        yield made


@pytest.fixture
def ledger(ledger_cluster: Cluster) -> Ledger:
    """A ledger of the reference tables, without a row."""
    return Ledger(ledger_cluster)


@pytest.fixture
def sync(ledger: Ledger, server: ServerProcess, tmp_path: Path) -> Iterator[SyncProcess]:
    """`creditgate sync ledger` from `ledger` to `server`, not started."""
    process = SyncProcess(ledger, server, tmp_path)
    yield process
    process.kill()


@pytest.fixture
def books(ledger_cluster: Cluster) -> Iterator[Books]:
    """The same, with one connection that stays open."""
    made = Books(ledger_cluster)
    yield made
    made.close()
