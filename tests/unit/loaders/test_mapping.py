"""A mapping file gives the columns of a load from those of a company's export, or is refused."""

import asyncio
import csv
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from creditgate.client import AccountUpsert, CreditLimit
from creditgate.loaders import load as loading
from creditgate.loaders import mapping, rows
from creditgate.loaders.chunks import Load
from creditgate.loaders.dead_letters import default_path
from creditgate.loaders.errors import FileError, RowError
from creditgate.loaders.load import FileLoad
from creditgate.loaders.tally import Tally
from tests.support.tables import FORMATS, Row, write_rows

LIMIT_COLUMNS = (
    "currency, limit_kind, limit_amount, limit_valid_until, max_order_amount, "
    "shared_limit_kind, shared_limit_amount"
)
KNOWN = ("account_id", "currency", "limit_amount", "limit_valid_until")
TAKES = "this load takes account_id, currency, limit_amount, limit_valid_until"

ERP = """
decimal_comma = ["limit_amount"]
ignore = ["MANDT"]

[columns]
account_id = "KUNNR"
limit_amount = "KLIMK"
limit_valid_until = "DATBI"
limit_kind = "SPERR"

[constants]
currency = "EUR"

[values.limit_kind]
X = "no_credit"
"" = "amount"

[dates]
limit_valid_until = "%d.%m.%Y"
"""
EXPORT: list[Row] = [
    {"MANDT": "100", "KUNNR": "1", "KLIMK": "1.234,50", "DATBI": "31.12.2030", "SPERR": ""},
    {"MANDT": "100", "KUNNR": "2", "KLIMK": "", "DATBI": "", "SPERR": "X"},
    {"MANDT": "100", "KUNNR": "3", "KLIMK": "12.50", "DATBI": "", "SPERR": ""},
    {"MANDT": "100", "KUNNR": "4", "KLIMK": "7", "DATBI": "12/31/2030", "SPERR": ""},
]


def run(path: Path, toml: str) -> tuple[list[AccountUpsert], Tally]:
    """The messages of a load of limits with a mapping; its dead letters stand beside the file."""
    messages: list[AccountUpsert] = []

    async def note(load: Load[AccountUpsert]) -> None:
        for chunk in load.chunks():
            messages.extend(chunk.messages)
            load.settle(chunk, Counter(valid=len(chunk.messages)), {})

    file_load = FileLoad(rows.LIMITS, path, Tally(()), note)
    file_load.mapping = path.parent / "erp.toml"
    file_load.mapping.write_text(toml)
    return messages, asyncio.run(file_load.run())


