"""The command by hand: what it sends, what it shows, how it ends."""

import json
import socket
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import click
import grpc
import pytest
from click.testing import CliRunner

from creditgate.client.cli import main
from creditgate.client.cli._root import Root
from creditgate.v1 import account_pb2, common_pb2, ledger_pb2
from creditgate.v1 import decision_pb2 as pb
from tests.unit.client.conftest import Run
from tests.unit.client.scripted import Refusal, ScriptedServer


def decided(decision: common_pb2.Decision) -> pb.CheckAndReserveResponse:
    return pb.CheckAndReserveResponse(
        result=pb.DecisionResult(decision=decision, available_minor=123_456),
        approved_amount_minor=12_550,
    )


def test_reserve_sends_minor_units_and_shows_decimals(run: Run, scripted: ScriptedServer) -> None:
    response = decided(common_pb2.DECISION_APPROVED)
    response.reservation_id = "R-1"
    scripted.answer("CheckAndReserve", response)
    result = run("reserve", "A-1", "O-1", "125.50", "USD", "--ttl-days", "2", "--channel", "web")
    assert result.exit_code == 0, result.output
    sent = pb.CheckAndReserveRequest.FromString(scripted.calls[0].request)
    assert (sent.account_id, sent.order_id, sent.amount_minor) == ("A-1", "O-1", 12_550)
    assert (sent.currency, sent.channel, sent.ttl.seconds) == ("USD", "web", 172_800)
    assert not sent.allow_partial
    assert "APPROVED" in result.stdout
    assert "125.50 USD" in result.stdout
    assert "1,234.56 USD" in result.stdout
    assert "R-1" in result.stdout


@pytest.mark.parametrize(
    ("decision", "exit_code"),
    [
        (common_pb2.DECISION_APPROVED, 0),
        (common_pb2.DECISION_PARTIALLY_APPROVED, 0),
        (common_pb2.DECISION_REFERRED, 1),
        (common_pb2.DECISION_DECLINED, 1),
        (common_pb2.DECISION_UNSPECIFIED, 1),
    ],
)
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_the_exit_code_is_the_decision(
    run: Run,
    scripted: ScriptedServer,
    decision: common_pb2.Decision,
    exit_code: int,
    flags: list[str],
) -> None:
    scripted.answer("CheckAndReserve", decided(decision))
    assert run("reserve", "A", "O", "1.00", "USD", *flags).exit_code == exit_code


def test_a_decline_is_explained(run: Run, scripted: ScriptedServer) -> None:
    response = pb.CheckResponse(
        result=pb.DecisionResult(
            decision=common_pb2.DECISION_DECLINED,
            reasons=[
                common_pb2.Reason(code=common_pb2.REASON_CODE_ACCOUNT_SUSPENDED),
                common_pb2.Reason(
                    code=common_pb2.REASON_CODE_LIMIT_EXPIRED,
                    unit=common_pb2.REASON_UNIT_DATE,
                    observed=20_484,
                    threshold=20_483,
                ),
                common_pb2.Reason(
                    code=common_pb2.REASON_CODE_INSUFFICIENT_CREDIT,
                    unit=common_pb2.REASON_UNIT_MINOR,
                    observed=5000,
                    threshold=1200,
                ),
            ],
            available_minor=1200,
            fitting_amount_minor=1200,
        )
    )
    scripted.answer("Check", response)
    result = run("check", "A", "5000", "JPY")
    assert result.exit_code == 1
    assert "ACCOUNT_SUSPENDED: the account is suspended" in result.stdout
    assert "today is 2026-01-31, the limit was valid until 2026-01-30" in result.stdout
    assert "5,000 JPY had to fit, 1,200 JPY was available" in result.stdout
    assert "would have fitted" in result.stdout


def test_json_is_one_object_to_a_line_in_minor_units(run: Run, scripted: ScriptedServer) -> None:
    scripted.answer("CheckAndReserve", decided(common_pb2.DECISION_APPROVED))
    result = run("reserve", "A", "O", "1.00", "USD", "--json")
    (line,) = result.stdout.splitlines()
    parsed = json.loads(line)
    assert parsed["decision"] == "APPROVED"
    assert parsed["available_minor"] == 123_456
    assert parsed["expire_time"] is None


