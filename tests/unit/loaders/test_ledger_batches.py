"""Rows of a ledger in few calls: each account's rows keep their order."""

from hypothesis import given
from hypothesis import strategies as st

from creditgate.loaders.ledger import mapping
from creditgate.loaders.ledger.batches import plan
from creditgate.loaders.ledger.outbox import OutboxRow

REFERENCE = mapping.read(mapping.REFERENCE)
SHARED = {"segment"}


def cells(feed: str, account: str, number: int) -> dict[str, str]:
    return {
        "segment": {"segment_id": "s", "currency": "USD", "cap_kind": "unlimited"},
        "customer": {"account_id": account, "currency": "USD"},
        "limit": {"account_id": account, "currency": "USD", "limit_kind": "no_credit"},
        "invoice": {
            "entry_id": f"i{number}", "account_id": account, "kind": "invoice", "amount": "1",
            "currency": "USD", "invoice_id": f"I{number}",
        },
    }[feed]  # fmt: skip


feeds = st.sampled_from(["segment", "customer", "limit", "invoice", "invoice", "invoice"])
rows = st.lists(st.tuples(feeds, st.sampled_from("abc"), st.sampled_from([None, "a", "b"])))


@given(rows)
def test_rows_follow_those_that_they_depend_on(given_rows: list[tuple[str, str, str]]) -> None:
    made = []
    for number, (feed, account, parent) in enumerate(given_rows):
        row = cells(feed, account, number)
        if feed == "customer" and parent:
            row["parent_account_id"] = parent
        made.append(OutboxRow(number, 0.0, feed, row))
    batches, refused = plan(made, REFERENCE)
    assert not refused
    sent = [(index, lot.row) for index, batch in enumerate(batches) for lot in batch.lots]
    assert sorted(row.id for _, row in sent) == list(range(len(made)))
    for batch in batches:
        assert {REFERENCE.kind_of(lot.row.feed) for lot in batch.lots} == {batch.kind}
    place = {row.id: order for order, (_, row) in enumerate(sent)}
    for later in made:
        for earlier in made[: later.id]:
            names = {"account_id", "parent_account_id"}
            both = {earlier.cells.get(name) for name in names} & {
                later.cells.get(name) for name in names
            }
            if both - {None} or {earlier.feed, later.feed} & SHARED:
                assert place[earlier.id] < place[later.id]


def test_few_batches_for_many_accounts() -> None:
    made = []
    for number in range(0, 1_000, 2):
        account = str(number)
        made.append(OutboxRow(number, 0.0, "customer", cells("customer", account, number)))
        made.append(OutboxRow(number + 1, 0.0, "invoice", cells("invoice", account, number)))
    assert [batch.kind for batch in plan(made, REFERENCE)[0]] == ["accounts", "entries"]


def test_what_no_message_can_be_made_of_is_refused_alone() -> None:
    bad = cells("invoice", "a", 2) | {"amount": "1.005"}
    made = [
        OutboxRow(1, 0.0, "invoice", cells("invoice", "a", 1)),
        OutboxRow(2, 0.0, "invoice", bad),
        OutboxRow(3, 0.0, "gone", {"account_id": "a"}),
        OutboxRow(4, 0.0, "invoice", {"account_id": "a"}, "column x does not exist"),
    ]
    batches, refused = plan(made, REFERENCE)
    assert [lot.row.id for batch in batches for lot in batch.lots] == [1]
    found = [(one.row.id, one.error.field, one.error.reason) for one in refused]
    assert found == [
        (2, "amount", "FIELD_INVALID"),
        (3, "feed", "UNKNOWN_FEED"),
        (4, "", "SCHEMA_DRIFT"),
    ]
