"""Starting, refusing to start, stopping and starting again."""

import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from creditgate.client.cli._connection import EXIT_FAILED
from creditgate.v1 import account_pb2, ledger_pb2
from tests.conftest import StartServer
from tests.support.api import Api, Refused, entry, refused
from tests.support.server import NotStartedError, ServerProcess

CAP_SYS_NICE = 23
SHUTTING_DOWN = Refused(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Endless:
    """A stream of requests that says one thing and then stays open until `end`."""

    def __init__(self, request: Any) -> None:
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._requests.put(request)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        request = self._requests.get()
        if request is None:
            raise StopIteration
        return request

    def end(self) -> None:
        """Let go of grpc's thread, which waits for the next request."""
        self._requests.put(None)


def watch_health(api: Api) -> Any:
    # Typed loosely, here and below: these packages' type stubs do not know their methods.
    stub: Any = health_pb2_grpc.HealthStub(api.channel)
    return stub.Watch(health_pb2.HealthCheckRequest())


def hold(api: Api) -> Endless:
    """A call that does not end, to hold a stopping server in its time of grace."""
    requests = Endless(reflection_pb2.ServerReflectionRequest(list_services=""))
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(api.channel)
    next(stub.ServerReflectionInfo(requests))
    return requests


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_in_order(server: ServerProcess, number: signal.Signals) -> None:
    server.process.send_signal(number)
    stdout, _ = server.process.communicate()
    assert server.process.returncode == 0
    assert stdout == "", "only the line that told the address"
    events = ['"event":"stopping"', '"event":"drained"', '"event":"stopped"']
    log = server.stderr_text()
    places = [log.find(event) for event in events]
    assert -1 not in places
    assert places == sorted(places)


def test_what_was_acknowledged_outlives_a_stop_and_a_kill(server: ServerProcess) -> None:
    server.api.open_account("a", 10_000)
    first = server.api.reserve("a", "o1", 10, request_id="r1")
    assert server.terminate() == 0

    server.start()
    assert server.listening["recovery"]["entries_replayed"] == 0, "the tables were up to date"
    again = server.api.reserve("a", "o1", 10, request_id="r1")
    assert again.reservation_id == first.reservation_id
    assert again.result.replayed
    server.api.reserve("a", "o2", 20)

    server.restart()
    assert server.api.position("a").reserved_minor == 30


def may_be_preferred() -> bool:
    status = Path("/proc/self/status").read_text()
    capabilities = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(capabilities.split()[1], 16) >> CAP_SYS_NICE & 1)


def threads(pid: int) -> Iterator[tuple[str, int]]:
    """Name and nice value of each."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # gRPC's come and go
            name = (task / "comm").read_text().strip()
            yield name, os.getpriority(os.PRIO_PROCESS, int(task.name))


@pytest.mark.skipif(not may_be_preferred(), reason="needs a privilege to give or to take")
@pytest.mark.parametrize(
    ("prefix", "preferred_by"),
    [((), 5), (("setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice"), 0)],
    ids=["privileged", "unprivileged"],
)
def test_the_thread_that_decides_is_preferred_where_it_may_be(
    tmp_path: Path, prefix: tuple[str, ...], preferred_by: int
) -> None:
    with ServerProcess(tmp_path, prefix) as server:
        server.api.open_account("a", 10_000)
        found = list(threads(server.process.pid))
        url = f"http://{server.metrics_address}/metrics"
        metrics = urllib.request.urlopen(url, timeout=10).read().decode()
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    deciding = [nice for name, nice in found if name == "creditgate-work"]
    assert deciding == [ours - preferred_by]
    # The follower's stands back, and that of those who ask about the past.
    apart = ("creditgate-work", "creditgate-tabl", "creditgate-chan")
    others = {nice for name, nice in found if name not in apart}
    assert others == {ours}
    assert f"creditgate_core_worker_preferred_now {float(preferred_by > 0)}" in metrics


def test_a_start_without_tables_folds_them_anew_and_says_why(server: ServerProcess) -> None:
    server.api.open_account("a", 10_000)
    server.api.reserve("a", "o1", 10)
    assert server.terminate() == 0
    shutil.rmtree(server.store / "tables")
    server.start()
    assert server.listening["recovery"]["tables_seq"] == 0
    assert server.api.position("a").reserved_minor == 10
    said = '"event":"tables rebuilt","store":"%s","because":"they are new, or of another format"'
    assert said % server.store in server.stderr_text()


def test_calls_that_would_last_for_ever_are_told_of_the_stop(
    server: ServerProcess, api: Api
) -> None:
    api.open_account("a", 10_000)
    positions = api.accounts.WatchPositions(account_pb2.WatchPositionsRequest(account_ids=["a"]))
    next(positions)
    health = watch_health(api)
    assert next(health).status == SERVING
    entries = Endless(
        ledger_pb2.StreamEntriesRequest(
            source="erp", entries=[entry("e1", "a", "opening_balance", 5)]
        )
    )
    stream = api.ledger.StreamEntries(entries)
    assert next(stream).posted == 1

    server.process.send_signal(signal.SIGTERM)
    assert [response.status for response in health] == [NOT_SERVING]
    # The watch may still have had the entry's change to tell.
    assert refused(lambda: list(positions)) == SHUTTING_DOWN
    assert refused(lambda: next(stream)) == SHUTTING_DOWN
    entries.end()
    assert server.process.wait() == 0


def test_a_signal_during_recovery_closes_without_a_word_of_listening(tmp_path: Path) -> None:
    interrupted = f"""
