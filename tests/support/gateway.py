"""`creditgate sync gateway` as a process of its own, and a gateway that delivers to it."""

import json
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple, Self

from creditgate.loaders.receiving import signature
from tests.support.server import COMMAND, START_TIMEOUT_S, STOP_TIMEOUT_S

SECRET = "a secret of the shop"
SECRETS = f'[gateways.shop]\nsecrets = ["{SECRET}"]\n'
TIMEOUT_S = 60


class Answer(NamedTuple):
    """What a delivery was answered."""

    status: int
    content: dict[str, Any]
    retry_after: str | None


class GatewayProcess:
    """One receiver after another on the state in `folder`, each on free ports."""

    command = "gateway"
    path = "events"
    secrets_text = SECRETS
    source = "gateway:shop"

    def __init__(self, folder: Path, server: str, **options: object) -> None:
        self.state = folder / "state"
        self.secrets = folder / "secrets.toml"
        self.listening: dict[str, Any] = {}
        self.stderr_path = folder / f"{self.command}.stderr"
        self._folder = folder
        self._options = {
            "address": server,
            "listen": "127.0.0.1:0",
            "health-port": 0,
            "state": self.state,
            "secrets": self.secrets,
            **options,
        }
        self._process: subprocess.Popen[str] | None = None
        self.secrets.write_text(self.secrets_text)
        self.secrets.chmod(0o600)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> Self:
        """Starts a process and waits until it listens."""
        assert self._process is None, "stop it first"
        flags = [f"--{name}={value}" for name, value in self._options.items()]
        with self.stderr_path.open("a") as stderr:
            self._process = subprocess.Popen(
                [COMMAND, "sync", self.command, *flags],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True,
                cwd=self._folder,
                env={k: v for k, v in os.environ.items() if not k.startswith("CREDITGATE_")},
            )  # fmt: skip
        assert self._process.stdout is not None
        give_up = threading.Timer(START_TIMEOUT_S, self._process.kill)
        give_up.start()
        line = self._process.stdout.readline()
        give_up.cancel()
        assert line, self.stderr_path.read_text()
        self.listening = json.loads(line)
        return self

    def kill(self) -> None:
        """SIGKILL. Harmless when ended."""
        if self._process is not None:
            self._process.kill()
            self._ended()

    def terminate(self) -> int:
        """SIGTERM: what was received is posted, if the server is there. Returns the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._ended()

    def _ended(self) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            return self._process.wait(STOP_TIMEOUT_S)
        finally:
            self._process.stdout.close()
            self._process = None

    def send(
        self, body: bytes, header: str | None, *, gateway: str = "shop", method: str = "POST"
    ) -> Answer:
        """One delivery, as it is given."""
        request = urllib.request.Request(
            f"http://{self.listening['address']}/{self.path}/{gateway}",
            data=body,
            headers={} if header is None else {signature.HEADER: header},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return Answer(answer.status, json.load(answer), None)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, json.load(error), error.headers["Retry-After"])

    def deliver(self, content: object, secret: str = SECRET, gateway: str = "shop") -> Answer:
        """One delivery, signed now."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.send(body, signature.header(secret, int(time.time()), body), gateway=gateway)

    def health(self) -> tuple[int, dict[str, Any]]:
        """What the health page says of the source."""
        url = f"http://{self.listening['health']}/healthz"
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
                status, told = answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                status, told = error.code, json.load(error)
        return status, told["sources"][self.source]


def event(
    event_id: str, kind: str, payment_id: str, amount_minor: int, **fields: Any
) -> dict[str, Any]:
    """A payment event, in USD of account A."""
    created = fields.pop("created", 1_700_000_000)
    data = {"payment_id": payment_id, "account_id": "A", "amount_minor": amount_minor}
    return {
        "id": event_id,
        "type": f"payment.{kind}",
        "created": created,
        "data": {**data, "currency": "USD", **fields},
    }
