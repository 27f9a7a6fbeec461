"""Payments of a gateway over real HTTP into a real server: each counts once, whatever happens."""

import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from creditgate.client import Client, EntryKind, LedgerEntry
from creditgate.client.cli import main
from creditgate.loaders.queue.database import StateError
from creditgate.loaders.queue.inbox import Inbox
from creditgate.loaders.queue.letters import LetterBox, Status
from creditgate.loaders.receiving import signature
from creditgate.loaders.receiving.secrets import Secrets
from creditgate.loaders.running.alone import alone
from tests.support.gateway import SECRET, GatewayProcess, event
from tests.support.server import ServerProcess

SOURCE = "gateway:shop"
OWED = 1_000_000

Start = Callable[..., GatewayProcess]


@pytest.fixture
def start(server: ServerProcess, tmp_path: Path) -> Iterator[Start]:
    """Starts a receiver for a server on which account A owes something."""
    owe(server)
    started: list[GatewayProcess] = []

    def begin(**options: object) -> GatewayProcess:
        started.append(GatewayProcess(tmp_path, server.address, **options))
        return started[-1].start()

    yield begin
    for process in started:
        process.kill()


@pytest.fixture
def shop(start: Start) -> GatewayProcess:
    return start()


def owe(server: ServerProcess) -> None:
    server.api.open_account("A", 10 * OWED)
    owed = LedgerEntry(
        entry_id="1", account_id="A", kind=EntryKind.OPENING_BALANCE, amount_minor=OWED,
        currency="USD",
    )  # fmt: skip
    with Client(server.address) as client:
        client.post_entries("ledger", [owed])


def paid(server: ServerProcess) -> int:
    """How much less A owes."""
    with Client(server.address) as client:
        return OWED - client.get_position("A").outstanding_minor


def wait_until_paid(server: ServerProcess, amount_minor: int) -> None:
    with Client(server.address) as client:
        for position in client.watch_positions(["A"], timeout_s=60):
            if OWED - position.outstanding_minor == amount_minor:
                return


def ended(shop: GatewayProcess) -> None:
    """What was received is posted."""
    assert shop.terminate() == 0, shop.stderr_path.read_text()


def test_what_is_not_from_the_gateway_is_refused_and_counts_nothing(
    shop: GatewayProcess, server: ServerProcess
) -> None:
    body = json.dumps(event("e1", "succeeded", "p1", 100)).encode()
    now = int(time.time())
    good = signature.header(SECRET, now, body)
    refused: list[tuple[str | None, str]] = [
        (None, "SIGNATURE_MISSING"),
        ("", "SIGNATURE_MALFORMED"),
        (f"t={now}", "SIGNATURE_MALFORMED"),
        (f"t={now},{good}", "SIGNATURE_MALFORMED"),
        (good + ",v1=00" * 8, "SIGNATURE_MALFORMED"),
        (good.replace("v1=", "v0="), "SIGNATURE_MALFORMED"),
        (signature.header("another secret", now, body), "SIGNATURE_WRONG"),
        (signature.header(SECRET, now, body + b" "), "SIGNATURE_WRONG"),
        (good.replace(f"t={now}", f"t={now + 1}"), "SIGNATURE_WRONG"),
        (f"t={now},v1=\u00e9", "SIGNATURE_WRONG"),
        (signature.header(SECRET, now - 400, body), "SIGNATURE_STALE"),
        (signature.header(SECRET, now + 400, body), "SIGNATURE_STALE"),
    ]
    for header, reason in refused:
        answer = shop.send(body, header)
        error = answer.content["error"]
        assert (answer.status, error["reason"], error["field"]) == (401, reason, signature.HEADER)
        assert header is None or not header.isascii() or error["value"] == header[:200]
        assert SECRET not in error["message"]
    assert shop.send(body, good, gateway="stall").content["error"]["reason"] == "GATEWAY_UNKNOWN"
    assert shop.send(body, good, gateway="stall").status == 404
    assert shop.send(body, good, gateway="shop/more").content["error"]["field"] == "path"
    assert shop.send(body, good, method="PUT").status == 405
    large = shop.deliver(b" " * 65_537)
    assert (large.status, large.content["error"]["field"]) == (413, "body")
    with pytest.raises(StateError, match="another process"), alone(shop.state, "gateway"):
        pass
    ended(shop)
    assert paid(server) == 0
    with LetterBox(shop.state) as letters:
        assert letters.list() == []