def test_amounts_of_a_part_are_read_in_the_currency_of_the_order(
    run: Run, scripted: ScriptedServer
) -> None:
    held = pb.Reservation(order_id="O", currency="KWD", captured_minor=1500)
    scripted.answer("GetReservation", pb.GetReservationResponse(reservation=held))
    approved = pb.DecisionResult(decision=common_pb2.DECISION_APPROVED)
    scripted.answer(
        "Capture",
        pb.CaptureResponse(result=approved, reservation=held, captured_amount_minor=1500),
    )
    result = run("capture", "A", "O", "INV-1", "--amount", "1.500", "--final")
    assert result.exit_code == 0, result.output
    sent = pb.CaptureRequest.FromString(scripted.calls[1].request)
    assert (sent.amount_minor, sent.invoice_id, sent.final, sent.forced) == (
        1500,
        "INV-1",
        True,
        False,
    )
    assert "1.500 KWD" in result.stdout


def test_release_without_an_amount_gives_back_all(run: Run, scripted: ScriptedServer) -> None:
    approved = pb.DecisionResult(decision=common_pb2.DECISION_APPROVED)
    held = pb.Reservation(order_id="O", currency="USD", released_minor=700)
    scripted.answer(
        "Release",
        pb.ReleaseResponse(result=approved, reservation=held, released_amount_minor=700),
    )
    assert run("release", "A", "O").exit_code == 0
    sent = pb.ReleaseRequest.FromString(scripted.calls[0].request)
    assert not sent.HasField("amount_minor")


def test_a_limit_of_zero_is_an_amount(run: Run, scripted: ScriptedServer) -> None:
    created = account_pb2.UpsertResult(outcome=account_pb2.UPSERT_OUTCOME_CREATED)
    scripted.answer("UpsertAccounts", account_pb2.UpsertAccountsResponse(results=[created]))
    result = run("account", "upsert", "A", "--currency", "USD", "--limit", "0", "--parent", "")
    assert result.exit_code == 0, result.output
    assert "CREATED A" in result.stdout
    (row,) = account_pb2.UpsertAccountsRequest.FromString(scripted.calls[0].request).accounts
    assert row.limit.kind == common_pb2.LIMIT_KIND_AMOUNT
    assert row.limit.amount_minor == 0
    assert row.HasField("parent_account_id")
    assert not row.HasField("segment_id")
    assert not row.HasField("max_order_amount_minor")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", common_pb2.CreditLimit(kind=common_pb2.LIMIT_KIND_AMOUNT)),
        ("12.50", common_pb2.CreditLimit(kind=common_pb2.LIMIT_KIND_AMOUNT, amount_minor=1250)),
        ("unlimited", common_pb2.CreditLimit(kind=common_pb2.LIMIT_KIND_UNLIMITED)),
    ],
)
def test_a_shared_limit_is_set_or_removed(
    run: Run, scripted: ScriptedServer, text: str, expected: common_pb2.CreditLimit
) -> None:
    updated = account_pb2.UpsertResult(outcome=account_pb2.UPSERT_OUTCOME_UPDATED)
    scripted.answer("UpsertAccounts", account_pb2.UpsertAccountsResponse(results=[updated]))
    result = run("account", "upsert", "A", "--currency", "USD", "--shared-limit", text)
    assert result.exit_code == 0, result.output
    (row,) = account_pb2.UpsertAccountsRequest.FromString(scripted.calls[0].request).accounts
    assert row.shared_limit == expected


def test_a_cap_is_set_without_a_limit(run: Run, scripted: ScriptedServer) -> None:
    created = account_pb2.UpsertResult(outcome=account_pb2.UPSERT_OUTCOME_CREATED)
    scripted.answer("UpsertSegments", account_pb2.UpsertSegmentsResponse(results=[created]))
    result = run("segment", "upsert", "S", "USD", "--cap", "12.50")
    assert result.exit_code == 0, result.output
    (row,) = account_pb2.UpsertSegmentsRequest.FromString(scripted.calls[0].request).segments
    assert row.cap == common_pb2.CreditLimit(kind=common_pb2.LIMIT_KIND_AMOUNT, amount_minor=1250)
    assert not row.HasField("default_limit")


