import pytest
from google.protobuf.message import Message

from creditgate.server import contract
from creditgate.server.contract import leading_string
from creditgate.v1 import account_pb2, decision_pb2, ledger_pb2


def test_the_clock_is_served_only_when_it_is_manual() -> None:
    with_clock = contract.services(manual_clock=True)
    assert set(with_clock) - set(contract.services(manual_clock=False)) == {
        "creditgate.v1.ClockService"
    }


def test_every_method_is_found_with_the_field_that_names_its_requests() -> None:
    methods = contract.methods(contract.services(manual_clock=True))
    names = {method.path.rpartition("/")[2]: method.name_field for method in methods}
    assert len(names) == len(methods)
    assert names["CheckAndReserve"] == names["UpsertAccounts"] == "request_id"
    assert names["PostEntries"] == "source"
    assert names["GetPosition"] == "account_id"
    assert names["WatchPositions"] == ""  # a list
    assert names["SetTime"] == ""  # a message
    assert names["GetTime"] == ""  # empty


def test_cold_methods_exist() -> None:
    methods = contract.methods(contract.services(manual_clock=True))
    cold = {method.path.rpartition("/")[2] for method in methods if method.cold}
    assert cold == contract._COLD_METHODS


def test_a_request_of_a_stream_can_be_read_as_one_of_a_post() -> None:
    def fields(kind: type[Message]) -> list[tuple[int, str, int]]:
        return [(f.number, f.name, f.type) for f in kind.DESCRIPTOR.fields]

    assert fields(ledger_pb2.StreamEntriesRequest) == fields(ledger_pb2.PostEntriesRequest)


@pytest.mark.parametrize("request_id", ["r", "заказ-7", "注文" * 10, "x" * 64])
def test_the_leading_string_is_the_request_id(request_id: str) -> None:
    request = decision_pb2.CheckAndReserveRequest(request_id=request_id, account_id="a")
    assert leading_string(request.SerializeToString()) == request_id


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"",
        b"\x0a",
        decision_pb2.CheckAndReserveRequest(account_id="a").SerializeToString(),
        account_pb2.GetAccountRequest(account_id="x" * 65).SerializeToString(),
        account_pb2.GetAccountRequest(account_id="x" * 300).SerializeToString(),
    ],
)
def test_without_a_short_leading_string_there_is_none(request_bytes: bytes) -> None:
    assert leading_string(request_bytes) == ""


def test_bytes_that_lie_about_their_length_do_no_harm() -> None:
    assert leading_string(b"\x0a\x40ab\xff") == "ab\ufffd"