def test_events_count_once_and_refunds_follow_their_payments(
    shop: GatewayProcess, server: ServerProcess
) -> None:
    payment = event("e1", "succeeded", "p1", 5_000, invoices=[])
    assert shop.deliver(payment) == (200, {"status": "accepted", "id": "e1"}, None)
    assert shop.deliver(payment).content == {"status": "repeated", "id": "e1"}
    # The gateway tells of it twice.
    assert shop.deliver(payment | {"id": "e2"}).content["status"] == "accepted"
    assert shop.deliver({"id": "e3", "type": "customer.created"}).content["status"] == "ignored"
    wait_until_paid(server, 5_000)
    # The ledger has told of it already.
    row = LedgerEntry(
        entry_id="p0", account_id="A", kind=EntryKind.PAYMENT, amount_minor=900, currency="USD",
        position=7,
    )  # fmt: skip
    with Client(server.address) as client:
        client.post_entries(SOURCE, [row])
    shop.deliver(event("e0", "succeeded", "p0", 900))
    # Before its payment, twice: by two events on one refund, and by another refund.
    refund = event("e4", "refunded", "p2", 700, refund_id="r1")
    for told in (refund, refund | {"id": "e5"}, event("e6", "reversed", "p2", 300)):
        assert shop.deliver(told).content["status"] == "accepted"
    # A first attempt that failed, an attempt that failed later on, and one that never counted.
    late = 1_700_000_001
    shop.deliver(event("e7", "failed", "p2", 9_000, created=late - 2))
    shop.deliver(event("e8", "failed", "p3", 400, created=late))
    shop.deliver(event("e9", "failed", "p4", 400))
    assert paid(server) == 5_900
    shop.deliver(event("e10", "succeeded", "p2", 9_000))
    shop.deliver(event("e11", "succeeded", "p3", 400))
    wait_until_paid(server, 5_900 + 9_000 - 700 - 300)
    status, figures = shop.health()
    assert (status, figures["breaker"], figures["errors"]) == (200, "CLOSED", 0)
    ended(shop)
    assert paid(server) == 13_900
    with Inbox(shop.state) as inbox, LetterBox(shop.state) as letters:
        assert inbox.held(SOURCE).events == 1
        assert letters.list() == []


def test_a_refund_whose_payment_never_comes_counts_all_the_same(
    start: Start, server: ServerProcess
) -> None:
    shop = start(**{"wait-payment-s": 0})
    shop.deliver(event("e1", "failed", "p1", 700))
    shop.deliver(event("e2", "refunded", "p1", 700))
    wait_until_paid(server, -700)
    ended(shop)
    with Inbox(shop.state) as inbox:
        assert inbox.held(SOURCE).events == 0


def deadletter(server: ServerProcess, shop: GatewayProcess, *arguments: str) -> tuple[int, str]:
    command, *rest = arguments
    options = ["--state", str(shop.state), "--address", server.address, "--actor", "ann"]
    done = CliRunner().invoke(main, ["deadletter", command, *options, *rest])
    return done.exit_code, done.output


def test_what_is_refused_waits_for_its_mending_and_blocks_nobody(
    shop: GatewayProcess, server: ServerProcess
) -> None:
    payment = event("e1", "succeeded", "p1", 5_000, account_id="B")
    refund = event("e2", "refunded", "p1", 2_000, account_id="B")
    good, wrong = event("e3", "succeeded", "p2", 100), event("e4", "refunded", "p2", 50)
    wrong["data"]["account_id"] = "B"
    for told in (payment, refund, good, wrong):
        assert shop.deliver(told).status == 200
    wait_until_paid(server, 100)
    ended(shop)
    with LetterBox(shop.state) as letters:
        first, second, third = letters.list()
        assert (first.event_id, first.kind, first.amount_minor) == ("e1", "payment.succeeded", 5000)
        assert (first.field, first.value, first.owner) == ("account_id", "B", "ledger")
        assert (first.reason, json.loads(first.payload)) == ("ACCOUNT_NOT_FOUND", payment)
        assert second.event_id == "e2"
        assert (third.event_id, third.field, third.value) == ("e4", "data.account_id", "B")
    code, said = deadletter(server, shop, "replay", SOURCE, "e1")
    assert (code, "OPEN gateway:shop e1: ACCOUNT_NOT_FOUND" in said) == (1, True)
    server.api.open_account("B", 0)
    shop.start()
    assert shop.deliver(payment).content["status"] == "repeated"
    code, said = deadletter(server, shop, "replay", "--all")
    refused, *replayed = sorted(said.splitlines())
    assert (code, replayed) == (1, [f"REPLAYED {SOURCE} e1", f"REPLAYED {SOURCE} e2"])
    assert refused.startswith(f"OPEN {SOURCE} e4: FIELD_INVALID: data.account_id 'B'")
    code, said = deadletter(server, shop, "replay", SOURCE, "e1")
    assert (code, "e1 is REPLAYED: only an open one is sent again" in said) == (3, True)
    ended(shop)
    with Client(server.address) as client:
        assert client.get_position("B").outstanding_minor == -3_000
    with LetterBox(shop.state) as letters:
        assert [found.by for found in letters.list(status=Status.REPLAYED)] == ["ann", "ann"]


