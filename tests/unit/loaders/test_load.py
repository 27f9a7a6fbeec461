"""A load accounts for every row: in the summary, and in the dead letters."""

import asyncio
import csv
import os
from collections import Counter
from pathlib import Path

import pytest

from creditgate.client import AccountUpsert, ItemError
from creditgate.loaders import chunks, load, rows, sources
from creditgate.loaders.chunks import Load
from creditgate.loaders.dead_letters import default_path
from creditgate.loaders.errors import FileError, LoadError, LoadStoppedError, RowError
from creditgate.loaders.load import FileLoad
from creditgate.loaders.tally import REJECTED_SHOWN_MAX, Tally

HEADER = "account_id,currency,limit_kind,limit_amount"


def write(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    path = tmp_path / "accounts.csv"
    path.write_text("\n".join([header, *lines, ""]))
    return path


def dead_letters(path: Path) -> list[dict[str, str]]:
    with default_path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def run(file_load: FileLoad[AccountUpsert]) -> Tally:
    return asyncio.run(file_load.run())


def check(path: Path) -> FileLoad[AccountUpsert]:
    """A dry run that writes dead letters where a load would."""
    file_load = load.dry_run(rows.ACCOUNTS, path)
    file_load.dead_letters = default_path(path)
    return file_load


def test_a_dry_run_finds_every_bad_row(tmp_path: Path) -> None:
    path = write(tmp_path, "A1,EUR,,", "A2,euro,,", "A3", "A4,EUR,amount,1.234", "A5,JPY,,")
    tally = run(check(path))
    assert (tally.read, tally.loaded, tally.rejected, tally.unanswered) == (5, 2, 3, 0)
    assert tally.figures() == {
        "read": 5,
        "valid": 2,
        "rejected": 3,
        "rejections": [
            {"reason": "FIELD_INVALID", "field": "currency", "rows": 1},
            {"reason": "FIELD_INVALID", "field": "limit_amount", "rows": 1},
            {"reason": "ROW_MALFORMED", "field": "", "rows": 1},
        ],
        "not_answered": 0,
    }
    found = dead_letters(path)
    assert [(row["line"], row["field"], row["value"], row["reason"]) for row in found] == [
        ("3", "currency", "euro", "FIELD_INVALID"),
        ("4", "", "", "ROW_MALFORMED"),
        ("5", "limit_amount", "1.234", "FIELD_INVALID"),
    ]
    assert found[0]["message"].startswith("currency 'euro': must be three capital letters")
    assert [row["account_id"] for row in found] == ["A2", "A3", "A4"]
    assert found[2]["limit_kind"] == "amount"


def test_dead_letters_are_of_the_latest_load(tmp_path: Path) -> None:
    path = write(tmp_path, "A1,euro,,")
    assert run(check(path)).rejected == 1
    assert default_path(path).exists()
    write(tmp_path, "A1,EUR,,")
    assert run(check(path)).rejected == 0
    assert not default_path(path).exists()


def test_dead_letters_keep_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    path.write_bytes(b"account_id,currency\ncaf\xe9,EUR\n")
    assert run(check(path)).rejected == 1
    assert default_path(path).read_bytes().splitlines()[1].endswith(b",caf\xe9,EUR")


def test_dead_letters_never_overwrite_the_file_itself(tmp_path: Path) -> None:
    path = write(tmp_path, "A1,EUR,,")
    before = path.read_bytes()
    file_load = load.dry_run(rows.ACCOUNTS, path)
    file_load.dead_letters = tmp_path / "." / "accounts.csv"
    with pytest.raises(FileError, match="would overwrite the file itself"):
        run(file_load)
    assert path.read_bytes() == before


def test_dead_letters_that_cannot_be_written_stop_the_load(tmp_path: Path) -> None:
    path = write(tmp_path, "A1,euro,,")
    file_load = load.dry_run(rows.ACCOUNTS, path)
    file_load.dead_letters = tmp_path / "missing" / "rejected.csv"
    with pytest.raises(LoadStoppedError, match="dead letters cannot be written: No such file"):
        run(file_load)


def test_dead_letters_on_a_full_disk_stop_the_load(tmp_path: Path) -> None:
    path = write(tmp_path, "A1,euro,,")
    file_load = load.dry_run(rows.ACCOUNTS, path)
    file_load.dead_letters = tmp_path / "full"
    file_load.dead_letters.symlink_to("/dev/full")
    with pytest.raises(LoadStoppedError, match="dead letters cannot be written: No space left"):
        run(file_load)
    assert file_load.tally.unanswered == 0


def test_dead_letters_may_go_to_a_device_which_stays_one(tmp_path: Path) -> None:
    path = write(tmp_path, "A1,euro,,")
    file_load = load.dry_run(rows.ACCOUNTS, path)
    file_load.dead_letters = tmp_path / "nowhere"
    file_load.dead_letters.symlink_to(os.devnull)
    assert run(file_load).rejected == 1
    assert file_load.dead_letters.is_char_device()


def test_a_file_that_turns_out_to_be_none_stops_the_load_where_it_is(tmp_path: Path) -> None:
    lines = [f"A{i},EUR,," for i in range(chunks.CHUNK_ROWS_MAX)]
    path = write(tmp_path, *lines, "x" * (sources.LINE_LENGTH_MAX + 1))
    file_load = load.dry_run(rows.ACCOUNTS, path)
    with pytest.raises(LoadStoppedError, match=r"line 1002 is longer than"):
        run(file_load)
    assert (file_load.tally.read, file_load.tally.loaded) == (1_000, 1_000)


def test_a_file_without_rows_is_loaded(tmp_path: Path) -> None:
    tally = run(load.dry_run(rows.ACCOUNTS, write(tmp_path)))
    assert (tally.read, tally.loaded, tally.rejected) == (0, 0, 0)


def test_a_pipe_is_a_file_too(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with open(reading), open(writing, "w") as text:  # noqa: PTH123 - no path leads to a pipe
        text.write(f"{HEADER}\nA1,EUR,,\n")
        text.close()
        file_load = load.dry_run(rows.ACCOUNTS, Path(f"/dev/fd/{reading}"))
        file_load.dead_letters = tmp_path / "rejected.csv"
        assert run(file_load).loaded == 1


def test_a_wrong_header_leaves_earlier_dead_letters_alone(tmp_path: Path) -> None:
    path = write(tmp_path, "A1,euro,,")
    run(check(path))
    write(tmp_path, "A1,EUR", header="account_id,money")
    with pytest.raises(FileError, match="unknown column 'money'"):
        run(check(path))
    assert default_path(path).exists()


def test_refusals_of_the_server_are_told_in_terms_of_the_file(tmp_path: Path) -> None:
    async def refuse_second(load: Load[AccountUpsert]) -> None:
        for chunk in load.chunks():
            error = ItemError("INVALID_ARGUMENT", "FIELD_INVALID", "limit.amount_minor", "too much")
            load.settle(chunk, Counter(created=1), {1: error})

    # Rejected here and rejected there, in the order of the file.
    path = write(tmp_path, "A1,EUR,,", "A2,EUR,amount,99.00", "A3,x,,")
    tally = run(FileLoad(rows.ACCOUNTS, path, Tally(("created",)), refuse_second))
    assert (tally.read, tally.loaded, tally.rejected) == (3, 1, 2)
    found = [(row["line"], row["field"], row["value"]) for row in dead_letters(path)]
    assert found == [("3", "limit_amount", "99.00"), ("4", "currency", "x")]


def test_an_answer_that_does_not_add_up_stops_the_load(tmp_path: Path) -> None:
    async def answer_one(load: Load[AccountUpsert]) -> None:
        for chunk in load.chunks():
            load.settle(chunk, Counter(created=1), {})

    path = write(tmp_path, "A1,EUR,,", "A2,EUR,,")
    file_load = FileLoad(rows.ACCOUNTS, path, Tally(("created",)), answer_one)
    with pytest.raises(LoadStoppedError, match="answered 1 of 2 rows"):
        run(file_load)
    assert file_load.tally.unanswered == 2


def test_a_load_that_forgets_rows_does_not_count_as_complete(tmp_path: Path) -> None:
    async def forget(load: Load[AccountUpsert]) -> None:
        assert sum(1 for _ in load.chunks()) == 1

    path = write(tmp_path, "A1,EUR,,")
    with pytest.raises(LoadError, match="does not add up: 1 rows read, 0 loaded, 0 rejected"):
        run(FileLoad(rows.ACCOUNTS, path, Tally(("created",)), forget))


def test_chunks_are_bounded_by_rows_and_by_text(tmp_path: Path) -> None:
    sizes: list[int] = []

    async def measure(load: Load[AccountUpsert]) -> None:
        for chunk in load.chunks():
            sizes.append(len(chunk))
            load.settle(chunk, Counter(valid=len(chunk.messages)), {})

    def sizes_of(lines: list[str]) -> list[int]:
        sizes.clear()
        path = write(tmp_path, *lines, header="account_id,currency,display_name")
        run(FileLoad(rows.ACCOUNTS, path, Tally(()), measure))
        return list(sizes)

    assert sizes_of([f"A{i},EUR," for i in range(2_001)]) == [1_000, 1_000, 1]
    assert sizes_of([]) == []
    # Names that are too long are rejected rows, but text to be held in memory all the same.
    wide = "x" * 100_000
    assert max(sizes_of([f"A{i},EUR,{wide}" for i in range(30)])) * 100_000 < (
        chunks.CHUNK_CHARS_MAX + 2 * 100_000
    )


def test_progress_reaches_the_size_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, *(f"A{i},EUR,," for i in range(3_000)))
    file_load = load.dry_run(rows.ACCOUNTS, path)
    seen: list[int] = []
    file_load.on_bytes_read = seen.append
    run(file_load)
    assert seen == sorted(seen)
    assert len(seen) == 3
    assert seen[-1] == path.stat().st_size


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        run(load.dry_run(rows.ACCOUNTS, tmp_path))


def test_a_row_error_shows_its_message() -> None:
    assert str(RowError("f", "v", "R", "f 'v': rule")) == "f 'v': rule"


def test_paths_of_dead_letters_stand_beside_the_file() -> None:
    assert default_path(Path("in", "a.csv")) == Path(f"in{os.sep}a.csv.rejected.csv")
    assert default_path(Path("/dev/stdin")) == Path("stdin.rejected.csv")


def test_the_first_rejected_rows_are_told_and_the_others_counted(tmp_path: Path) -> None:
    path = write(tmp_path, *(f"A{i},euro,," for i in range(REJECTED_SHOWN_MAX + 1_002)))
    *told, more = run(load.dry_run(rows.ACCOUNTS, path)).rejected_lines()
    assert told[0].startswith("line 2: FIELD_INVALID: currency 'euro': must be three capital")
    assert len(told) == REJECTED_SHOWN_MAX
    assert more == "and 1,002 more"
    assert not default_path(path).exists()


def test_an_account_stands_in_one_row(tmp_path: Path) -> None:
    # A row that is refused sets nothing; and the file is longer than a chunk.
    others = [f"A{i},EUR,," for i in range(chunks.CHUNK_ROWS_MAX)]
    path = write(tmp_path, "B,euro,,", "B,EUR,amount,1", *others, "B,EUR,amount,2")
    assert run(check(path)).rejected == 2
    last = dead_letters(path)[1]
    assert (last["line"], last["reason"]) == ("1004", "DUPLICATE_ROW")
    assert (last["field"], last["value"]) == ("account_id", "B")
    assert last["message"] == (
        "account_id 'B': must stand in one row of the file, stands in line 3 already"
    )


def test_a_segment_stands_in_one_row_for_each_currency(tmp_path: Path) -> None:
    header = "segment_id,currency,limit_kind"
    lines = ("S,EUR,no_credit", "S,USD,no_credit", "S,EUR,unlimited")
    tally = asyncio.run(load.dry_run(rows.SEGMENTS, write(tmp_path, *lines, header=header)).run())
    [(line, error)] = tally.first_rejected
    assert (line, error.field, error.value, error.reason) == (4, "segment_id", "S", "DUPLICATE_ROW")
    assert "segment_id 'S', currency 'EUR'" in error.message


def test_entries_are_told_apart_by_the_server(tmp_path: Path) -> None:
    line = "1,A,adjustment,5,EUR"
    path = write(tmp_path, line, line, header="entry_id,account_id,kind,amount,currency")
    tally = asyncio.run(load.dry_run(rows.ENTRIES, path).run())
    assert (tally.loaded, tally.rejected) == (2, 0)
