"""How a client reaches its server: encrypted or not, and with which credential."""

import ipaddress
from pathlib import Path
from time import monotonic

import grpc
import grpc.aio

from creditgate.client._options import ClientOptions, Tls, channel_options

_LOOK_S = 1.0
"""How often to look whether the file of the token has changed."""

Metadata = tuple[tuple[str, str], ...]


def open_channel(address: str, options: ClientOptions) -> grpc.Channel:
    """A channel for threads. Raises ValueError where a file cannot be read."""
    if options.tls is None:
        return grpc.insecure_channel(address, options=channel_options())
    return grpc.secure_channel(address, _credentials(options.tls), options=channel_options())


def open_aio_channel(address: str, options: ClientOptions) -> grpc.aio.Channel:
    """A channel for asyncio. Raises ValueError where a file cannot be read."""
    if options.tls is None:
        return grpc.aio.insecure_channel(address, options=channel_options())
    return grpc.aio.secure_channel(address, _credentials(options.tls), options=channel_options())


def _credentials(tls: Tls) -> grpc.ChannelCredentials:
    ca, key, certificate = (
        None if path is None else _read(name, path)
        for name, path in (("ca", tls.ca), ("key", tls.key), ("certificate", tls.certificate))
    )
    return grpc.ssl_channel_credentials(ca, key, certificate)


def _read(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{name} = {path}: {error.strerror}") from None


class CallMetadata:
    """What goes along with every call: who calls, and the token that proves it.

    The file of a token is read again when it changes, within a second.
    """

    def __init__(self, address: str, options: ClientOptions) -> None:
        """Raises ValueError where the token cannot be used."""
        self._actor: Metadata = (("creditgate-actor", options.actor),) if options.actor else ()
        self._file = options.token_file
        self._looked_s = monotonic()
        self._seen = self._stamp()
        token = options.token
        if self._file is not None:
            token = _token(_read("token_file", self._file))
        if token and options.tls is None and not _is_local(address):
            raise ValueError(
                f"a token would go to {address} in the clear, for everyone on the way to use: "
                "give tls too"
            )
        self._current = self._with(token)

    def current(self) -> Metadata:
        """For a call that is made now."""
        if self._file is not None and monotonic() - self._looked_s > _LOOK_S:
            self._look_again(self._file)
        return self._current

    def _look_again(self, file: Path) -> None:
        self._looked_s = monotonic()
        seen = self._stamp()
        if seen == self._seen:
            return
        self._seen = seen
        # One that is half written or gone for a moment: the last one goes on, and it is read again
        # when it has changed again.
        try:
            self._current = self._with(_token(_read("token_file", file)))
        except ValueError:
            return

    def _with(self, token: str) -> Metadata:
        if not token:
            return self._actor
        return (*self._actor, ("authorization", f"Bearer {token}"))

    def _stamp(self) -> tuple[int, int, int] | None:
        if self._file is None:
            return None
        try:
            about = self._file.stat()
        except OSError:
            return None
        return about.st_mtime_ns, about.st_size, about.st_ino


def _token(content: bytes) -> str:
    token = content.decode("ascii", errors="replace").strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("token_file: must hold one token, of printable ASCII without spaces")
    return token


def _is_local(address: str) -> bool:
    """Whether what is sent to this address stays on this machine."""
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    host = address.rpartition("/")[2].removeprefix("ipv4:").removeprefix("ipv6:")
    host = host.removeprefix("dns:").rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
