"""The report: every finding as CSV, and a page of HTML for people that needs nothing else."""

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from html import escape
from pathlib import Path
from typing import Final, TextIO

from creditgate.loaders.errors import LoadError
from creditgate.loaders.quality.checks import Finding
from creditgate.loaders.quality.rules import Rule

SHOWN_MAX: Final = 200
"""Findings of one rule on the page; the CSV has all."""

CELL_MAX: Final = 300
"""Characters of a cell on the page, so that a ledger's longest texts do not make it endless."""

COLUMNS: Final = Finding.__struct_fields__

# What a spreadsheet would run, unless it is a number with a sign.
_FORMULA: Final = re.compile(r"[=@\t\r\n]|[+-](?!\d+(\.\d+)?\Z)", re.ASCII)

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --error: light-dark(#b00020, #ff8a8a);
  --warning: light-dark(#8a5a00, #f0c060); --notice: light-dark(#33618f, #9ac4f0); }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1200px; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; } td, th { padding: .25em .8em .25em 0; text-align: left;
  vertical-align: top; border-bottom: 1px solid var(--line); white-space: nowrap; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
/* As it stands in the ledger: blanks at an end or two in a row may be what is wrong. */
section td { white-space: pre-wrap; overflow-wrap: anywhere; min-width: 4em; }
.ERROR { color: var(--error); } .WARNING { color: var(--warning); }
.NOTICE { color: var(--notice); }
section { margin: 2.5em 0; } h2 { margin: 0; font-size: 1.15em; } h2 small { font-weight: 400; }
section p { margin: .3em 0; } .scroll { overflow-x: auto; }
"""


class ReportError(LoadError):
    """The report cannot be written."""


class Report:
    """Takes findings, rule by rule; writes CSV as they come and the page at the end.

    A file takes the place of the last one when it is whole. Raises ReportError.
    """

    def __init__(self, as_of: date, csv_path: Path | None, html_path: Path | None) -> None:
        self.counts: dict[Rule, int] = {}
        self._as_of = as_of
        self._csv_path = csv_path
        self._html_path = html_path

    def write(self, rules: Iterable[tuple[Rule, Iterator[Finding]]], left_out: list[Rule]) -> None:
        """Writes both files, as far as they are asked for."""
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8") as sections,
            _replacing(self._csv_path) as file,
        ):
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            for rule, findings in rules:
                shown: list[Finding] = []
                self.counts[rule] = 0
                for finding in findings:
                    rows.writerow([_as_text(getattr(finding, name)) for name in COLUMNS])
                    self.counts[rule] += 1
                    if len(shown) < SHOWN_MAX:
                        shown.append(finding)
                if shown:
                    sections.writelines(_section(rule, shown, self.counts[rule]))
            with _replacing(self._html_path) as page:
                page.writelines(_head(self._as_of, self.counts, left_out))
                sections.seek(0)
                while block := sections.read(io.DEFAULT_BUFFER_SIZE):
                    page.write(block)


@contextmanager
def _replacing(path: Path | None) -> Iterator[TextIO]:
    """A file that takes its name when all is written; None: nowhere."""
    if path is None:
        yield _Nowhere()
        return
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise ReportError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


class _Nowhere(io.StringIO):
    def write(self, text: str) -> int:
        return len(text)


def _head(as_of: date, counts: dict[Rule, int], left_out: list[Rule]) -> Iterator[str]:
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width">'
    yield f"<title>Credit data, {as_of}</title><style>{_STYLE}</style>\n"
    yield f"<h1>Credit data of the ledger, {as_of}</h1>\n"
    total = sum(counts.values())
    yield f"<p>{_findings(total)}.</p>\n"
    if total:
        yield '<div class="scroll"><table>'
        yield "<tr><th>severity<th>rule<th>findings<th>of<th>field<th>owner</tr>\n"
        for rule, count in counts.items():
            if count:
                link = f'<a href="#{_anchor(rule)}">{escape(rule.code)}</a>'
                cells = f"<td>{link}<td class=n>{count:,}<td>{rule.relation}<td>{rule.field}"
                severity = rule.severity.name
                yield f"<tr><td class={severity}>{severity}{cells}<td>{rule.owner}</tr>\n"
        yield "</table></div>\n"
    broken = {rule.code for rule, count in counts.items() if count}
    held = sorted({rule.code for rule in counts} - broken)
    yield f"<p>Rules that all rows keep: {', '.join(held) or 'none'}.</p>\n"
    if left_out:
        names = ", ".join(f"{rule.code} of {rule.relation}" for rule in left_out)
        yield f"<p>Not looked at, for the mapping does not have what they read: {names}.</p>\n"


def _section(rule: Rule, findings: list[Finding], count: int) -> Iterator[str]:
    severity = rule.severity.name
    title = f'<span class="{severity}">{escape(rule.code)}</span>'
    where = f"<small>{rule.relation}.{rule.field}, {severity.lower()}, {_findings(count)}</small>"
    yield f'<section id="{_anchor(rule)}"><h2>{title} {where}</h2>\n'
    yield f"<p>{escape(rule.rule)}</p><p>To mend: {escape(rule.cure)} Owner: {rule.owner}.</p>\n"
    yield '<div class="scroll"><table><tr><th>record<th>account<th>value<th>detail</tr>\n'
    for one in findings:
        cells = (one.record, one.account_id, one.value, one.detail)
        yield "<tr>" + "".join(f"<td>{escape(_shortened(cell))}" for cell in cells) + "</tr>\n"
    yield "</table></div>\n"
    if count > len(findings):
        yield f"<p>and {count - len(findings):,} more: the CSV has all.</p>\n"
    yield "</section>\n"


def _as_text(cell: str) -> str:
    """The cell as spreadsheets show it, and never take it for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _findings(count: int) -> str:
    return "1 finding" if count == 1 else f"{count:,} findings"


def _shortened(text: str) -> str:
    return text if len(text) <= CELL_MAX else f"{text[:CELL_MAX]}…"


def _anchor(rule: Rule) -> str:
    return f"{rule.code}-{rule.relation}-{rule.field}".lower()