import os, signal
from creditgate.server import run
from creditgate.server.config import Config

def recover(*args, **options):
    os.kill(os.getpid(), signal.SIGTERM)
    return open_store(*args, **options)

open_store, run.Core = run.Core, recover
run.run(Config(store={str(tmp_path / "store")!r}, listen="127.0.0.1:0", metrics=""))
"""
    done = subprocess.run(
        [sys.executable, "-c", interrupted], check=True, capture_output=True, text=True
    )
    assert done.stdout == ""
    assert "stopping" in done.stderr
    assert "stopped" in done.stderr
    assert "listening" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_signal_stops_at_once(server: ServerProcess, api: Api) -> None:
    health = watch_health(api)
    assert next(health).status == SERVING
    held = hold(api)
    server.process.send_signal(signal.SIGTERM)
    assert next(health).status == NOT_SERVING
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait() == 128 + signal.SIGTERM
    held.end()


def test_grace_ends(start_server: StartServer) -> None:
    server = start_server(drain_grace_s=0)
    held = hold(server.api)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait() == 0
    held.end()


def refused_start(start_server: StartServer, **options: object) -> str:
    with pytest.raises(NotStartedError) as caught:
        start_server(**options)
    assert caught.value.exit_code == EXIT_FAILED
    assert "Traceback" not in caught.value.stderr
    return caught.value.stderr


def test_a_port_in_use_is_refused(server: ServerProcess, start_server: StartServer) -> None:
    stderr = refused_start(start_server, listen=server.address)
    assert f"Error: listen = {server.address}: cannot bind: " in stderr
    assert "Address already in use" in stderr
    assert "choose another with --listen" in stderr


def test_a_metrics_port_in_use_is_refused(server: ServerProcess, start_server: StartServer) -> None:
    stderr = refused_start(start_server, metrics=server.metrics_address)
    assert f"Error: metrics = {server.metrics_address}: cannot bind: " in stderr
    assert "choose another with --metrics" in stderr


def test_a_store_that_is_a_file_is_refused(start_server: StartServer, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    stderr = refused_start(start_server, store=file)
    assert f"Error: store = {file}: is a file; the store must be a folder" in stderr
    assert file.read_text() == "mine"


def test_the_other_loopback_address_is_served_and_guarded_too(start_server: StartServer) -> None:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
            port = taken.getsockname()[1]
            stderr = refused_start(start_server, listen=f"[::1]:{port}")
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert f"Error: listen = [::1]:{port}: cannot bind: " in stderr
    server = start_server(listen="[::1]:0", metrics="[::1]:0")
    assert server.address.startswith("[::1]:")
    server.api.open_account("a", 10_000)
    with urllib.request.urlopen(f"http://{server.metrics_address}/metrics") as response:
        assert response.status == 200


def test_a_store_in_use_is_refused_and_its_owner_goes_on(
    server: ServerProcess, start_server: StartServer
) -> None:
    stderr = refused_start(start_server, store=server.store)
    assert "Error: " in stderr
    assert str(server.store) in stderr
    server.api.open_account("a", 10_000)
    assert server.terminate() == 0


def test_a_refused_start_leaves_no_store_behind(
    server: ServerProcess, start_server: StartServer
) -> None:
    store = server.store.with_name("another")
    refused_start(start_server, listen=server.address, store=store)
    assert not store.exists()


def test_metrics_can_be_off(start_server: StartServer) -> None:
    assert start_server(metrics="").listening["metrics"] is None