def test_a_refused_row_ends_with_3_and_its_reason(run: Run, scripted: ScriptedServer) -> None:
    error = common_pb2.ItemError(
        code=9, reason="CURRENCY_FIXED", field="currency", message="it cannot change"
    )
    row = account_pb2.UpsertResult(error=error)
    scripted.answer("UpsertAccounts", account_pb2.UpsertAccountsResponse(results=[row]))
    result = run("account", "upsert", "A", "--currency", "USD")
    assert result.exit_code == 3
    assert "CURRENCY_FIXED: it cannot change (field currency)" in result.stderr


def test_a_field_that_the_message_names_is_not_named_twice(
    run: Run, scripted: ScriptedServer
) -> None:
    error = common_pb2.ItemError(
        code=3, reason="FIELD_INVALID", field="account_id", message="account_id is empty"
    )
    row = account_pb2.UpsertResult(error=error)
    scripted.answer("UpsertAccounts", account_pb2.UpsertAccountsResponse(results=[row]))
    result = run("account", "upsert", "", "--currency", "USD")
    assert result.stderr == "Error: FIELD_INVALID: account_id is empty\n"


def test_an_environment_variable_at_fault_is_named(run: Run) -> None:
    result = run("check", "A", "1", "USD", env={"CREDITGATE_TIMEOUT": "soon"})
    assert result.exit_code == 2
    assert "CREDITGATE_TIMEOUT" in result.stderr
    assert "'soon' is not a valid number of seconds" in result.stderr


def test_a_negative_amount_is_taken_after_two_dashes(run: Run, scripted: ScriptedServer) -> None:
    posted = ledger_pb2.EntryResult(outcome=ledger_pb2.ENTRY_OUTCOME_POSTED)
    scripted.answer("PostEntries", ledger_pb2.PostEntriesResponse(results=[posted]))
    assert run("entry", "post", "--", "s", "e", "A", "adjustment", "-5.00", "USD").exit_code == 0
    (sent,) = ledger_pb2.PostEntriesRequest.FromString(scripted.calls[0].request).entries
    assert sent.amount_minor == -500


def test_an_entry_with_its_allocations(run: Run, scripted: ScriptedServer) -> None:
    posted = ledger_pb2.EntryResult(outcome=ledger_pb2.ENTRY_OUTCOME_POSTED)
    scripted.answer("PostEntries", ledger_pb2.PostEntriesResponse(results=[posted]))
    result = run(
        *["entry", "post", "erp", "E-1", "A", "payment", "10.00", "USD"],
        *["--allocate", "INV-1=7.50", "--allocate", "a=b=2.50", "--issue-date", "2026-01-31"],
    )
    assert result.exit_code == 0, result.output
    request = ledger_pb2.PostEntriesRequest.FromString(scripted.calls[0].request)
    (sent,) = request.entries
    assert request.source == "erp"
    assert (sent.kind, sent.amount_minor) == (ledger_pb2.ENTRY_KIND_PAYMENT, 1000)
    assert [(a.invoice_id, a.amount_minor) for a in sent.allocations] == [
        ("INV-1", 750),
        ("a=b", 250),
    ]
    assert sent.issue_date == "2026-01-31"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["reserve", "A", "O", "1.005", "USD"], "USD has 2 decimals"),
        (["reserve", "A", "O", "1,5", "USD"], "one decimal point"),
        (["reserve", "A", "O", "1", "usd"], "three capital letters"),
        (["reserve", "A", "\udcff", "1", "USD"], "not valid UTF-8"),
        (["reserve", "A", "O", "1"], "Missing argument"),
        (["reservation", "get"], "either RESERVATION"),
        (["reservation", "get", "R", "--account", "A", "--order", "O"], "either RESERVATION"),
        (["reservation", "get", "R", "--account", "A"], "either RESERVATION"),
        (["reservation", "get", "--order", "O"], "either RESERVATION"),
        (["account", "upsert", "A", "--valid-until", "2026-01-31"], "needs --limit"),
        (
            ["account", "upsert", "A", "--currency", "USD", "--shared-limit", "inherit"],
            "--shared-limit is an amount or unlimited",
        ),
        (["segment", "upsert", "S", "USD"], "give a LIMIT, a --cap, or both"),
        (
            ["segment", "upsert", "S", "USD", "--cap", "no-credit"],
            "--cap is an amount or unlimited",
        ),
        (
            ["segment", "upsert", "S", "USD", "--cap", "5", "--valid-until", "2026-01-31"],
            "--valid-until needs a LIMIT",
        ),
        (["segment", "upsert", "S", "USD", "inherit"], "cannot inherit"),
        (["entry", "post", "s", "e", "A", "adjustment", "-5.00", "USD"], "Put -- before a neg"),
        (["entry", "post", "--typo"], "No such option '--typo'"),
        (
            ["segment", "upsert", "S", "USD", "no-credit", "--valid-until", "2026-01-31"],
            "does not go with",
        ),
        (["clock", "set", "yesterday"], "is not a time"),
        (["entry", "post", "s", "e", "A", "payment", "1", "USD", "--allocate", "x"], "=AMOUNT"),
        (["check", "A", "1", "USD", "--actor", "Zoë"], "printable ASCII"),
        (["check", "A", "1", "USD", "--timeout", "0"], "x>0"),
    ],
)
def test_wrong_use_ends_with_2_and_sends_nothing(
    run: Run, scripted: ScriptedServer, args: list[str], said: str
) -> None:
    result = run(*args)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert scripted.calls == []


