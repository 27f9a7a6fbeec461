"""A reconciliation that is told of: kept for each source, journalled, and told on where it found
anything."""

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Any

import grpc
import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from creditgate.audit.books import Auditor
from creditgate.client import Client, NotFoundError, Reconciliation
from creditgate.client.cli import main
from creditgate.v1 import ledger_pb2 as ledger_v1
from tests.conftest import StartServer
from tests.support.api import TIMEOUT_S, Api, Refused, refused
from tests.support.server import ServerProcess

DAY_S = 86_400
AGREED = Reconciliation(
    position=9, accounts_compared=1_000, items_compared=5_000, accounts_differing=0
)
DIFFERED = Reconciliation(
    position=7,
    accounts_compared=1_000,
    items_compared=4_999,
    accounts_differing=3,
    accounts_unsettled=2,
    accounts_unreadable=1,
)


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    return start_server(clock="manual", log_format="json", log_level="info")


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    server.api.set_time(DAY_S)
    with Client(server.address) as client:
        client.move_source("erp", 9)
        yield client


def at(seconds: int, found: Reconciliation) -> Reconciliation:
    """As the server tells it back."""
    fields = {name: getattr(found, name) for name in found.__struct_fields__}
    return Reconciliation(**fields | {"record_time": datetime.fromtimestamp(seconds, UTC)})


def metrics(server: ServerProcess) -> dict[tuple[str, ...], float]:
    """What the metrics page says of reconciliations, by what was found and source."""
    page = urllib.request.urlopen(f"http://{server.metrics_address}/metrics", timeout=TIMEOUT_S)
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page.read().decode())
        if family.name.startswith("creditgate_reconciliation_")
        for sample in family.samples
    }


def assert_shown(server: ServerProcess, expected: dict[tuple[str, ...], float]) -> None:
    """The page follows the answer: a moment later it shows the same."""
    end_s = monotonic() + TIMEOUT_S
    while metrics(server) != expected and monotonic() < end_s:
        pass
    assert metrics(server) == expected


def alerts(server: ServerProcess) -> list[tuple[str, dict[str, Any]]]:
    """The level and fields of each line that is not of a call alone."""
    lines = [json.loads(line) for line in server.stderr_text().splitlines()]
    return [(line["level"], line) for line in lines if line["level"] in ("warning", "error")]


def test_the_latest_is_kept_and_each_is_journalled(server: ServerProcess, client: Client) -> None:
    assert [source.reconciliation for source in client.list_sources()] == [None]
    assert metrics(server) == {}
    first = client.record_reconciliation("erp", DIFFERED, request_id="monday", channel="load")
    assert not first.replayed
    (source,) = client.list_sources()
    assert source.reconciliation == at(DAY_S, DIFFERED)
    server.api.set_time(2 * DAY_S)
    assert client.move_source("erp", 9).reconciliation == at(DAY_S, DIFFERED)
    client.record_reconciliation("erp", AGREED, request_id="tuesday")
    again = client.record_reconciliation("erp", DIFFERED, request_id="monday", channel="load")
    assert (again.replayed, again.journal_seq) == (True, first.journal_seq)

    told = [change for change in client.list_changes() if change.records]
    assert [(change.command, change.source, change.request_id) for change in told] == [
        ("record_reconciliation", "erp", "monday"),
        ("record_reconciliation", "erp", "tuesday"),
    ]
    records = [record for change in told for record in change.records]
    assert {record.kind for record in records} == {"reconciliation"}
    assert records[0].before is None
    assert records[0].after == records[1].before
    assert [record.after and record.after["accounts_differing"] for record in records] == [3, 0]

    server.restart()
    with Client(server.address) as again_there:
        (source,) = again_there.list_sources()
        assert source.reconciliation == at(2 * DAY_S, AGREED)
    shown = CliRunner().invoke(
        main, ["ledger", "sources", "--address", server.address], env={"COLUMNS": "120"}
    )
    (line,) = shown.output.splitlines()[1:]
    assert line.split()[-7:] == ["1970-01-03", "00:00:00", "UTC", "9", "1,000", "0", "0"]
    server.kill()
    assert Auditor(server.store).advance().reused == []


def test_one_that_finds_anything_is_an_alert(server: ServerProcess, client: Client) -> None:
    client.record_reconciliation("erp", AGREED)
    assert alerts(server) == []
    for _ in range(2):  # a repeat is none
        client.record_reconciliation("erp", DIFFERED, request_id="monday")
    ((level, line),) = alerts(server)
    assert (level, line["event"]) == ("error", "ledger and service do not agree")
    told = {name: line[name] for name in ("source", "position", "accounts_differing", "actor")}
    assert told == {
        "source": "erp", "position": 7, "accounts_differing": 3, "actor": "anonymous",
    }  # fmt: skip
    found: dict[tuple[str, ...], float]
    found = {("differing", "erp"): 3, ("unsettled", "erp"): 2, ("unreadable", "erp"): 1}
    assert_shown(server, {**found, ("erp",): DAY_S})

    unclear = Reconciliation(
        position=9,
        accounts_compared=5,
        items_compared=5,
        accounts_differing=0,
        accounts_unsettled=1,
    )
    server.api.set_time(2 * DAY_S)
    client.record_reconciliation("erp", unclear)
    assert [level for level, _ in alerts(server)] == ["error", "warning"]
    client.record_reconciliation("erp", AGREED)
    none = dict.fromkeys(found, 0.0)
    assert_shown(server, {**none, ("erp",): 2 * DAY_S})
    assert len(alerts(server)) == 2
    server.restart()
    assert_shown(server, {**none, ("erp",): 2 * DAY_S})


def test_a_source_that_nobody_has_heard_of_is_refused(
    server: ServerProcess, client: Client
) -> None:
    with pytest.raises(NotFoundError, match='source "bank" is not known') as caught:
        client.record_reconciliation("bank", AGREED)
    assert caught.value.reason == "SOURCE_NOT_FOUND"
    assert [source.source for source in client.list_sources()] == ["erp"]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("accounts_compared", {"accounts_compared": -1}),
        ("accounts_compared", {"accounts_compared": 10**12 + 1}),
        ("items_compared", {"items_compared": -1}),
        ("accounts_differing", {"accounts_differing": 11}),
        ("accounts_unsettled", {"accounts_unsettled": 11}),
        ("accounts_unreadable", {"accounts_unreadable": -1}),
        ("record_time", {"record_time": datetime.fromtimestamp(DAY_S, UTC)}),
    ],
)
def test_what_cannot_have_been_found_is_refused(
    api: Api, field: str, wrong: dict[str, Any]
) -> None:
    api.ledger.MoveSource(ledger_v1.MoveSourceRequest(source="erp"), timeout=TIMEOUT_S)
    found = ledger_v1.Reconciliation(**{"accounts_compared": 10} | wrong)
    request = ledger_v1.RecordReconciliationRequest(
        request_id="r", source="erp", reconciliation=found
    )
    refusal = refused(partial(api.ledger.RecordReconciliation, request, timeout=TIMEOUT_S))
    named = (f"reconciliation.{field}",)
    assert refusal == Refused(grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", named)
    absent = ledger_v1.RecordReconciliationRequest(request_id="r", source="erp")
    refusal = refused(partial(api.ledger.RecordReconciliation, absent, timeout=TIMEOUT_S))
    assert refusal.fields == ("reconciliation",)