@pytest.mark.parametrize("form", FORMATS)
def test_a_company_s_own_export_is_taken(tmp_path: Path, form: str) -> None:
    path = write_rows(tmp_path / f"export.{form}", list(EXPORT[0]), EXPORT)
    messages, tally = run(path, ERP)
    assert [(row.account_id, row.currency, row.limit) for row in messages] == [
        ("1", "EUR", CreditLimit.of(1_234_50, valid_until=date(2030, 12, 31))),
        ("2", "EUR", CreditLimit.no_credit()),
    ]
    assert [(error.field, error.value, error.message) for _, error in tally.first_rejected] == [
        (
            "limit_amount",
            "12.50",
            ("limit_amount '12.50': must be a number with a decimal comma, such as 1.234,50"),
        ),
        (
            "limit_valid_until",
            "12/31/2030",
            ("limit_valid_until '12/31/2030': must be written like 22.11.2031"),
        ),
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_mended_dead_letters_are_loaded_with_the_same_mapping(tmp_path: Path, form: str) -> None:
    path = write_rows(tmp_path / f"export.{form}", list(EXPORT[0]), EXPORT)
    run(path, ERP)
    letters = default_path(path)
    mended = letters.read_text().replace(",12.50,", ',"12,50",').replace("12/31/2030", "31.12.2030")
    letters.write_text(mended)
    messages, tally = run(letters, ERP)
    assert [(row.account_id, row.limit and row.limit.amount_minor) for row in messages] == [
        ("3", 12_50), ("4", 7_00),
    ]  # fmt: skip
    assert tally.rejected == 0
    assert letters.read_text() == mended


def test_a_delimiter_holds_for_the_file_and_its_dead_letters(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("account_id;limit_amount\nA;5,00\nB;5,001\n")
    toml = (
        'delimiter = ";"\ndecimal_comma = ["limit_amount"]\n'
        '[constants]\ncurrency = "EUR"\nlimit_kind = "amount"\n'
    )
    messages, tally = run(path, toml)
    assert [row.account_id for row in messages] == ["A"]
    assert tally.rejected == 1
    letters = default_path(path)
    with letters.open(newline="") as file:
        assert next(csv.reader(file, delimiter=";"))[5:] == ["account_id", "limit_amount"]
    letters.write_text(letters.read_text().replace(";B;5,001", ";B;5,01"))
    assert [row.account_id for row in run(letters, toml)[0]] == ["B"]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "KUNNR,currency,limit_kind,X",
            f"unknown column 'X'; this load takes KUNNR, {LIMIT_COLUMNS}",
        ),
        (
            "account_id,currency,limit_kind",
            f"unknown column 'account_id'; this load takes KUNNR, {LIMIT_COLUMNS}",
        ),
        (
            "currency,limit_kind",
            "column 'KUNNR' is missing, which the mapping takes account_id from",
        ),
        (
            "KUNNR,limit_kind",
            f"required column 'currency' is missing; this load takes KUNNR, {LIMIT_COLUMNS}",
        ),
        ("KUNNR,currency,limit_kind,KUNNR", "column 'KUNNR' appears twice"),
    ],
)
def test_a_file_that_its_mapping_does_not_fit_is_refused(
    tmp_path: Path, header: str, message: str
) -> None:
    path = tmp_path / "export.csv"
    path.write_text(f"{header}\n")
    with pytest.raises(FileError) as caught:
        run(path, '[columns]\naccount_id = "KUNNR"\n')
    assert str(caught.value) == f"{path}: {message}"


