"""The server's certificate and key, and whose clients it lets in; read again when they change."""

import ssl
from pathlib import Path
from typing import Any

import grpc

from creditgate.server.config import Config

_Stamp = tuple[tuple[int, int, int], ...]


class TlsError(Exception):
    """A file cannot be used for transport security; the message names it and says why."""


class TlsFiles:
    """The files of the configuration, which has a certificate and a key."""

    def __init__(self, config: Config) -> None:
        """Raises TlsError when they cannot be used."""
        self._certificate = Path(config.tls_certificate)
        self._key = Path(config.tls_key)
        self._client_ca = Path(config.tls_client_ca) if config.tls_client_ca else None
        self._seen = self._stamp()
        self._first = self._read()
        self._next: Any = None

    def credentials(self) -> grpc.ServerCredentials:
        """For the port; connections made after a `refresh` get what it has read."""
        return grpc.dynamic_ssl_server_credentials(
            self._first, self._take, require_client_authentication=self._client_ca is not None
        )

    def refresh(self) -> bool:
        """Read the files again if they have changed; returns whether they have.

        Raises TlsError, once for each change: what was read before stays in force.
        """
        seen = self._stamp()
        if seen == self._seen:
            return False
        self._seen = seen
        self._next = self._read()
        return True

    def _take(self) -> Any:
        """What gRPC asks for at each new connection, from a thread of its own: news, or None."""
        taken, self._next = self._next, None
        return taken

    def _paths(self) -> list[Path]:
        found = [self._certificate, self._key]
        return found if self._client_ca is None else [*found, self._client_ca]

    def _stamp(self) -> _Stamp:
        """What changes whenever a file does; zeros for one that is not there."""
        stamps = []
        for path in self._paths():
            try:
                about = path.stat()
            except OSError:
                stamps.append((0, 0, 0))
            else:
                stamps.append((about.st_mtime_ns, about.st_size, about.st_ino))
        return tuple(stamps)

    def _read(self) -> Any:
        _check(self._certificate, self._key, self._client_ca)
        try:
            certificate, key, *client_ca = [path.read_bytes() for path in self._paths()]
        except OSError as error:
            raise TlsError(f"{error.filename}: {error.strerror}") from None
        return grpc.ssl_server_certificate_configuration(
            [(key, certificate)], root_certificates=client_ca[0] if client_ca else None
        )


def _check(certificate: Path, key: Path, client_ca: Path | None) -> None:
    """Raise TlsError unless OpenSSL can use these: gRPC would fail each connection instead."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    names = f"tls_certificate = {certificate}, tls_key = {key}"
    try:
        # Without the password OpenSSL would ask on the terminal for that of an encrypted key.
        context.load_cert_chain(certificate, key, password="")
        if client_ca is not None:
            names = f"tls_client_ca = {client_ca}"
            context.load_verify_locations(client_ca)
    except OSError as error:  # among them ssl.SSLError
        raise TlsError(f"{names}: {error.strerror or error}") from None
