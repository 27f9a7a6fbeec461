"""Signed checkpoints of the journal's chain, written as files to be kept elsewhere.

docs/audit.md describes the file and the text that is signed. Whoever verifies shares no code with
this.
"""

import asyncio
import base64
import logging
import os
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final, Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from creditgate.server.logs import log

FORMAT: Final = 1


class HasChainEnd(Protocol):
    """What is asked of the core."""

    def chain_end(self) -> tuple[int, int, int, bytes]:
        """Epoch, sequence, microseconds since 1970 and digest of the last durable commit."""


class KeyFileError(Exception):
    """The key, or the folder, cannot be used; the message names the option and says why."""


class Signer:
    """Signs where the chain stands."""

    def __init__(self, path: Path) -> None:
        """Raises KeyFileError."""
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise KeyFileError(f"checkpoint_key = {path}: {error.strerror}") from None
        except (ValueError, TypeError) as error:
            raise KeyFileError(f"checkpoint_key = {path}: not a private key: {error}") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFileError(
                f"checkpoint_key = {path}: must be an Ed25519 key, as `creditgate audit keygen` "
                "makes one"
            )
        self._key = key

    def sign(self, epoch: int, seq: int, time_us: int, digest: bytes) -> bytes:
        """The signature of one moment of the chain."""
        text = (
            f"creditgate checkpoint {FORMAT}\nepoch {epoch}\nseq {seq}\ntime {time_us}\n"
            f"digest {digest.hex()}\n"
        )
        return self._key.sign(text.encode())


class CheckpointFiles:
    """Writes a checkpoint now and then, and when the server stops, once there is anything new."""

    def __init__(self, folder: Path, signer: Signer, every_s: int) -> None:
        """Raises KeyFileError."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise KeyFileError(f"checkpoint_folder = {folder}: {error.strerror}") from None
        self._folder = folder
        self._signer = signer
        self._every_s = every_s
        self._written_seq = 0
        self._one = Lock()
        self.failing = False
        """Whether the last attempt failed."""

    async def run(self, core: HasChainEnd) -> None:
        """Writes until it is cancelled; what cannot be written is logged and tried again."""
        while True:
            await asyncio.to_thread(self.write, core)
            await asyncio.sleep(self._every_s)

    def write(self, core: HasChainEnd) -> None:
        """Writes where the chain stands, unless that is written."""
        # A server that stops does not wait for a file that is just being written.
        with self._one:
            self._write(core)

    def _write(self, core: HasChainEnd) -> None:
        epoch, seq, time_us, digest = core.chain_end()
        if seq == self._written_seq:
            return
        signature = self._signer.sign(epoch, seq, time_us, digest)
        content = {
            "format": FORMAT,
            "epoch": epoch,
            "seq": seq,
            "time": time_us,
            "digest": digest.hex(),
            "signature": base64.b64encode(signature).decode(),
        }
        path = self._folder / f"checkpoint-{seq:020}.json"
        try:
            _write_durably(path, msgspec.json.format(msgspec.json.encode(content)) + b"\n")
        except OSError as error:
            self.failing = True
            log(logging.ERROR, "checkpoint not written", path=str(path), error=str(error))
            return
        self.failing = False
        self._written_seq = seq
        log(logging.INFO, "checkpoint written", path=str(path))


def _write_durably(path: Path, content: bytes) -> None:
    """The file is there as a whole or not at all, also after a power failure."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


async def stop(task: asyncio.Task[None]) -> None:
    """Ends the schedule."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
