"""Payment events: what is read, what is refused and why, and the entries that they become."""

import asyncio
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditgate.client import (
    Allocation,
    AsyncClient,
    EntryKind,
    EntryOutcome,
    EntryResult,
    InvalidRequestError,
    ItemError,
    LedgerEntry,
    logs,
)
from creditgate.loaders.errors import RowError
from creditgate.loaders.gateway.events import parse, told
from creditgate.loaders.gateway.forwarder import Forwarder
from creditgate.loaders.gateway.payments import Part, Payments, Unknown, parts_back
from creditgate.loaders.queue.database import Database
from creditgate.loaders.queue.inbox import FORGET_MAX, Inbox, Received
from creditgate.loaders.queue.letters import LetterBox
from creditgate.loaders.receiving import signature
from creditgate.loaders.receiving.secrets import Secrets, SecretsError
from creditgate.loaders.running.logs import LINES_PER_S_MAX, LOGGER
from creditgate.loaders.running.sources import Source
from creditgate.loaders.running.stopping import Stop
from tests.support.gateway import event

SOURCE = "gateway:shop"


def test_the_signature_is_what_others_make_of_it() -> None:
    # printf '1700000000.{}' | openssl dgst -sha256 -hmac 'a secret of the shop'
    expected = "4e7b5deb0502d0a3cf9655593efc0f19ca00de7f63ffb3bb78c6478397322703"
    assert signature.digest("a secret of the shop", 1_700_000_000, b"{}") == expected


@pytest.mark.parametrize(
    ("age_s", "is_taken"), [(300, True), (301, False), (-300, True), (-301, False)]
)
def test_the_window_holds_both_ways(age_s: int, is_taken: bool) -> None:
    value = signature.header("s", 1_000, b"x")
    with nullcontext() if is_taken else pytest.raises(RowError, match="must be within 300 s"):
        signature.verify(value, b"x", ["r", "s"], now_s=1_000 + age_s, window_s=300)


def body(change: Any) -> bytes:
    content = event("e1", "succeeded", "p1", 100, invoices=[])
    change(content, content["data"])
    return json.dumps(content).encode()


REFUSALS: dict[str, tuple[Any, str, str]] = {
    "no id": (lambda e, _d: e.pop("id"), "id", "must be given"),
    "no payment": (lambda _e, d: d.pop("payment_id"), "data.payment_id", "must be given"),
    "data": (lambda e, _d: e.update(data=[]), "data", "expected `object`"),
    "type": (lambda e, _d: e.update(type=7), "type", "expected `str`"),
    "long id": (lambda e, _d: e.update(id="x" * 61), "id", "at most 60 bytes"),
    "empty": (lambda _e, d: d.update(account_id=""), "data.account_id", "must not be empty"),
    "control": (lambda _e, d: d.update(payment_id="a\n"), "data.payment_id", "control"),
    "float": (lambda _e, d: d.update(amount_minor=1.5), "data.amount_minor", "expected `int`"),
    "zero": (lambda _e, d: d.update(amount_minor=0), "data.amount_minor", "from 1 to"),
    "huge": (lambda _e, d: d.update(amount_minor=10**30), "data.amount_minor", "from 1 to"),
    "currency": (lambda _e, d: d.update(currency="usd"), "data.currency", "ISO 4217"),
    "created": (lambda e, _d: e.update(created=-1), "created", "a time in seconds"),
    "invoice": (
        lambda _e, d: d.update(invoices=[{"invoice_id": "I", "amount_minor": "1"}]),
        "data.invoices[0].amount_minor",
        "expected `int`",
    ),
    "too much": (
        lambda _e, d: d.update(invoices=[{"invoice_id": "I", "amount_minor": 51}] * 2),
        "data.invoices[1].amount_minor",
        "in sum at most",
    ),
    "too many": (
        lambda _e, d: d.update(invoices=[{"invoice_id": "I", "amount_minor": 1}] * 101),
        "data.invoices",
        "at most 100",
    ),
    "of a refund": (
        lambda e, d: (
            e.update(type="payment.refunded"),
            d.update(invoices=[{"invoice_id": "I", "amount_minor": 1}]),
        ),
        "data.invoices",
        "must be empty in payment.refunded",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_names_the_field_and_the_rule(name: str) -> None:
    change, field, rule = REFUSALS[name]
    with pytest.raises(RowError) as refused:
        parse(body(change))
    assert refused.value.field == field
    assert rule in refused.value.message
    assert refused.value.message.startswith(field)


def test_a_body_that_is_not_utf_8_is_refused_and_told_of() -> None:
    content = json.dumps(event("e1", "succeeded", "p\xe9", 1), ensure_ascii=False).encode("latin-1")
    with pytest.raises(RowError, match="body '': must be JSON"):
        parse(content)
    assert told(content).event_id.startswith("sha256:")


@given(
    st.binary(max_size=64)
    | st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["id", "type", "data", "created", "amount_minor", "currency"]),
                inner,
            )
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode())
)
def test_whatever_comes_is_read_or_refused_and_can_be_told_of(content: bytes) -> None:
    with suppress(RowError):
        parse(content)
    assert told(content).event_id