def test_an_error_of_the_server_ends_with_3(run: Run, scripted: ScriptedServer) -> None:
    refusal = Refusal(grpc.StatusCode.NOT_FOUND, "no account 'A'", reason="ACCOUNT_NOT_FOUND")
    scripted.answer("GetAccount", refusal)
    result = run("account", "get", "A")
    assert result.exit_code == 3
    assert result.stderr == "Error: ACCOUNT_NOT_FOUND: no account 'A'\n"


def test_a_server_without_a_manual_clock_is_explained(run: Run, scripted: ScriptedServer) -> None:
    scripted.answer("GetTime", Refusal(grpc.StatusCode.UNIMPLEMENTED))
    result = run("clock", "get")
    assert result.exit_code == 3
    assert "--clock manual" in result.stderr


def test_a_server_that_is_not_there_says_what_to_do(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = run("reserve", "A", "O", "1.00", "USD", "--address", address)
    assert result.exit_code == 3
    assert f"The server at {address} cannot be reached" in result.stderr
    assert "creditgate serve" in result.stderr
    assert "--request-id" not in result.stderr


def test_a_broken_connection_says_how_to_learn_the_answer(
    run: Run, scripted: ScriptedServer
) -> None:
    scripted.answer("CheckAndReserve", *[Refusal(grpc.StatusCode.UNAVAILABLE, "reset")] * 5)
    result = run("reserve", "A", "O", "1.00", "USD", "--request-id", "r-1")
    assert result.exit_code == 3
    assert "may have taken effect" in result.stderr
    assert "--request-id r-1" in result.stderr


def test_file_environment_and_option_in_rising_strength(
    run: Run, scripted: ScriptedServer, tmp_path: Path
) -> None:
    config = tmp_path / "creditgate.toml"
    config.write_text('[serve]\nstore = "s"\n[client]\nactor = "from-file"\ntimeout_s = 7\n')
    reply = account_pb2.GetAccountResponse()
    scripted.answer("GetAccount", reply, reply, reply)
    from_file = ["account", "get", "A", "--config", str(config)]
    assert run(*from_file).exit_code == 0
    assert run(*from_file, env={"CREDITGATE_ACTOR": "from-env"}).exit_code == 0
    run(*from_file, "--actor", "from-option", env={"CREDITGATE_ACTOR": "from-env"})
    actors = [call.metadata["creditgate-actor"] for call in scripted.calls]
    assert actors == ["from-file", "from-env", "from-option"]


def test_the_file_in_the_working_directory_is_read(
    run: Run, scripted: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("creditgate.toml").write_text('[client]\nactor = "from-file"\n')
    scripted.answer("GetAccount", account_pb2.GetAccountResponse())
    assert run("account", "get", "A").exit_code == 0
    assert scripted.calls[0].metadata["creditgate-actor"] == "from-file"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[client]\nadress = 'x'\n", "adress"),
        ("[client]\nadress = 'x'\n", "knows: address, actor, timeout_s"),
        ("[client]\ntimeout_s = 'soon'\n", "timeout_s"),
        ("[cleint]\naddress = 'x'\n", "cleint"),
        ("[client\n", "Expected"),
    ],
)
def test_a_wrong_file_is_named(run: Run, tmp_path: Path, text: str, said: str) -> None:
    config = tmp_path / "creditgate.toml"
    config.write_text(text)
    result = run("account", "get", "A", "--config", str(config))
    assert result.exit_code == 2
    assert str(config) in result.stderr
    assert said in result.stderr


