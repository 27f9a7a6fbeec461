"""A network between two processes that stalls, breaks, and is cut without a word to either end."""

import select
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from itertools import chain
from typing import Final, Self

from tests.support.namespace import Namespace

_READ_BYTES: Final = 1 << 16
# Closed so, a connection is reset: the other end hears of it at once.
_RESETS: Final = struct.pack("ii", 1, 0)

# A socket is of the namespace in which it was made, whoever uses it then.
_LISTENS: Final = """
import socket, sys
with socket.socket(fileno=int(sys.argv[1])) as back, socket.create_server(("127.0.0.1", 0)) as made:
    socket.send_fds(back, [b"."], [made.fileno()])
"""


class Relay:
    """Forwards TCP connections to an address, as long as it is let. A context manager.

    `listener`: where it takes them; by default a port of this machine.
    """

    def __init__(self, target: str, listener: socket.socket | None = None) -> None:
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self._listener = listener or socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._flows = threading.Event()
        self._flows.set()
        self._holds = threading.Event()
        self._lock = threading.Lock()
        self._open: set[tuple[socket.socket, socket.socket]] = set()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Closed alone, it would go on to wait for a connection.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        self.reset()
        self.flow()
        for thread in self._threads:
            thread.join()

    def stall(self) -> None:
        """Forward nothing and close nothing; new connections are taken, and hear nothing."""
        self._holds.clear()
        self._flows.clear()

    @property
    def holds(self) -> bool:
        """Whether something has come since the stall, which waits here."""
        return self._holds.is_set()

    def flow(self) -> None:
        """Forward again, what came meanwhile first."""
        self._flows.set()

    def reset(self) -> None:
        """Break all connections; what was on its way is lost."""
        with self._lock:
            for end in chain.from_iterable(self._open):
                # Wakes its thread, which closes it.
                with suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESETS)
                    end.shutdown(socket.SHUT_RD)
            self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._target)
            except OSError:
                near.close()
                continue
            # As any server does with a client that may be gone.
            near.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 2_000)
            with self._lock:
                self._open.add((near, far))
            self._threads.append(threading.Thread(target=self._forward, args=(near, far)))
            self._threads[-1].start()

    def _forward(self, near: socket.socket, far: socket.socket) -> None:
        """Both ways, until either end is closed or broken; then both are."""
        others = {near: far, far: near}
        with near, far, suppress(OSError):
            while True:
                for end in select.select([near, far], [], [])[0]:
                    block = end.recv(_READ_BYTES)
                    if not self._flows.is_set():
                        self._holds.set()
                        self._flows.wait()
                    if not block or (near, far) not in self._open:
                        return
                    others[end].sendall(block)


class Island(Namespace):
    """A network namespace: processes started with `prefix` reach what `relay` leads to, and nothing
    else. A context manager; skips the test where making one is not permitted."""

    def __init__(self) -> None:
        super().__init__("net", "a network to be cut", "ip link set lo up")

    def relay(self, target: str) -> Relay:
        """Forwards from a port in the namespace to an address of this machine."""
        here, there = socket.socketpair()
        with here, there:
            subprocess.run(
                [*self.prefix, sys.executable, "-c", _LISTENS, str(there.fileno())],
                pass_fds=[there.fileno()], check=True,
            )  # fmt: skip
            _, (made,), _, _ = socket.recv_fds(here, 1, 1)
        return Relay(target, socket.socket(fileno=made))

    def cut(self) -> None:
        """All packets are lost from now on, and nobody is told."""
        self._link("down")

    def mend(self) -> None:
        """Packets pass again."""
        self._link("up")

    def _link(self, state: str) -> None:
        subprocess.run([*self.prefix, "ip", "link", "set", "lo", state], check=True)
