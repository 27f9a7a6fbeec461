"""A person's data is erased beside the chain, which stays whole and says who had it done."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from creditgate.audit.books import Auditor
from creditgate.client import (
    Client,
    ClientOptions,
    ConflictError,
    ErasureResult,
    InvalidRequestError,
    NotFoundError,
)
from creditgate.core import store_copy
from tests.integration.test_cli_orders import Shell
from tests.integration.test_policy import put_in_force
from tests.support.api import TIMEOUT_S
from tests.support.journals import edit
from tests.support.server import COMMAND, ServerProcess

SAID = ("", " called", " does not pay", " is in dispute")


def fill(server: ServerProcess, client: Client) -> None:
    """Texts of two accounts, some by reservations that are named by their own id."""
    for account_id, name in (("a", "Ann"), ("b", "Bob")):
        server.api.open_account(account_id, 1_000, display_name=name)
        reservation = client.check_and_reserve(account_id, "o", 100, "USD").reservation_id
        client.capture("i", reservation_id=reservation, amount_minor=10, reason=f"{name} called")
        client.suspend_account(account_id, f"{name} does not pay")
        client.place_hold(account_id, "h", f"{name} is in dispute")


def texts(store: Path) -> list[str]:
    return sorted(Auditor(store).advance().texts.values())


def verified(store: Path) -> tuple[int, list[str]]:
    done = subprocess.run(
        [COMMAND, "audit", "verify", store],
        capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
    )  # fmt: skip
    return done.returncode, [" ".join(line.split()) for line in done.stdout.splitlines()]


def test_what_is_erased_is_gone_everywhere_and_nothing_else(
    server: ServerProcess, client: Client
) -> None:
    fill(server, client)
    before = client.get_position("a")
    found = client.erase_texts("a", "letter of 3 May", channel="desk", request_id="e")
    assert (found.entries_erased, found.replayed) == (4, False)
    again = client.erase_texts("a", "letter of 3 May", channel="desk", request_id="e")
    assert again == type(found)(entries_erased=4, journal_seq=found.journal_seq, replayed=True)
    for account in (client.get_account("a"), *client.list_accounts(account_id_prefix="a")):
        assert (account.display_name, account.status_reason) == ("", "")
        assert account.status == "SUSPENDED"
        assert [hold.reason for hold in account.holds] == [""]
    assert client.get_account("b").display_name == "Bob"
    after = client.get_position("a")
    assert (after.outstanding_minor, after.captured_minor, after.reserved_minor) == (
        before.outstanding_minor, before.captured_minor, before.reserved_minor,
    )  # fmt: skip

    changes = list(client.list_changes(account_id="a"))
    erasure = changes[-1]
    assert (erasure.command, erasure.reason, erasure.channel) == (
        "erase_texts", "letter of 3 May", "desk",
    )  # fmt: skip
    assert [change.command for change in changes if change.reason_erased] == [
        "capture", "set_status", "place_hold",
    ]  # fmt: skip
    assert "Ann" not in str(changes)

    assert server.terminate() == 0
    assert texts(server.store) == sorted(
        ["Bob", "Bob called", "Bob does not pay", "Bob is in dispute", "letter of 3 May"]
    )
    code, printed = verified(server.store)
    assert (code, printed[-1]) == (0, "whole")
    assert {"texts 5", "texts erased 4"} <= set(printed)
    server.start()
    with Client(server.address) as reader:
        assert reader.get_account("a").display_name == ""
        kept = reader.get_account("b")
        assert kept.status_reason == "Bob does not pay"
        assert [hold.reason for hold in kept.holds] == ["Bob is in dispute"]


def delegate(server: ServerProcess, to: str, reason: str) -> int:
    """Lets somebody sign for fay, under a policy that lets her; returns the entry."""
    with Client(server.address, ClientOptions(actor="fay")) as fay:
        until = datetime.now(UTC) + timedelta(days=1)
        return fay.delegate(to, reason, expire_time=until, role="finance").journal_seq


def test_texts_of_entries_about_no_account_are_erased_by_entry(
    server: ServerProcess, client: Client
) -> None:
    fill(server, client)
    before = [f"{name}{said}" for name in ("Ann", "Bob") for said in SAID]
    version = put_in_force(server, "approvals.bands = [{ roles = 'finance' }]")
    seqs = [delegate(server, to, f"Fay is ill, {to} signs") for to in ("ann", "bob")]
    silent = client.revalue_reservations().journal_seq
    found = client.erase_texts(
        reason="letter of 3 May", journal_seqs=[silent, seqs[1], seqs[0]], request_id="e"
    )
    assert (found.entries_erased, found.replayed) == (2, False)
    again = client.erase_texts(
        reason="letter of 3 May", journal_seqs=[*seqs, silent, silent], request_id="e"
    )
    assert (again.entries_erased, again.journal_seq, again.replayed) == (2, found.journal_seq, True)
    with pytest.raises(ConflictError) as reused:
        client.erase_texts(reason="letter of 3 May", journal_seqs=seqs, request_id="e")
    assert reused.value.reason == "REQUEST_ID_REUSED"

    changes = list(client.list_changes(after_seq=seqs[0] - 3))
    assert [(c.command, c.reason, c.reason_erased, c.account_id) for c in changes] == [
        ("put_policy", "as agreed", False, ""),
        ("activate_policy", "looked at it", False, ""),
        ("delegate", "", True, ""),
        ("delegate", "", True, ""),
        ("revalue", "", False, ""),
        ("erase_texts", "letter of 3 May", False, ""),
    ]
    named = [f"--entry={changes[place].journal_seq}" for place in (0, 1, -1)]
    told = Shell(server)("audit", "erase-entries", "a second letter", *named)
    assert told == "texts of 3 entries erased\n"

    assert server.terminate() == 0
    assert texts(server.store) == sorted([*before, "a second letter"])
    code, printed = verified(server.store)
    assert (code, printed[-1]) == (0, "whole")
    assert {"texts 9", "texts erased 5"} <= set(printed)
    server.start()
    with Client(server.address) as reader:
        assert len(list(reader.list_delegations())) == 2
        assert reader.get_policy().version == version


def test_a_later_erasure_takes_what_came_since(server: ServerProcess, client: Client) -> None:
    fill(server, client)
    client.erase_texts("a", "the first")
    server.api.open_account("a", display_name="Ann again")
    assert client.erase_texts("a", "the second").entries_erased == 2
    server.kill()
    assert texts(server.store) == sorted(
        ["Bob", "Bob called", "Bob does not pay", "Bob is in dispute", "the second"]
    )


def test_a_text_that_nobody_erased_is_missed(server: ServerProcess, client: Client) -> None:
    fill(server, client)
    client.erase_texts("a", "letter of 3 May")
    server.kill()

    def drop(write: Any, db: Any) -> None:
        with write.cursor(db) as cursor:
            cursor.first()
            cursor.delete()

    edit(server.store, b"texts", drop)
    code, printed = verified(server.store)
    assert (code, printed[-1]) == (1, "damaged")
    (said,) = [line for line in printed if line.startswith("wrong: ")]
    assert said.startswith("wrong: missing: entry 6: a text of it is gone, and no erasure")


def test_an_erasure_that_is_wrong_erases_nothing(server: ServerProcess, client: Client) -> None:
    fill(server, client)
    with pytest.raises(NotFoundError) as unknown:
        client.erase_texts("nobody", "letter of 3 May")
    assert unknown.value.reason == "ACCOUNT_NOT_FOUND"
    with pytest.raises(InvalidRequestError, match="reason is"):
        client.erase_texts("a", "")
    assert client.get_account("a").display_name == "Ann"


def test_entries_that_cannot_be_erased_are_named_and_nothing_is(
    server: ServerProcess, client: Client
) -> None:
    fill(server, client)
    put_in_force(server, "approvals.bands = [{ roles = 'finance' }]")
    seq = delegate(server, "ann", "Fay is ill")

    def refused(message: str, **asked: Any) -> None:
        with pytest.raises(InvalidRequestError, match=message):
            client.erase_texts(reason="letter of 3 May", **asked)

    refused("account_id is .*given where journal_seqs is not")
    refused("journal_seqs is .*empty where account_id is given", account_id="a", journal_seqs=[seq])
    refused("journal_seqs is .*1000", journal_seqs=range(1, 1_002))
    refused('journal_seqs is 1: .*about no account: give account_id "a"', journal_seqs=[seq, 1])
    for unknown in (0, seq + 1, 2**64 - 1):
        with pytest.raises(NotFoundError, match=f"journal_seqs {unknown} ") as found:
            client.erase_texts(reason="letter of 3 May", journal_seqs=[seq, unknown])
        assert found.value.reason == "ENTRY_NOT_FOUND"
    assert [change.reason for change in client.list_changes(after_seq=seq - 1)] == ["Fay is ill"]


def test_a_backup_beside_an_erasure_has_neither_its_texts_nor_a_gap(
    server: ServerProcess, client: Client, tmp_path: Path
) -> None:
    fill(server, client)
    erased: list[ErasureResult] = []

    def tell(step: str, _done: int, _total: int) -> None:
        # Its commits are copied then, and its texts are not.
        if step == "texts" and not erased:
            erased.append(client.erase_texts("a", "the first"))

    store_copy(str(server.store), str(tmp_path / "backup"), tell)
    assert [erasure.entries_erased for erasure in erased] == [4]
    assert texts(tmp_path / "backup") == sorted(
        ["Bob", "Bob called", "Bob does not pay", "Bob is in dispute", "the first"]
    )
    code, printed = verified(tmp_path / "backup")
    assert (code, printed[-1]) == (0, "whole"), printed
