"""`python -m bench.recalc`: what the analysis behind `creditgate recalc` takes, in time and memory.

The ledger's documents are made up in DuckDB itself, as if they had been copied there; then payment
behaviour is computed, and every account is judged by the scorecard. Calls to the service are not
part of it. The figures go to bench/out/recalc.json.
"""

import argparse
import json
import resource
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import duckdb

from bench.suite import OUT
from creditgate.client import Account, AccountStatus, CreditLimit
from creditgate.loaders.scoring import scorecard
from creditgate.loaders.scoring.history import Behaviour, analyse, behaviours
from creditgate.loaders.scoring.moves import Kept, decide
from creditgate.loaders.scoring.spool import MEMORY_DEFAULT, Spool

DAY: Final = date(2026, 7, 1)

# Of each account invoices over 400 days, net 30; 19 of 20 paid, between 20 days early and 40 late,
# a fifth of them in two parts; one in a hundred disputed.
_DOCUMENTS: Final = """
INSERT INTO accounts SELECT 'ACCOUNT-' || i, 'USD' FROM range({accounts}) AS r (i);
INSERT INTO invoices
    SELECT 'INVOICE-' || i, 'ACCOUNT-' || (i % {accounts}), 1000 + hash(i) % 500000,
        {day} - (hash(i, 1) % 400)::INTEGER, {day} - (hash(i, 1) % 400)::INTEGER + 30
    FROM range({invoices}) AS r (i);
INSERT INTO settlements
    SELECT invoice_id, 'payment', amount // parts, settled_on FROM (
        SELECT *, CASE WHEN hash(invoice_id, 2) % 5 = 0 THEN 2 ELSE 1 END AS parts,
            due_date + (hash(invoice_id, 3) % 60)::INTEGER - 20 AS settled_on
        FROM invoices WHERE hash(invoice_id, 4) % 20 > 0
    ), range(parts) WHERE settled_on <= {day};
INSERT INTO disputes
    SELECT invoice_id, amount FROM invoices WHERE hash(invoice_id, 5) % 100 = 0;
"""


def make_up(db: duckdb.DuckDBPyConnection, accounts: int, invoices: int) -> None:
    """Fill the spool's tables."""
    db.execute(_DOCUMENTS.format(accounts=accounts, invoices=invoices, day=f"DATE '{DAY}'"))


def judge(rows: Iterator[Behaviour]) -> Counter[str]:
    """What the scorecard says of every account that has a limit of 10,000.00."""
    card = scorecard.read(scorecard.REFERENCE)
    found: Counter[str] = Counter()
    for row in rows:
        decided = decide(_account(row.account_id), row, None, card, DAY)
        found[decided.name if isinstance(decided, Kept) else "MOVED"] += 1
    return found


def _account(account_id: str) -> Account:
    return Account(
        account_id=account_id, display_name="", currency="USD", parent_account_id="",
        segment_id="", limit=CreditLimit.of(10_000_00), max_order_amount_minor=None,
        status=AccountStatus.ACTIVE, status_reason="", create_time=None, update_time=None,
        shared_limit_minor=None, holds=(), temporary_limits=(), rolling_limit=None,
        verifications=(), proposals=(), limit_approval=None, verified_by="",
    )  # fmt: skip


def measure(accounts: int, invoices: int, memory: str, folder: Path | None) -> dict[str, Any]:
    """Seconds of each step, and the most memory that the process has had."""
    marks = [time.monotonic()]
    with Spool(folder, memory) as spool:
        make_up(spool.db, accounts, invoices)
        marks.append(time.monotonic())
        analyse(spool.db, DAY)
        marks.append(time.monotonic())
        judged = judge(behaviours(spool.db))
        marks.append(time.monotonic())
    made, analysed, done = (later - earlier for earlier, later in pairwise(marks))
    return {
        "accounts": accounts,
        "invoices": invoices,
        "duckdb_memory": memory,
        "make_up_s": round(made, 1),
        "analyse_s": round(analysed, 1),
        "judge_s": round(done, 1),
        "recalc_s": round(analysed + done, 1),
        "memory_max_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "judged": dict(judged),
    }


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.recalc", description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--invoices", type=int, default=20_000_000)
    parser.add_argument("--memory", default=MEMORY_DEFAULT, help="what DuckDB may use")
    parser.add_argument("--folder", type=Path, help="where the spool is made")
    parser.add_argument("--out", type=Path, default=OUT / "recalc.json")
    given = parser.parse_args()
    figures = measure(given.accounts, given.invoices, given.memory, given.folder)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
