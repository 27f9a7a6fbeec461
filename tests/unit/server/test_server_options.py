"""gRPC ignores an option whose name it does not know, so a wrong one would go unnoticed."""

from pathlib import Path

import pytest
from grpc import _cython

from creditgate.client import _options as client
from creditgate.server import run as server
from creditgate.server.config import Config

(LIBRARY,) = Path(_cython.__path__[0]).glob("cygrpc*.so")
SERVER = dict(server.channel_options(Config()))
CLIENT = dict(client.channel_options())


@pytest.mark.parametrize("name", sorted({*SERVER, *CLIENT}))
def test_grpc_knows_every_option(name: str) -> None:
    assert f"{name}\0".encode() in LIBRARY.read_bytes()


def test_client_and_server_agree() -> None:
    for name in ("grpc.max_receive_message_length", "grpc.max_send_message_length"):
        assert SERVER[name] == CLIENT[name]
    # A quiet watch pings at this interval; a server that allows fewer pings would cut it off.
    allowed_ms = SERVER["grpc.http2.min_ping_interval_without_data_ms"]
    assert int(CLIENT["grpc.keepalive_time_ms"]) > allowed_ms