def test_help_of_every_command(run: Run) -> None:
    def walk(command: click.Command, path: list[str]) -> None:
        result = run(*path, "--help")
        assert result.exit_code == 0, path
        assert command.help, path
        if isinstance(command, click.Group):
            for name, child in command.commands.items():
                walk(child, [*path, name])

    walk(main, [])


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> Root:
    """A root with one command of another package that works and two that do not."""
    points = [
        EntryPoint("works", f"{__name__}:extra", "creditgate.commands"),
        EntryPoint("broken", "creditgate.nowhere:command", "creditgate.commands"),
        EntryPoint("odd", f"{__name__}:ScriptedServer", "creditgate.commands"),
        EntryPoint("own", f"{__name__}:extra", "creditgate.commands"),
    ]

    def found(group: str) -> list[EntryPoint]:
        assert group == "creditgate.commands"
        return points

    monkeypatch.setattr("creditgate.client.cli._root.entry_points", found)
    return Root(name="creditgate", commands=[click.Command("own", help="Ours.")])


@click.command(help="From elsewhere.")
def extra() -> None:
    """Ends as click ends any error."""
    raise click.ClickException("it went wrong")


def test_what_is_installed_is_listed_and_what_is_broken_is_named(plugged: Root) -> None:
    result = CliRunner().invoke(plugged, ["--help"])
    assert result.exit_code == 0
    assert "From elsewhere." in result.stdout
    assert "Ours." in result.stdout
    assert "Warning: installed, but cannot be loaded" in result.stdout
    assert "creditgate.nowhere: ModuleNotFoundError" in result.stdout
    assert "is not a click command" in result.stdout


OTHERS = {
    point.name: point.dist.name
    for point in entry_points(group="creditgate.commands")
    if point.dist is not None
}
"""Every command of ours that is not the client's, and the package that brings it."""


@pytest.mark.parametrize(("name", "package"), OTHERS.items())
def test_a_command_of_a_package_that_is_missing_names_it(
    plugged: Root, name: str, package: str
) -> None:
    result = CliRunner().invoke(plugged, [name, "--help"])
    assert result.exit_code == 2
    assert f"install {package}" in result.stderr


def test_exit_codes_are_listed_one_to_a_line(run: Run) -> None:
    lines = [line.strip() for line in run("--help", env={"COLUMNS": "80"}).stdout.splitlines()]
    assert "2    the command line is wrong" in lines
    assert not any("\b" in line or "\\b" in line for line in lines)


def test_a_broken_command_says_why(plugged: Root) -> None:
    result = CliRunner().invoke(plugged, ["broken"])
    assert result.exit_code == 3
    assert "'broken' is installed but cannot be loaded: creditgate.nowhere" in result.stderr


def test_an_unknown_command_is_wrong_use(plugged: Root) -> None:
    assert CliRunner().invoke(plugged, ["nothing"]).exit_code == 2


def test_an_error_of_another_package_is_not_taken_for_a_decline(plugged: Root) -> None:
    result = CliRunner().invoke(plugged, ["works"])
    assert result.exit_code == 3
    assert "it went wrong" in result.stderr