def test_all_other_columns_may_be_ignored_and_own_names_too(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("account_id,currency,limit_kind,limit_amount,a,a\nA,EUR,no_credit,5,x,y\n")
    messages, tally = run(path, 'ignore = ["limit_amount", "a"]')
    assert ([row.limit for row in messages], tally.rejected) == ([CreditLimit.no_credit()], 0)
    # Of a column with a name of the load's it is not said that it means another thing.
    assert run(path, 'ignore = "others"')[1].rejected == 1


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            "colums = 1",
            (
                "unknown key 'colums'; a mapping has columns, constants, values, dates, "
                "decimal_comma, ignore, delimiter"
            ),
        ),
        ("columns = 1", "columns: must be a table, is 1"),
        ('[columns]\nlimit = "L"', f"columns: unknown column 'limit'; {TAKES}"),
        ("[columns]\ncurrency = 5", "columns.currency: must be text in quotes, is 5"),
        ('[constants]\nlimit = "L"', f"constants: unknown column 'limit'; {TAKES}"),
        (
            "[constants]\nlimit_amount = 1.5",
            "constants.limit_amount: must be text in quotes, is 1.5",
        ),
        ('[values]\ncurrency = "EUR"', "values.currency: must be a table, is 'EUR'"),
        ("[values.currency]\nE = 1", "values.currency.E: must be text in quotes, is 1"),
        ("[values.curency]", f"values: unknown column 'curency'; {TAKES}"),
        (
            '[dates]\nlimit_valid_until = "DD.MM.YYYY"',
            (
                "dates.limit_valid_until: must be the form "
                "of a date, such as %d.%m.%Y, is 'DD.MM.YYYY'"
            ),
        ),
        (
            '[dates]\nlimit_valid_until = "%m/%Y"',
            ("dates.limit_valid_until: must be the form of a date, such as %d.%m.%Y, is '%m/%Y'"),
        ),
        (
            'decimal_comma = "limit_amount"',
            "decimal_comma: must be a list of names, is 'limit_amount'",
        ),
        ('decimal_comma = ["amount"]', f"decimal_comma: unknown column 'amount'; {TAKES}"),
        (
            '[dates]\nlimit_valid_until = "%d.%d.%Y"',
            "dates.limit_valid_until: must be the form of a date, such as %d.%m.%Y, is '%d.%d.%Y'",
        ),
        ("ignore = true", "ignore: must be a list of names, is True"),
        ('delimiter = "::"', "delimiter: must be one of (',', ';', '|', '\\t'), is '::'"),
        (
            '[columns]\ncurrency = "W"\n[constants]\ncurrency = "EUR"',
            "constants.currency: must stand alone, is mapped from the file too",
        ),
        (
            'decimal_comma = ["limit_amount"]\n[dates]\nlimit_amount = "%d.%m.%Y"',
            "dates.limit_amount: must not stand in decimal_comma too",
        ),
        (
            'ignore = ["W"]\n[columns]\ncurrency = "W"',
            "columns.currency: 'W' must not stand in ignore too",
        ),
        ("a = 1\nb = c", "is not TOML: Invalid value (at line 2, column 5)"),
    ],
)
def test_a_wrong_mapping_is_refused_by_its_key(tmp_path: Path, toml: str, message: str) -> None:
    path = tmp_path / "erp.toml"
    path.write_text(toml)
    with pytest.raises(FileError) as caught:
        mapping.read(path, KNOWN)
    assert str(caught.value) == f"{path}: {message}"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("1.234.567,80", "1234567.80"), ("-1234,5", "-1234.5"), ("+7", "+7"), ("0", "0"),
        ("1.2345,00", None), ("1,234.50", None), ("1.50", None), (",5", None), ("1,5 €", None),
    ],
)  # fmt: skip
def test_decimal_commas_are_never_guessed(text: str, cell: str | None) -> None:
    found = mapping.FileMapping(decimal_comma=("amount",))
    if cell is not None:
        assert found.cells({"amount": text}) == {"amount": cell}
    else:
        with pytest.raises(RowError, match="must be a number with a decimal comma"):
            found.cells({"amount": text})


def test_a_time_of_another_form_keeps_its_zone() -> None:
    found = mapping.FileMapping(dates={"a": "%d.%m.%Y %H:%M %z", "b": "%Y%m%d %H%M"})
    cells: dict[str, Any] = {"a": "31.01.2026 16:05 +0200", "b": "20260131 0000"}
    assert found.cells(cells) == {"a": "2026-01-31T16:05:00+02:00", "b": "2026-01-31"}


def test_a_column_that_is_not_there_is_as_an_empty_cell(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("account_id,limit_amount\nA,5\n")
    toml = '[values.limit_kind]\n"" = "amount"\n[values.currency]\n"" = "EUR"\n'
    with pytest.raises(FileError, match="required column 'currency' is missing"):
        run(path, toml)
    path.write_text("account_id,limit_amount,currency,limit_kind\nA,5,,\n")
    assert [row.limit for row in run(path, toml)[0]] == [CreditLimit.of(5_00)]
    path.write_text("account_id,limit_amount,currency,limit_kind\nA,,,\n")
    toml += '[values.limit_amount]\n"" = "7"\n[values.max_order_amount]\n"" = "9"\n'
    assert [row.max_order_amount_minor for row in run(path, toml)[0]] == [9_00]


def test_a_dry_run_needs_the_mapping_too(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "export.csv", list(EXPORT[0]), EXPORT[:2])
    file_load = loading.dry_run(rows.LIMITS, path)
    file_load.mapping = tmp_path / "none.toml"
    with pytest.raises(FileError, match=r"none\.toml: cannot be read: No such file"):
        asyncio.run(file_load.run())
