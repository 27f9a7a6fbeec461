"""The page of the data-quality report, as a browser shows it."""

import csv
import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from creditgate.client.cli import main
from creditgate.loaders.quality.report import CELL_MAX, SHOWN_MAX
from tests.support.books import Books

CHROMIUM = "chromium"
TIMEOUT_S = 120
DAY = "2026-07-01"
NARROW_PX = 360
"""As wide as a telephone."""

# In a frame, so that the window is as narrow as asked for and a page that ran something would be
# seen from outside. `shown` is what stands there, not what the source says.
LOOK = f"""<!doctype html><meta charset="utf-8"><title>looking</title>
<iframe src="quality.html" width="{NARROW_PX}" height="800"></iframe><pre></pre>
<script>onload = () => {{
    const page = document.querySelector("iframe").contentDocument;
    const text = (cell) => cell.innerText;
    const shown = (row) => [...row.querySelectorAll("td")].map(text);
    const tables = (root) => [...root.querySelectorAll("tr")].map(shown).filter((r) => r.length);
    const section = (one) => ({{id: one.id, text: one.innerText, rows: tables(one)}});
    document.querySelector("pre").textContent = JSON.stringify({{
        outer_title: document.title,
        title: page.title,
        width: page.documentElement.scrollWidth,
        table_widths: [...page.querySelectorAll("section .scroll")].map((e) => e.scrollWidth),
        elements: [...new Set([...page.querySelectorAll("*")].map((e) => e.localName))].sort(),
        links: [...page.querySelectorAll("a")].map((a) => page.querySelector(a.hash)?.id),
        summary: tables(page.querySelector("table").parentNode),
        sections: [...page.querySelectorAll("section")].map(section),
    }});
}};</script>"""

INJECTED = (
    "<script>parent.document.title=document.title='ran'</script>",
    '<img src=x onerror="parent.document.title=document.title=1">',
    '</td></table></title><svg onload="parent.document.title=1">&lt;"\'',
    "  two  blanks at both ends  ",
    "שלום & Söhne",
    "longwithoutablank" * 60,
)


def fill(books: Books) -> None:
    """Two customers of each name, and more without a limit than a page shows."""
    books.add_all(
        "customers", "account_id, display_name, currency",
        [(f"{n}-{i}", name, "USD") for i, name in enumerate(INJECTED) for n in "AB"],
    )  # fmt: skip
    books.add_all(
        "customers", "account_id, currency", [(f"N-{n}", "USD") for n in range(SHOWN_MAX)]
    )
    books.add_all(
        "limits", "account_id, limit_kind, limit_amount", [("A-0", "amount", -5)],
    )  # fmt: skip


def looked_at(folder: Path) -> dict[str, Any]:
    """What a browser says of the page. Asserts that it had nothing to complain of."""
    (folder / "look.html").write_text(LOOK)
    done = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--allow-file-access-from-files", f"--user-data-dir={folder / 'profile'}"),
            *("--enable-logging=stderr", "--dump-dom", (folder / "look.html").as_uri()),
        ],
        capture_output=True, text=True, check=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr, done.stderr
    found = re.search(r"<pre>(.+?)</pre>", done.stdout, re.DOTALL)
    assert found is not None, done.stdout
    told: dict[str, Any] = json.loads(unescape(found[1]))
    return told


@pytest.mark.skipif(
    shutil.which(CHROMIUM) is None and "CI" not in os.environ, reason="chromium: make peers"
)
def test_a_browser_shows_what_the_csv_has_and_runs_none_of_it(books: Books, tmp_path: Path) -> None:
    fill(books)
    files = ["--html", str(tmp_path / "quality.html"), "--csv", str(tmp_path / "quality.csv")]
    done = CliRunner().invoke(main, ["quality", "--ledger", books.conninfo, "--as-of", DAY, *files])
    assert done.exit_code == 1, done.output
    page = looked_at(tmp_path)

    assert (page["outer_title"], page["title"]) == ("looking", f"Credit data, {DAY}")
    assert not {"script", "img", "svg"} & set(page["elements"])
    assert max(page["width"], *page["table_widths"]) <= NARROW_PX
    with (tmp_path / "quality.csv").open(newline="") as file:
        findings = list(csv.DictReader(file))
    by_rule: dict[str, list[dict[str, str]]] = {}
    for one in findings:
        key = f"{one['code']}-{one['relation']}-{one['field']}".lower()
        by_rule.setdefault(key, []).append(one)
    assert len(by_rule) == 3
    assert [one["id"] for one in page["sections"]] == page["links"] == list(by_rule)
    counts = [int(row[2].replace(",", "")) for row in page["summary"]]
    assert counts == [len(rows) for rows in by_rule.values()]
    assert max(counts) > SHOWN_MAX
    for section, rows in zip(page["sections"], by_rule.values(), strict=True):
        shown = [[one[name] for name in ("record", "account_id", "value", "detail")]
                 for one in rows[:SHOWN_MAX]]  # fmt: skip
        assert section["rows"] == [
            [text if len(text) <= CELL_MAX else f"{text[:CELL_MAX]}…" for text in row]
            for row in shown
        ]
        more = len(rows) - SHOWN_MAX
        assert (f"and {more} more: the CSV has all." in section["text"]) == (more > 0)