def test_a_signed_event_that_is_malformed_is_kept_and_taken_off_the_gateways_hands(
    shop: GatewayProcess, server: ServerProcess
) -> None:
    broken = event("e1", "succeeded", "p1", 5_000)
    broken["data"]["amount_minor"] = "50.00"
    for answer in (shop.deliver(broken), shop.deliver(broken)):
        assert (answer.status, answer.content["status"]) == (202, "dead_letter")
        error = answer.content["error"]
        assert (error["field"], error["value"]) == ("data.amount_minor", '"50.00"')
    assert shop.deliver(b"{not json").content["error"]["field"] == "body"
    assert shop.health()[1]["events"] == {"refused": 3}
    ended(shop)
    assert paid(server) == 0
    with LetterBox(shop.state) as letters:
        known, unknown = letters.list()
    assert (known.event_id, known.attempts, known.owner) == ("e1", 2, "gateway")
    # Nobody knows how much was paid: what is at stake is what the account owes.
    assert (known.account_id, known.amount_minor, known.currency) == ("A", OWED, "USD")
    assert unknown.event_id.startswith("sha256:")
    assert unknown.payload == b"{not json"


def test_what_was_acknowledged_outlives_a_kill_and_a_server_that_is_away(
    start: Start, server: ServerProcess
) -> None:
    shop = start(**{"held-max": 30})
    server.kill()
    for number in range(30):
        assert shop.deliver(event(f"e{number}", "succeeded", f"p{number}", 10)).status == 200
    full = shop.deliver(event("e30", "succeeded", "p30", 10))
    assert (full.status, full.content["error"]["reason"]) == (503, "BUSY")
    assert full.retry_after is not None
    assert shop.deliver(event("e1", "succeeded", "p1", 10)).content["status"] == "repeated"
    while (told := shop.health())[1]["breaker"] == "CLOSED":
        pass
    assert (told[0], told[1]["state"]) == (503, "RETRYING")
    assert "UnavailableError" in told[1]["last_error"]
    shop.kill()
    shop.start()
    # Nobody starts the receiver again once the server is back.
    server.restart(listen=server.address)
    wait_until_paid(server, 300)
    ended(shop)
    assert paid(server) == 300


def test_a_receiver_that_is_killed_again_and_again_loses_and_doubles_nothing(
    shop: GatewayProcess, server: ServerProcess
) -> None:
    acknowledged: set[str] = set()

    def deliver(name: str) -> None:
        invoices = [{"invoice_id": f"{place}-{name}", "amount_minor": 2} for place in (1, 2)]
        payment = event(f"e{name}", "succeeded", f"p{name}", 4, invoices=invoices)
        try:
            for told in (event(f"r{name}", "refunded", f"p{name}", 3), payment):
                assert shop.deliver(told).status == 200
        except (OSError, http.client.HTTPException):
            return  # killed before it answered; the gateway delivers it again
        acknowledged.add(name)

    names = [str(number) for number in range(200)]
    for kills in range(1, 4):
        with ThreadPoolExecutor(8) as pool:
            delivered = [pool.submit(deliver, name) for name in names if name not in acknowledged]
            delivered[len(delivered) // 4].result()
            shop.kill()
            for one in delivered:
                one.result()
        shop.start()
        assert acknowledged, kills
    first = set(acknowledged)
    for name in names:
        if name not in first:
            deliver(name)
    ended(shop)
    assert acknowledged == set(names)
    assert paid(server) == len(names)


def test_the_delivery_that_the_page_shows_is_taken(
    shop: GatewayProcess, server: ServerProcess
) -> None:
    page = (Path(__file__).parents[2] / "docs/gateway.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    code = code.replace("127.0.0.1:8480", shop.listening["address"])
    code = code.replace("0123456789abcdef", SECRET)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "200 accepted\n"
    (shown,) = re.findall(r"```toml secrets.toml\n(.*?)```", page, re.DOTALL)
    shop.secrets.write_text(shown)
    assert Secrets(shop.secrets, "gateways").names == ("shop",)
    ended(shop)
    assert paid(server) == 12_500


def test_secrets_change_without_a_pause(shop: GatewayProcess, server: ServerProcess) -> None:
    old, new = SECRET, "the secret of next year"
    shop.secrets.write_text(f'[gateways.shop]\nsecrets = ["{new}", "{old}"]\n')
    for place, secret in enumerate((new, old)):
        assert shop.deliver(event(f"e{place}", "succeeded", f"p{place}", 1), secret).status == 200
    shop.secrets.write_text("not TOML at all")
    assert shop.deliver(event("e2", "succeeded", "p2", 1), old).status == 200
    shop.secrets.write_text(f'[gateways.shop]\nsecrets = ["{new}"]\n')
    assert shop.deliver(event("e3", "succeeded", "p3", 1), old).status == 401
    ended(shop)
    assert paid(server) == 3
