"""Who may do what: every method, role and kind of credential, over a real socket."""

import itertools
import re
import secrets
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from creditgate.audit.books import Auditor
from creditgate.client import (
    AccessError,
    AccountUpsert,
    Client,
    ClientOptions,
    CreditLimit,
    HoldKind,
    ItemError,
    OrderItem,
    OverloadedError,
    RetryPolicy,
)
from creditgate.core import METHOD_ROLES, ROLES
from creditgate.server import contract
from tests.conftest import StartServer
from tests.support.api import TIMEOUT_S, Refused, details, refusal
from tests.support.credentials import PAST_S, Issuer, key_set, token_line, write_lines
from tests.support.server import ServerProcess

SECURITY = Path(__file__).parents[2] / "docs/security.md"
PATHS = {
    method.path.rpartition("/")[2]: method.path
    for method in contract.methods(contract.services(manual_clock=True))
}
TOKENS = {role: f"cg_{role}_{secrets.token_urlsafe(16)}" for role in ROLES}
ISSUERS = [Issuer(algorithm) for algorithm in ("RS256", "ES256", "EdDSA")]
OWN = "store-1"
ONCE = RetryPolicy(attempts_max=1)
NO_MESSAGE = b"\xff\xff\xff"
MANY = 1_000


def line(name: str, role: str, token: str, **more: str) -> str:
    return token_line(name, role, token, **({"channel": OWN} if role == "pos" else {}), **more)