def test_what_is_known_of_a_broken_event_is_told() -> None:
    known = told(body(lambda e, _d: e.pop("created")))
    assert (known.event_id, known.account_id, known.amount_minor, known.currency) == (
        "e1", "A", 100, "USD",
    )  # fmt: skip
    assert told(body(lambda _e, d: d.update(currency="dollar"))).amount_minor is None
    assert told(b"\xff").event_id == told(b"\xff").event_id != told(b"\xfe").event_id


AMOUNTS = st.integers(1, 50)


@given(st.lists(AMOUNTS, max_size=4), st.lists(AMOUNTS, min_size=1, max_size=5))
def test_parts_taken_back_add_up_to_the_payment_and_then_to_none(
    settled: list[int], taken: list[int]
) -> None:
    parts = [Part(f"I{place}", amount) for place, amount in enumerate(settled)]
    back = 0
    raised: dict[str, int] = {}
    for amount in taken:
        some = parts_back(parts, back, amount)
        assert sum(part.amount_minor for part in some) == amount
        for part in some:
            raised[part.invoice_id] = raised.get(part.invoice_id, 0) + part.amount_minor
        back += amount
    left = sum(taken)
    for part in parts:
        assert raised.pop(part.invoice_id, 0) == min(left, part.amount_minor)
        left -= min(left, part.amount_minor)
    assert raised.get("", 0) == left


@pytest.fixture
def payments(tmp_path: Path) -> Iterator[Payments]:
    with Payments(tmp_path) as payments:
        yield payments


def entries(
    payments: Payments, *arguments: Any, waits: bool = True, **fields: Any
) -> list[LedgerEntry] | Unknown:
    found = parse(json.dumps(event(*arguments, **fields)).encode())
    assert found is not None
    with payments.planning(SOURCE) as planner:
        return planner.entries(found, waits=waits)


def raised(found: list[LedgerEntry] | Unknown) -> list[tuple[str, str, int]]:
    assert not isinstance(found, Unknown)
    assert all(entry.kind is EntryKind.ADJUSTMENT for entry in found)
    return [(entry.entry_id, entry.invoice_id, entry.amount_minor) for entry in found]


INVOICES = [{"invoice_id": "I1", "amount_minor": 60}, {"invoice_id": "I2", "amount_minor": 30}]


def test_refunds_raise_the_invoices_that_the_payment_settled(payments: Payments) -> None:
    (payment,) = entries(payments, "e1", "succeeded", "p1", 100, invoices=INVOICES)
    assert payment == LedgerEntry(
        entry_id="p1",
        account_id="A",
        kind=EntryKind.PAYMENT,
        amount_minor=100,
        currency="USD",
        allocations=[Allocation("I1", 60), Allocation("I2", 30)],
    )
    first = ("e2", "refunded", "p1", 25)
    expected = [("e2", "", 10), ("e2:2", "I2", 15)]
    assert raised(entries(payments, *first)) == expected
    again = [("r1", "I2", 15), ("r1:2", "I1", 5)]
    assert raised(entries(payments, "e3", "refunded", "p1", 20, refund_id="r1")) == again
    # What was planned once is sent so, however often and whatever came since.
    assert raised(entries(payments, *first)) == expected
    assert raised(entries(payments, "e4", "refunded", "p1", 20, refund_id="r1")) == again
    with pytest.raises(RowError, match=r"'r1' was told with before, 20"):
        entries(payments, "e5", "refunded", "p1", 21, refund_id="r1")
    # A chargeback of all of it: the money is gone, more of it than was paid.
    assert raised(entries(payments, "e6", "reversed", "p1", 100)) == [
        ("e6", "I1", 55),
        ("e6:2", "", 45),
    ]


