"""Mapping files of ledgers: a wrong one is refused with every mistake that it has."""

from pathlib import Path

import pytest

from creditgate.loaders.errors import FileError
from creditgate.loaders.ledger import feeds, mapping

OPEN_ITEMS = """
[open_items]
table = "items"
[open_items.columns]
account_id = "r.a"
currency = "r.c"
invoice_id = "r.i"
amount = "r.m"
"""
FEED = """
source = "erp"
[[feed]]
name = "limit"
table = "limits"
kind = "limits"
on = "change"
[feed.columns]
account_id = "r.a"
currency = "'USD'"
limit_kind = "'amount'"
limit_amount = "r.m"
"""


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "ours.toml"
    path.write_text(text)
    with pytest.raises(FileError) as refused:
        mapping.read(path)
    return str(refused.value).replace(f"{path}: ", "")


def test_a_mapping_is_read(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_text(FEED + OPEN_ITEMS)
    found = mapping.read(path)
    assert (found.source, found.kind_of("limit")) == ("erp", "limits")
    assert (found.kind_of(mapping.OPEN_ITEM), found.kind_of("gone")) == ("entries", None)


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('source = "erp"', 'source = ""', "source '': must not be empty"),
        ('name = "limit"', 'name = "Limit; DROP"', "feed 'Limit; DROP': a name is 1 to 40 of"),
        ('name = "limit"', 'name = "open_item"', "feed 'open_item': another one has this name"),
        ('kind = "limits"', 'kind = "limit"', "feed 'limit': kind 'limit' must be one of accounts"),
        ('limit_amount = "r.m"', 'amount = "r.m"', "feed 'limit': column 'amount' must be one of"),
        (
            'account_id = "r.a"\ncurrency',
            "currency",
            "feed 'limit': column 'account_id' is missing",
        ),
        ('on = "change"', 'on = "delete"', "Invalid enum value 'delete'"),
        ('table = "limits"', 'tables = "limits"', "Object contains unknown field `tables`"),
        ('invoice_id = "r.i"\n', "", "open_items: column 'invoice_id' is missing"),
        (
            'on = "change"',
            'on = "change"\nsnapshot_when = "true"',
            "feed 'limit': snapshot_when is for entries with a column 'source'",
        ),
        ('table = "items"', "table = ", "Invalid value"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, was: str, becomes: str, said: str) -> None:
    text = FEED + OPEN_ITEMS
    assert was in text
    assert said in refusal(tmp_path, text.replace(was, becomes, 1))


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    text = (FEED + OPEN_ITEMS).replace("limit_kind", "kind").replace("invoice_id", "invoice")
    assert len(refusal(tmp_path, text).splitlines()) == 4


def test_a_deferred_feed_speaks_at_the_commit() -> None:
    reference = mapping.read(mapping.REFERENCE)
    sql = feeds.installation(reference)
    assert "CONSTRAINT TRIGGER creditgate_feed_payment AFTER INSERT ON payments" in sql
    assert "TRIGGER creditgate_feed_limit AFTER INSERT OR UPDATE ON limits" in sql
