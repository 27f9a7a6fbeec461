"""How far the ledger's sources have come, and what is open here to be held against it."""

import asyncio
import json
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import grpc
from click.testing import CliRunner

from creditgate.audit.books import Auditor
from creditgate.client import (
    AsyncClient,
    Client,
    ClientOptions,
    EntryKind,
    LedgerEntry,
    OpenAccount,
    OpenItem,
)
from creditgate.client.cli import main
from creditgate.v1 import ledger_pb2 as ledger_v1
from tests.conftest import StartServer
from tests.support.api import APPROVED, TIMEOUT_S, Api, Refused, entry, refused
from tests.support.server import ServerProcess

DAY_S = 86_400


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_a_quiet_source_is_moved_and_heard(start_server: StartServer) -> None:
    server = start_server(clock="manual")
    api = server.api
    api.set_time(DAY_S)
    api.open_account("A", 100_000)
    api.post(entry("e1", "A", "invoice", 100, invoice_id="I", position=7), source="erp")
    with Client(server.address) as client:
        # What was reached stands; what is no news is answered and not journalled.
        journalled = client.get_position("A").journal_seq
        for position in (3, 7, 0):
            moved = client.move_source("erp", position)
            assert (moved.source, moved.position, moved.heard_at) == ("erp", 7, moment(DAY_S))
        assert client.get_position("A").journal_seq == journalled
        moved = client.move_source("erp", 9)
        assert (moved.position, moved.heard_at) == (9, moment(DAY_S))
        api.set_time(DAY_S + 60)
        assert client.move_source("erp", 9).heard_at == moment(DAY_S + 60)
        assert client.move_source("bank", 0).position == 0
        changed = [change.command for change in client.list_changes()]
        assert changed.count("move_source") == 3
    server.restart()
    with Client(server.address) as client:
        found = [(row.source, row.position, row.heard_at) for row in client.list_sources()]
        heard = moment(DAY_S + 60)
        assert found == [("bank", 0, heard), ("erp", 9, heard)]
        assert found == [
            (row.source, row.position, row.heard_at) for row in client.list_sources(page_size=1)
        ]
    shown = CliRunner().invoke(
        main, ["ledger", "sources", "--address", server.address], env={"COLUMNS": "120"}
    )
    assert [line.split() for line in shown.output.splitlines()[1:]] == [
        ["bank", "1970-01-02", "00:01:00", "UTC"],
        ["erp", "9", "1970-01-02", "00:01:00", "UTC"],
    ]