def test_a_payment_that_is_not_known_is_waited_for_and_not_for_ever(payments: Payments) -> None:
    assert entries(payments, "e1", "refunded", "p1", 10) == Unknown("p1")
    assert entries(payments, "e2", "failed", "p1", 10) == Unknown("p1")
    assert raised(entries(payments, "e1", "refunded", "p1", 10, waits=False)) == [("e1", "", 10)]
    assert entries(payments, "e2", "failed", "p1", 10, waits=False) == []


def test_a_failure_from_before_the_payment_takes_nothing_back(payments: Payments) -> None:
    entries(payments, "e1", "succeeded", "p1", 10, created=100)
    assert entries(payments, "e2", "failed", "p1", 10, created=99) == []
    assert raised(entries(payments, "e3", "failed", "p1", 10, created=100)) == [("e3", "", 10)]


def test_a_refund_is_of_the_account_that_paid(payments: Payments) -> None:
    entries(payments, "e1", "succeeded", "p1", 10)
    with pytest.raises(RowError, match=r"data\.account_id 'B': must be the payment's, 'A'"):
        entries(payments, "e2", "refunded", "p1", 10, account_id="B")


def test_payments_are_forgotten_by_age_and_count(tmp_path: Path) -> None:
    now = [1_000.0]
    with Payments(Database(tmp_path), clock=lambda: now[0], keep_s=50, keep_max=2) as payments:
        for payment in ("p1", "p2", "p3"):
            entries(payments, f"e-{payment}", "succeeded", payment, 10)
        payments.forget()
        assert entries(payments, "e1", "refunded", "p1", 1) == Unknown("p1")
        assert raised(entries(payments, "e2", "refunded", "p2", 1))
        now[0] += 51
        payments.forget()
        assert entries(payments, "e3", "refunded", "p3", 1) == Unknown("p3")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("nonsense", "not TOML"),
        ("", "must have sections"),
        ("other = 1\n[gateways.a]\nsecrets = ['0123456789abcdef']", "nothing else"),
        ("[gateways.A]\nsecrets = ['0123456789abcdef']", "gateways.A: must be 1 to 32"),
        ("[gateways.a]\nsecret = ['0123456789abcdef']", "gateways.a: must have secrets"),
        ("[gateways.a]\nsecrets = []", "gateways.a.secrets: must be 1 to 8 texts"),
        ("[gateways.a]\nsecrets = ['hush-hush']", "at least 16 characters"),
    ],
)
def test_a_file_of_secrets_that_is_wrong_is_refused_and_none_is_told(
    tmp_path: Path, text: str, rule: str
) -> None:
    path = tmp_path / "secrets.toml"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SecretsError) as refused:
        Secrets(path, "gateways")
    assert rule in str(refused.value)
    assert "hush" not in str(refused.value)


def test_secrets_are_not_for_all_to_read_and_are_read_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up(LOGGER, "info", "json")
    path = tmp_path / "secrets.toml"
    path.write_text("[gateways.a]\nsecrets = ['0123456789abcdef']\n")
    path.chmod(0o644)
    with pytest.raises(SecretsError, match="must not be open to all"):
        Secrets(path, "gateways")
    path.chmod(0o640)
    secrets = Secrets(path, "gateways")
    assert (secrets.of("a"), secrets.of("b")) == (("0123456789abcdef",), ())
    path.write_text("[gateways.a]\nsecrets = ['another one, longer']\n[gateways.b]\nsecrets = []")
    os.utime(path, (time.time() + 5, time.time() + 5))
    assert secrets.of("a") == ("0123456789abcdef",)
    path.write_text("[gateways.a]\nsecrets = ['another one, longer']\n")
    assert secrets.of("a") == ("another one, longer",)
    path.chmod(0o644)
    path.write_text("[gateways.a]\nsecrets = ['the third one, longer']\n")
    assert secrets.of("a") == ("another one, longer",)
    path.chmod(0o640)
    assert secrets.of("a") == ("the third one, longer",)
    path.unlink()
    capsys.readouterr()
    for _ in range(100):
        assert secrets.of("a") == ("the third one, longer",)
    # Two seconds of lines at most, had one begun in between.
    assert 0 < capsys.readouterr().err.count("cannot be read again") <= 2 * LINES_PER_S_MAX