LINES = [
    *(line(f"the-{role}", role, token) for role, token in TOKENS.items()),
    line("late", "admin", "cg_late", expires="2020-02-29"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("access")
    tokens = write_lines(folder / "tokens.jsonl", LINES)
    keys = write_lines(folder / "keys.json", [key_set(*ISSUERS)])
    with ServerProcess(
        folder,
        access_tokens=tokens,
        access_keys=keys,
        access_issuer="us",
        access_audience="credit",
        clock="manual",
        log_level="debug",
        log_format="json",
    ) as process:
        with caller(process, "admin") as admin:
            admin.upsert_accounts([
                AccountUpsert(account_id="A", currency="USD", limit=CreditLimit.of(1_000_000)),
            ])  # fmt: skip
        yield process
        text = process.stderr_text()
        assert process.terminate() == 0
        assert not [token for token in TOKENS.values() if token in text]


def caller(server: ServerProcess, role: str, token: str = "", **options: Any) -> Client:
    told = ClientOptions(token=token or TOKENS[role], retry=ONCE, **options)
    return Client(server.address, told)


def ask(channel: grpc.Channel, path: str, *authorization: str) -> Refused:
    """How a request that is no message is refused: what is not allowed is not read."""
    call: Any = channel.stream_stream(path)
    metadata = [("authorization", value) for value in authorization]
    try:
        answers = list(call(iter([NO_MESSAGE]), metadata=metadata, timeout=TIMEOUT_S))
    except grpc.RpcError as error:
        return refusal(error)
    raise AssertionError(f"{path} must have been refused, but was answered: {answers}")


def documented() -> dict[str, set[str]]:
    """The table of the manual: the roles that may call a method."""
    rows = re.findall(r"^\| (\w+) \|(.*)\|$", SECURITY.read_text(), re.MULTILINE)
    (head,) = [cells.split("|") for name, cells in rows if name == "method"]
    roles = [cell.strip() for cell in head]
    return {
        name: {
            role
            for role, cell in zip(roles, cells.split("|"), strict=True)
            if cell.strip() == "yes"
        }
        for name, cells in rows
        if name in PATHS
    }


def test_every_role_may_call_what_the_manual_says_and_nothing_else(server: ServerProcess) -> None:
    table = documented()
    assert table.keys() == PATHS.keys()
    assert {path: table[path.rpartition("/")[2]] for path in METHOD_ROLES} == METHOD_ROLES
    read = Refused(grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_MALFORMED")
    denied = Refused(grpc.StatusCode.PERMISSION_DENIED, "ROLE_NOT_ALLOWED")
    with grpc.insecure_channel(server.address) as channel:
        for (name, path), role in itertools.product(PATHS.items(), ROLES):
            said = ask(channel, path, f"Bearer {TOKENS[role]}")
            assert said == (read if role in table[name] else denied), (name, role)


def forged() -> dict[str, tuple[str, str]]:
    """Credentials that do not hold, and why."""
    claims = {"sub": "eve", "role": "admin", "iss": "us", "aud": "credit"}
    good = ISSUERS[0].sign(**claims)
    head, body, signature = good.split(".")
    late = {issuer.algorithm: issuer.sign(**claims, exp=PAST_S) for issuer in ISSUERS}
    others = {
        algorithm: Issuer(algorithm).sign(**claims) for algorithm in ("RS256", "ES256", "EdDSA")
    }
    invalid = {
        "an unknown token": "cg_unknown",
        "a known name": "the-admin",
        "a wrong scheme": "",
        "another body": f"{head}.{ISSUERS[0].sign(**claims, x=1).split('.')[1]}.{signature}",
        "no signature": f"{head}.{body}.",
        "alg none": f"eyJhbGciOiJub25lIn0.{body}.",
        "alg HS256": f"eyJhbGciOiJIUzI1NiJ9.{body}.{signature}",
        "an unknown role": ISSUERS[0].sign(**{**claims, "role": "root"}),
        "another issuer": ISSUERS[0].sign(**{**claims, "iss": "them"}),
        "another audience": ISSUERS[0].sign(**{**claims, "aud": "them"}),
        "a pos of no channel": ISSUERS[0].sign(**{**claims, "role": "pos"}),
        **{f"another's {algorithm}": token for algorithm, token in others.items()},
    }
    return {
        "no credential": ("", "CREDENTIAL_MISSING"),
        "an old token": ("Bearer cg_late", "CREDENTIAL_EXPIRED"),
        **{f"an old {name}": (f"Bearer {jwt}", "CREDENTIAL_EXPIRED") for name, jwt in late.items()},
        **{name: (f"Bearer {token}", "CREDENTIAL_INVALID") for name, token in invalid.items()},
    }


@pytest.mark.parametrize("what", forged())
def test_no_method_is_open_to_who_is_not_known(server: ServerProcess, what: str) -> None:
    authorization, reason = forged()[what]
    given = [authorization] if authorization else []
    with grpc.insecure_channel(server.address) as channel:
        said = {path: ask(channel, path, *given) for path in PATHS.values()}
    assert set(said.values()) == {Refused(grpc.StatusCode.UNAUTHENTICATED, reason)}, said


def test_a_jwt_of_each_algorithm_holds_as_long_as_it_says(server: ServerProcess) -> None:
    for issuer in ISSUERS:
        name = f"jwt-{issuer.algorithm}"
        token = issuer.sign(sub=name, role="order_entry", iss="us", aud=["x", "credit"])
        with caller(server, "", token) as client:
            for order in ("first", "again"):  # verified, then remembered
                client.check_and_reserve(
                    "A", f"{name}-{order}", 1, "USD", request_id=f"{name}{order}"
                )
            with pytest.raises(AccessError) as caught:
                client.upsert_accounts([AccountUpsert(account_id="A")])
        assert caught.value.reason == "ROLE_NOT_ALLOWED"
        path = PATHS["UpsertAccounts"]
        assert caught.value.metadata == {"role": "order_entry", "method": path}


def test_health_is_for_everyone_and_reflection_for_those_who_are_known(
    server: ServerProcess,
) -> None:
    with grpc.insecure_channel(server.address) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        status = health.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S).status
        assert status == health_pb2.HealthCheckResponse.SERVING
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        question = reflection_pb2.ServerReflectionRequest(list_services="")

        def services(*metadata: tuple[str, str]) -> list[str]:
            answers = stub.ServerReflectionInfo(
                iter([question]), metadata=metadata, timeout=TIMEOUT_S
            )
            return [row.name for row in next(answers).list_services_response.service]

        with pytest.raises(grpc.RpcError) as caught:
            services()
        assert refusal(caught.value).reason == "CREDENTIAL_MISSING"
        known = services(("authorization", f"Bearer {TOKENS['auditor']}"))
        assert "creditgate.v1.LedgerService" in known


def test_an_unknown_method_is_unimplemented_for_those_who_are_known(server: ServerProcess) -> None:
    path = "/creditgate.v1.LedgerService/Forget"
    with grpc.insecure_channel(server.address) as channel:
        assert ask(channel, path).code is grpc.StatusCode.UNAUTHENTICATED
        said = ask(channel, path, f"Bearer {TOKENS['auditor']}")
    assert said.code is grpc.StatusCode.UNIMPLEMENTED


def test_the_journal_names_who_was_verified_and_not_who_they_say(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server(access_tokens=write_lines(tmp_path / "t", LINES), log_format="json")
    with caller(server, "finance", actor="the-auditor") as finance:
        finance.upsert_accounts(
            [AccountUpsert(account_id="A", currency="USD")], request_id="as finance"
        )
    with caller(server, "order_entry", actor="the-admin") as oms:
        oms.check_and_reserve("A", "O", 1, "USD", request_id="as oms")
        with pytest.raises(AccessError):
            oms.suspend_account("A", "mine")
    assert server.terminate() == 0
    answers = Auditor(server.store).advance().answers
    actors = {request: answer.actor for (request, _), answer in answers.items()}
    assert actors == {"as finance": "the-finance", "as oms": "the-order_entry"}
    text = server.stderr_text()
    assert '"reason":"ROLE_NOT_ALLOWED","account_id"' not in text  # it was not read
    assert '"actor":"the-order_entry"' in text
    assert "the-admin" not in text


def test_a_pos_names_its_own_channel(server: ServerProcess) -> None:
    with caller(server, "pos") as till:

        def reserve(order: str, channel: str) -> Any:
            return till.check_and_reserve("A", order, 10, "USD", channel=channel)

        assert reserve("P-1", OWN).reservation_id
        changes: list[Callable[[str], Any]] = [
            lambda channel: reserve("P-2", channel),
            lambda channel: till.adjust(20, account_id="A", order_id="P-1", channel=channel),
            lambda channel: till.capture(
                "I-1", account_id="A", order_id="P-1", amount_minor=1, channel=channel
            ),
            lambda channel: till.release(
                account_id="A", order_id="P-1", amount_minor=1, channel=channel
            ),
            lambda channel: till.batch_check_and_reserve(
                [
                    OrderItem(
                        account_id="A",
                        order_id="P-3",
                        amount_minor=10,
                        currency="USD",
                        channel=channel,
                    )
                ],
                all_or_none=True,
            ),
        ]
        for number, change in enumerate(changes):
            for other in ("store-2", ""):
                with pytest.raises(AccessError) as caught:
                    change(other)
                assert caught.value.reason == "CHANNEL_NOT_OWN", number
            change(OWN)

        def item(order_id: str, channel: str) -> OrderItem:
            return OrderItem(
                account_id="A", order_id=order_id, amount_minor=10, currency="USD", channel=channel
            )

        mine, theirs = till.batch_check_and_reserve([
            item("P-4", OWN), item("P-5", "store-2"),
        ])  # fmt: skip
        assert not isinstance(mine, ItemError)
        assert isinstance(theirs, ItemError)
        assert (theirs.reason, theirs.field) == ("CHANNEL_NOT_OWN", "channel")


def test_a_loader_takes_back_flags_of_systems_and_leaves_holds_of_people(
    server: ServerProcess,
) -> None:
    with caller(server, "finance") as finance, caller(server, "loader") as loader:
        finance.upsert_accounts([AccountUpsert(account_id="L", currency="USD")])
        finance.place_hold("L", "desk", "calls nobody back")
        for name in ("old flag", "flag"):
            loader.place_hold("L", name, "insolvency proceedings", kind=HoldKind.BUREAU)
        loader.lift_hold("L", "old flag", "proceedings ended")
        # What people noted in another system is that system's to take back.
        for _ in range(2):
            loader.place_hold("L", "noted", "calls nobody back", source="erp")
        loader.lift_hold("L", "noted", "called")
        changes: list[Callable[[], Any]] = [
            lambda: loader.lift_hold("L", "desk", "proceedings ended"),
            lambda: loader.place_hold("L", "desk", "insolvency", kind=HoldKind.BUREAU),
            lambda: loader.place_hold("L", "new", "calls nobody back"),
        ]
        for change in changes:
            with pytest.raises(AccessError) as caught:
                change()
            assert caught.value.reason == "HOLD_NOT_OWN"
        held = {(hold.hold_id, hold.kind) for hold in finance.get_account("L").holds}
        assert held == {("flag", HoldKind.BUREAU), ("desk", HoldKind.MANUAL)}


def soon(happened: Callable[[], bool]) -> None:
    """Asks again until it has happened; the test's own time limit ends it."""
    while not happened():
        pass


def ask_often(client: Client) -> None:
    for _ in range(MANY):
        client.get_time()


def refused_now(client: Client) -> str:
    try:
        client.get_time()
    except AccessError as error:
        return error.reason
    return ""


def test_tokens_change_while_the_server_runs(start_server: StartServer, tmp_path: Path) -> None:
    ada, bob = line("ada", "auditor", "cg_ada"), line("bob", "admin", "cg_bob")
    tokens = write_lines(tmp_path / "tokens.jsonl", [ada])
    server = start_server(access_tokens=tokens, clock="manual")
    with caller(server, "", "cg_ada") as first, caller(server, "", "cg_bob") as second:
        assert (refused_now(first), refused_now(second)) == ("", "CREDENTIAL_INVALID")
        write_lines(tokens, [ada, bob])
        soon(lambda: not refused_now(second))
        second.upsert_accounts([AccountUpsert(account_id="A", currency="USD")])
        watch = first.watch_positions(["A"])
        assert next(watch).account_id == "A"

        write_lines(tokens, [bob, "{}"])
        soon(lambda: "credentials not read again" in server.stderr_text())
        assert (refused_now(first), refused_now(second)) == ("", "")
        assert f"{tokens}: line 2: missing field" in server.stderr_text()

        write_lines(tokens, [bob])
        with pytest.raises(AccessError) as caught:
            next(watch)
        assert caught.value.reason == refused_now(first) == "CREDENTIAL_INVALID"
        assert not refused_now(second)


def test_who_asks_too_much_is_held_up_and_the_rest_are_not(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server(
        access_tokens=write_lines(tmp_path / "t", LINES), clock="manual",
        access_rate_per_s=10, access_burst=20,
    )  # fmt: skip
    with caller(server, "admin") as eager, caller(server, "auditor") as other:
        with pytest.raises(OverloadedError) as caught:
            ask_often(eager)
        assert caught.value.reason == "RATE_LIMITED"
        assert caught.value.retry_delay_s
        other.get_time()
        # A stream waits for its turn, also where its requests are many and small.
        eager_options = ClientOptions(token=TOKENS["admin"])
        with Client(server.address, eager_options) as patient:
            patient.upsert_accounts([AccountUpsert(account_id="A", currency="USD")])
            batches = [
                [OrderItem(account_id="A", order_id=f"O-{n}", amount_minor=1, currency="USD")]
                for n in range(12)
            ]
            assert len(list(patient.stream_check_and_reserve(batches))) == len(batches)
    with urllib.request.urlopen(f"http://{server.metrics_address}/metrics") as page:
        assert re.search(r"creditgate_core_access_rate_limited_total [1-9]", page.read().decode())


def test_who_leaves_no_call_unanswered_for_long_has_room(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server(access_tokens=write_lines(tmp_path / "t", LINES), access_in_flight_max=2)
    with caller(server, "admin") as admin, caller(server, "auditor") as other:
        admin.upsert_accounts([AccountUpsert(account_id="A", currency="USD")])
        watches = [admin.watch_positions(["A"]) for _ in range(2)]
        assert [next(watch).account_id for watch in watches] == ["A", "A"]
        with pytest.raises(OverloadedError) as caught:
            admin.get_position("A")
        assert caught.value.reason == "CONCURRENCY_LIMITED"
        other.get_position("A")
        watches[0].close()

        def has_room() -> bool:
            try:
                admin.get_position("A")
            except OverloadedError:
                return False
            return True

        soon(has_room)


def test_a_refusal_says_when_to_come_again(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server(
        access_tokens=write_lines(tmp_path / "t", LINES), access_rate_per_s=1, access_burst=1
    )
    metadata = [("authorization", f"Bearer {TOKENS['admin']}")]
    with grpc.insecure_channel(server.address) as channel:
        call: Any = channel.unary_unary(PATHS["GetPosition"])
        errors = []
        for _ in range(MANY):
            with pytest.raises(grpc.RpcError) as caught:
                call(NO_MESSAGE, metadata=metadata, timeout=TIMEOUT_S)
            errors = details(caught.value)
            if refusal(caught.value).reason == "RATE_LIMITED":
                break
    delays = [error for error in errors if isinstance(error, error_details_pb2.RetryInfo)]
    assert 0 < delays[0].retry_delay.ToMilliseconds() <= 1_000