def test_a_source_needs_a_name(api: Api) -> None:
    for source in ("", "a\nb", 65 * "x"):
        request = ledger_v1.MoveSourceRequest(source=source, position=1)
        refusal = refused(partial(api.ledger.MoveSource, request, timeout=TIMEOUT_S))
        assert refusal == Refused(grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", ("source",))
    assert not api.ledger.ListSources(ledger_v1.ListSourcesRequest()).sources


def fill(api: Api) -> None:
    for account in "ABCD":
        api.open_account(account, 100_000)
    api.reserve("B", "o1", 300)
    api.capture("B", "o1", "b1")
    dates = {"issue_date": "2026-01-02", "due_date": "2026-02-01"}
    api.post(
        entry("1", "A", "invoice", 100, invoice_id="a1", order_id="o9", **dates),
        entry("2", "A", "invoice", 50, invoice_id="a2"),
        entry("3", "A", "payment", 50, allocations=[allocation("a2", 50)]),
        entry("4", "A", "invoice", 70, invoice_id="a3"),
        entry("5", "C", "payment", 20),
        entry("6", "B", "payment", 5, allocations=[allocation("b2", 5)]),
        entry("8", "A", "dispute", 30, invoice_id="a3"),
    )


def allocation(invoice_id: str, amount_minor: int) -> ledger_v1.Allocation:
    return ledger_v1.Allocation(invoice_id=invoice_id, amount_minor=amount_minor)


def item(invoice_id: str, open_minor: int, captured_minor: int = 0, **known: Any) -> OpenItem:
    unknown: dict[str, Any] = {
        "posted": False,
        "issue_date": None,
        "due_date": None,
        "order_id": "",
    }
    amounts = {"open_minor": open_minor, "captured_minor": captured_minor, "disputed_minor": 0}
    return OpenItem(invoice_id=invoice_id, **(amounts | unknown | known))


def test_open_items_are_what_is_owed(server: ServerProcess, client: Client) -> None:
    fill(server.api)
    issued, due = date(2026, 1, 2), date(2026, 2, 1)
    first = item("a1", 100, posted=True, order_id="o9", issue_date=issued, due_date=due)
    second = item("a3", 70, posted=True, disputed_minor=30)
    seq = client.get_position("A").journal_seq

    def owes(
        account_id: str, unallocated: int, outstanding: int | None, *items: OpenItem
    ) -> object:
        return OpenAccount(
            account_id=account_id,
            currency="USD",
            unallocated_minor=unallocated,
            outstanding_minor=outstanding,
            items=items,
            journal_seq=seq,
        )

    b, c = owes("B", 0, -5, item("b1", 0, 300), item("b2", -5)), owes("C", -20, -20)
    assert list(client.list_open_items()) == [owes("A", 0, 170, first, second), b, c]
    parted = [owes("A", 0, 170, first), owes("A", 0, None, second)]
    assert list(client.list_open_items(page_size=1))[:2] == parted
    assert list(client.list_open_items("C")) == [c]
    assert list(client.list_open_items("D")) == []

    async def read() -> list[OpenAccount]:
        async with AsyncClient(server.address) as other:
            return [row async for row in other.list_open_items("B")]

    assert asyncio.run(read()) == [b]
    # What is posted next is on the next page that is asked for.
    row = LedgerEntry(
        entry_id="7", account_id="D", kind=EntryKind.ADJUSTMENT, amount_minor=1, currency="USD"
    )
    client.post_entries("erp", [row])
    (found,) = client.list_open_items("D")
    assert (found.outstanding_minor, found.journal_seq) == (1, seq + 1)


def test_a_page_that_cannot_be_is_refused(api: Api) -> None:
    tokens = ("x", "1:", ":a", "100000000", "1:" + 65 * "x")
    wrong = [ledger_v1.ListOpenItemsRequest(page_token=token) for token in tokens]
    wrong += [ledger_v1.ListOpenItemsRequest(page_size=size) for size in (10_001, -1)]
    for request in wrong:
        field = "page_token" if request.page_token else "page_size"
        refusal = refused(partial(api.ledger.ListOpenItems, request, timeout=TIMEOUT_S))
        assert refusal == Refused(grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", (field,))
    unknown = ledger_v1.ListOpenItemsRequest(account_id="A")
    refusal = refused(partial(api.ledger.ListOpenItems, unknown, timeout=TIMEOUT_S))
    assert refusal == Refused(grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND", ("account_id",))


def test_open_items_are_shown_to_people(server: ServerProcess) -> None:
    fill(server.api)
    address = ["--address", server.address]
    shown = CliRunner().invoke(main, ["ledger", "items", "A", *address])
    assert [line.split() for line in shown.output.splitlines()] == [
        ["invoice", "open", "captured", "disputed", "posted", "issued", "due", "order"],
        ["a1", "1.00", "USD", "yes", "2026-01-02", "2026-02-01", "o9"],
        ["a3", "0.70", "USD", "0.30", "USD", "yes"],
    ]
    shown = CliRunner().invoke(main, ["ledger", "items", "C", *address])
    assert shown.output.splitlines()[1].split() == ["unallocated", "-0.20", "USD"]
    shown = CliRunner().invoke(main, ["ledger", "items", "B", "--json", *address])
    assert json.loads(shown.output)["outstanding_minor"] == -5
    shown = CliRunner().invoke(main, ["ledger", "items", "X", *address])
    assert (shown.exit_code, "X" in shown.output) == (3, True)


def test_a_dispute_counts_until_the_policy_excludes_it(start_server: StartServer) -> None:
    server = start_server()
    api = server.api
    api.open_account("A", 1_000)
    api.post(
        entry("d1", "A", "dispute", 400, invoice_id="I"),
        entry("i1", "A", "invoice", 900, invoice_id="I"),
    )
    policy = "[exposure]\ndisputed_counts = false\n"
    with (
        Client(server.address, ClientOptions(actor="anna")) as client,
        Client(server.address) as other,
    ):
        position = client.get_position("A")
        assert (position.disputed_minor, position.available_minor) == (400, 100)
        version = client.put_policy(policy, "as agreed").version
        other.activate_policy(version, "read")
        position = client.get_position("A")
        assert (position.exposure_minor, position.available_minor) == (900, 500)
        assert api.reserve("A", "o", 500).result.decision == APPROVED
    server.restart()
    api = server.api
    assert api.position("A").available_minor == 0
    api.post(entry("d2", "A", "dispute", 0, invoice_id="I"))
    assert api.position("A").available_minor == -400
    # The auditor, who reads the policy too, finds no order beyond its limit.
    server.kill()
    books = Auditor(server.store).advance()
    assert (books.account("A").contested, books.breaches) == (0, [])


def test_a_dispute_that_cannot_be_is_refused(api: Api) -> None:
    api.open_account("A", 1_000)
    row = {"invoice_id": "I"}
    for field, wrong in [
        ("invoice_id", entry("d", "A", "dispute", 1)),
        ("amount_minor", entry("d", "A", "dispute", -1, **row)),
        ("order_id", entry("d", "A", "dispute", 1, order_id="o", **row)),
        ("allocations", entry("d", "A", "dispute", 1, allocations=[allocation("I", 1)], **row)),
    ]:
        request = ledger_v1.PostEntriesRequest(source="erp", entries=[wrong])
        (result,) = api.ledger.PostEntries(request, timeout=TIMEOUT_S).results
        assert (result.error.reason, result.error.field) == ("FIELD_INVALID", field)
