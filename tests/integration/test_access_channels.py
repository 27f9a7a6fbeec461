"""A point of sale and the orders of another channel: no method shows or changes them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from creditgate.client import (
    AccessError,
    AccountUpsert,
    Client,
    ClientOptions,
    CreditLimit,
    ItemError,
    OrderItem,
)
from creditgate.core import METHOD_ROLES
from tests.conftest import StartServer
from tests.support.credentials import token_line, write_lines

OWN, OTHER = "store-1", "store-2"
LINES = [
    token_line("boss", "admin", "cg_boss"),
    token_line("till-1", "pos", "cg_till_1", channel=OWN),
    token_line("till-2", "pos", "cg_till_2", channel=OTHER),
]
BY_ORDER: dict[str, Any] = {"account_id": "A", "order_id": "O"}

Calls = list[Callable[[], Any]]


def about_an_order(till: Client, channel: str, reservation_id: str) -> dict[str, Calls]:
    """Each method that shows or changes an order, for order O of account A, by all its names."""

    def both(call: Callable[..., Any], *args: Any, **more: Any) -> Calls:
        names = (BY_ORDER, {"reservation_id": reservation_id})
        return [partial(call, *args, **name, **more) for name in names]

    item = OrderItem(account_id="A", order_id="O", amount_minor=10, currency="USD", channel=channel)
    return {
        "GetReservation": both(till.get_reservation),
        "Confirm": both(till.confirm),
        "WatchReservation": [lambda: next(till.watch_reservation("A", "O", timeout_s=30))],
        "Adjust": both(till.adjust, 20, channel=channel),
        "Capture": [
            *both(till.capture, "I", amount_minor=1, channel=channel),
            *both(till.capture, "I", amount_minor=99, forced=True, channel=channel, reason="gone"),
        ],
        "Release": both(till.release, channel=channel),
        "CheckAndReserve": [lambda: till.check_and_reserve("A", "O", 10, "USD", channel=channel)],
        "BatchCheckAndReserve": [
            lambda: till.batch_check_and_reserve([item]),
            lambda: till.batch_check_and_reserve([item], all_or_none=True),
        ],
        "StreamCheckAndReserve": [lambda: next(till.stream_check_and_reserve([[item]]))],
    }


NAME_NO_ORDER = {"Check", "GetTime"}


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    """Why a call was refused, or its one item, and what that says; empty where it was not."""
    try:
        answer = call()
    except AccessError as error:
        return error.reason, error.message
    item = answer[0] if isinstance(answer, tuple) else None
    return (item.reason, item.message) if isinstance(item, ItemError) else ("", "")


def test_a_pos_has_the_orders_of_its_own_channel_and_no_others(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server(access_tokens=write_lines(tmp_path / "tokens", LINES))

    def caller(token: str) -> Client:
        return Client(server.address, ClientOptions(token=token))

    with caller("cg_boss") as boss, caller("cg_till_1") as mine, caller("cg_till_2") as theirs:
        account = AccountUpsert(account_id="A", currency="USD", limit=CreditLimit.of(1_000))
        boss.upsert_accounts([account])
        held = mine.check_and_reserve("A", "O", 30, "USD", channel=OWN).reservation_id
        before = boss.get_reservation(**BY_ORDER), boss.get_position("A")
        assert before[0].open_minor == 30

        def outcomes(till: Client, channel: str) -> dict[str, list[tuple[str, str]]]:
            methods = about_an_order(till, channel, held)
            allowed = {
                path.rpartition("/")[2] for path in METHOD_ROLES if "pos" in METHOD_ROLES[path]
            }
            assert methods.keys() >= allowed - NAME_NO_ORDER
            return {name: [refusal(call) for call in calls] for name, calls in methods.items()}

        def denied(channel: str) -> set[tuple[str, str]]:
            rule = f'is not of channel "{channel}", the only one that the caller has'
            by_id = ("CHANNEL_NOT_OWN", f'reservation_id "{held}" {rule}')
            return {by_id, ("CHANNEL_NOT_OWN", f'order_id "O" {rule}')}

        for name, said in outcomes(theirs, OTHER).items():
            in_batch = [(reason, what.removeprefix("items[0]: ")) for reason, what in said]
            assert set(in_batch) <= denied(OTHER), (name, said)
            assert (boss.get_reservation(**BY_ORDER), boss.get_position("A")) == before, name

        # Order O is reserved, so only that is refused of what its own channel asks for.
        asked_again = {"CheckAndReserve", "BatchCheckAndReserve", "StreamCheckAndReserve"}
        methods = about_an_order(mine, OWN, held)
        own = {name: calls for name, calls in methods.items() if name not in asked_again}
        for name, calls in own.items():
            assert refusal(calls[0]) == ("", ""), name
        # Nothing of it is open any more, and it is nobody else's for that.
        assert boss.get_reservation(**BY_ORDER).open_minor == 0
        assert all(set(said) != {("", "")} for said in outcomes(theirs, OTHER).values())

        # An order that named no channel is no till's.
        boss.check_and_reserve("A", "N", 30, "USD")

        def release(client: Client, channel: str) -> Any:
            return client.release(account_id="A", order_id="N", channel=channel)

        assert refusal(lambda: release(mine, OWN))[0] == "CHANNEL_NOT_OWN"
        assert refusal(lambda: release(boss, "")) == ("", "")
