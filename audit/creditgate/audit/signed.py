"""Signed statements on the chain: checkpoints, and what stands in for a file that was trimmed.

Each is a small JSON file. What is signed, with Ed25519, is not the JSON but a text of one line for
each field, described in docs/audit.md, so that anybody can write it down again and check it.
"""

import base64
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

FORMAT = 1


class SignedError(Exception):
    """A key or a signed file cannot be used; the message names it and says why."""


class Statement(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What all signed statements have. Fields are signed in the order of declaration."""

    what: ClassVar[str]
    format: int = FORMAT
    signature: str = ""
    """Ed25519, base64."""

    def signed_bytes(self) -> bytes:
        """The text that the signature is of."""
        names = [name for name in self.__struct_fields__ if name not in {"format", "signature"}]
        lines = [f"creditgate {self.what} {self.format}"]
        lines += [f"{name} {getattr(self, name)}" for name in names]
        return "".join(f"{line}\n" for line in lines).encode()

    def sign(self, key: Ed25519PrivateKey) -> None:
        """Sets the signature."""
        self.signature = base64.b64encode(key.sign(self.signed_bytes())).decode()

    def is_signed_by(self, keys: Iterable[Ed25519PublicKey]) -> bool:
        """Whether one of these keys has signed it."""
        return any(self._verifies(key) for key in keys)

    def _verifies(self, key: Ed25519PublicKey) -> bool:
        try:
            key.verify(base64.b64decode(self.signature, validate=True), self.signed_bytes())
        except (InvalidSignature, ValueError):
            return False
        return True


class Checkpoint(Statement, kw_only=True):
    """The chain at one moment: it ended with the entry `seq`, in a commit of this digest."""

    what: ClassVar[str] = "checkpoint"
    epoch: int
    seq: int
    time: int
    """Of that commit: microseconds since 1970-01-01."""
    digest: str
    """SHA-256 of that commit's body, in hex; zeros before the first."""


class Trimmed(Statement, kw_only=True):
    """A file of the journal that was removed, and how the chain went through it."""

    what: ClassVar[str] = "trimmed"
    file: str
    first_seq: int
    last_seq: int
    prev_digest: str
    """Of the commit before its first, in hex."""
    last_digest: str
    """Of its last commit, in hex."""


S = TypeVar("S", bound=Statement)


def read_statement(path: Path, kind: type[S]) -> S:
    """One signed file, its signature not checked. Raises SignedError."""
    try:
        statement = msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise SignedError(f"{path}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise SignedError(f"{path}: not a {kind.what} file: {error}") from error
    if statement.format != FORMAT:
        raise SignedError(f"{path}: format {statement.format} is not known; known is {FORMAT}")
    return statement


def write_durably(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """A file that is there as a whole or not at all, also after a power failure."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def statement_bytes(statement: Statement) -> bytes:
    """As it stands in its file."""
    return msgspec.json.format(msgspec.json.encode(statement)) + b"\n"


def new_key(path: Path) -> Path:
    """Makes a key: the private half at `path`, the public one beside it, which is returned.

    Raises SignedError where either is there.
    """
    public = path.with_name(f"{path.name}.pub")
    for existing in (path, public):
        if existing.exists():
            raise SignedError(f"{existing} is there already: a key is never written over")
    key = Ed25519PrivateKey.generate()
    private_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public_pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    try:
        write_durably(path, private_pem, mode=0o600)
        write_durably(public, public_pem)
    except OSError as error:
        raise SignedError(f"{path}: {error.strerror}") from error
    return public


def private_key(path: Path) -> Ed25519PrivateKey:
    """The private half of a key. Raises SignedError."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise SignedError(f"{path}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise SignedError(f"{path}: not a private key in PEM: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SignedError(f"{path}: not an Ed25519 key; `creditgate audit keygen` makes one")
    return key


def public_keys(paths: Sequence[Path]) -> list[Ed25519PublicKey]:
    """The public halves of keys. Raises SignedError."""
    keys = []
    for path in paths:
        try:
            key = load_pem_public_key(path.read_bytes())
        except OSError as error:
            raise SignedError(f"{path}: {error.strerror}") from error
        except ValueError as error:
            raise SignedError(f"{path}: not a public key in PEM: {error}") from error
        if not isinstance(key, Ed25519PublicKey):
            raise SignedError(f"{path}: not an Ed25519 key; `creditgate audit keygen` makes one")
        keys.append(key)
    return keys