class Service(AsyncClient):
    """Stands in for one of which these tests say what it refuses: a call with an entry `poison` as
    a whole, as no server of today does, and accounts that it does not know."""

    async def post_entries(  # type: ignore[override]
        self, source: str, entries: Sequence[LedgerEntry]
    ) -> tuple[EntryResult, ...]:
        """Posts all others."""
        assert source == SOURCE
        if any(entry.entry_id == "poison" for entry in entries):
            raise InvalidRequestError("bad", code=grpc.StatusCode.INVALID_ARGUMENT)
        unknown = ItemError("NOT_FOUND", "ACCOUNT_NOT_FOUND", "account_id", "not found")
        posted = EntryResult(outcome=EntryOutcome.POSTED, error=None, journal_seq=1)
        refused = EntryResult(outcome=None, error=unknown, journal_seq=0)
        return tuple(refused if one.account_id == "unknown" else posted for one in entries)


def forwarded(database: Database, *events: dict[str, Any], open_max: int = 10) -> Source:
    """Receives these and forwards what can be."""

    async def run() -> None:
        async with Service("127.0.0.1:1") as client:
            await Forwarder(
                *(source, client, stop),
                inbox=inbox,
                letters=LetterBox(database, open_max=open_max),
                payments=Payments(database),
                wait_payment_s=60,
            ).run()

    source, stop, inbox = Source(SOURCE), Stop(), Inbox(database)
    stop.set()  # so that it ends when the inbox is empty
    for one in events:
        inbox.put(SOURCE, one["id"], "A", json.dumps(one).encode())
    asyncio.run(run())
    return source


def test_an_event_that_no_call_may_hold_blocks_nobody(tmp_path: Path) -> None:
    told = [
        event(f"e{number}", "succeeded", payment, 10)
        for number, payment in enumerate(("p1", "poison", "p3"), start=1)
    ]
    with Database(tmp_path) as database:
        source = forwarded(database, *told)
        (letter,) = LetterBox(database).list()
        assert (letter.event_id, letter.reason) == ("e2", "INVALID_ARGUMENT")
        assert source.events == {"posted": 2, "refused": 1}
        assert Inbox(database).held(SOURCE).events == 0


def test_events_for_which_no_letter_has_room_wait_and_block_nobody(tmp_path: Path) -> None:
    wrong = [
        event("e1", "succeeded", "p1", 10, account_id=""),
        event("e2", "succeeded", "p2", 10, account_id="unknown"),
    ]
    with Database(tmp_path) as database:
        source = forwarded(database, *wrong, event("e3", "succeeded", "p3", 10), open_max=0)
        assert source.events == {"posted": 1}
        held = Inbox(database).held(SOURCE)
        assert (held.events, held.waiting_since) == (2, None)
        assert held.due_at is not None


@pytest.mark.parametrize("together", [True, False])
def test_a_refund_is_of_the_payment_that_was_posted(tmp_path: Path, together: bool) -> None:
    wrong = event("e1", "succeeded", "p1", 10, account_id="unknown")
    mended, refund = event("e2", "succeeded", "p1", 10), event("e3", "refunded", "p1", 10)
    with Database(tmp_path) as database:
        if together:
            forwarded(database, wrong, mended)
        else:
            forwarded(database, wrong)
            forwarded(database, mended)
        assert forwarded(database, refund).events == {"posted": 1}


def test_what_is_too_old_is_forgotten_as_fast_as_it_comes(tmp_path: Path) -> None:
    with Database(tmp_path) as database, Inbox(database, keep_max=0) as inbox:
        names = [str(number) for number in range(2 * FORGET_MAX + 1)]
        inbox.put_all([Received(SOURCE, name, "A", b"x") for name in names])
        inbox.done(SOURCE, names)

        async def tidied() -> None:
            async with Service("127.0.0.1:1") as client:
                forwarder = Forwarder(
                    *(Source(SOURCE), client, Stop()),
                    inbox=inbox,
                    letters=LetterBox(database),
                    payments=Payments(database),
                    wait_payment_s=60,
                )
                for _ in range(3):
                    await forwarder._tidy()

        asyncio.run(tidied())
        assert inbox.forget(SOURCE) == 0
