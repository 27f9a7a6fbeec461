"""A person's data is erased beside the chain, which stays whole and says who had it done."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from creditgate.audit.books import Auditor
from creditgate.client import Client, ErasureResult, InvalidRequestError, NotFoundError
from creditgate.core import store_copy
from tests.support.api import TIMEOUT_S
from tests.support.journals import edit
from tests.support.server import COMMAND, ServerProcess


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
