"""The outbox and its triggers in a ledger: installed whole, again, beside others, never misled."""

import subprocess
from pathlib import Path

import psycopg

from creditgate.client import Client
from demo.cluster import BIN
from tests.support.ledger import (
    COMMAND,
    CUSTOMER,
    TIMEOUT_S,
    Ledger,
    SyncProcess,
    invoice,
    mapping_with,
    open_items,
    payment,
)
from tests.support.server import ServerProcess

FEEDS = "SELECT count(*) FROM pg_trigger WHERE starts_with(tgname, 'creditgate_feed_')"


def feeds_of(ledger: Ledger) -> int:
    with ledger.transaction() as connection:
        (found,) = connection.execute(FEEDS).fetchone() or (0,)
    return int(found)


def by_psql(ledger: Ledger, mapping: Path) -> subprocess.CompletedProcess[str]:
    """Has the database's administrator run what `install --print` prints, as a file."""
    printed = subprocess.run(
        [str(COMMAND), "sync", "install", "--print", "--mapping", str(mapping)],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=True,
    )  # fmt: skip
    return subprocess.run(
        [str(BIN / "psql"), "--no-psqlrc", "--quiet", "--dbname", ledger.conninfo],
        input=printed.stdout, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip


def test_what_is_printed_takes_effect_as_a_whole(ledger: Ledger, tmp_path: Path) -> None:
    installed = feeds_of(ledger)
    assert installed
    broken = by_psql(ledger, mapping_with(tmp_path, ('"invoices"', '"no_such_table"')))
    assert broken.returncode == 3
    assert "no_such_table" in broken.stderr
    # Tables whose triggers are gone would tell nobody of what is posted.
    assert feeds_of(ledger) == installed
    done = by_psql(ledger, mapping_with(tmp_path))
    assert done.returncode == 0, done.stderr
    assert feeds_of(ledger) == installed


def test_a_partitioned_table_is_installed_again(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess, client: Client, tmp_path: Path
) -> None:
    ledger.run(
        "CREATE TABLE parted (LIKE customers) PARTITION BY LIST (currency)",
        "CREATE TABLE parted_usd PARTITION OF parted FOR VALUES IN ('USD')",
        "INSERT INTO parted (account_id, currency) VALUES ('P', 'USD')",
    )
    mapping = mapping_with(tmp_path, ('table = "customers"', 'table = "parted"'))
    ledger.install(mapping)
    installed = feeds_of(ledger)
    ledger.install(mapping)
    assert feeds_of(ledger) == installed
    sync = SyncProcess(ledger, server, tmp_path, "--mapping", str(mapping))
    sync.once()
    ledger.run("INSERT INTO parted (account_id, display_name, currency) VALUES ('Q', 'Q', 'USD')")
    sync.once()
    names = {account.account_id: account.display_name for account in client.list_accounts()}
    assert names == {"P": "", "Q": "Q"}


def test_another_schema_keeps_its_own_feeds(ledger: Ledger) -> None:
    installed = feeds_of(ledger)
    other = ledger.conninfo + " options='-c search_path=other'"
    with psycopg.connect(ledger.conninfo) as connection:
        connection.execute("CREATE SCHEMA other")
    subprocess.run(
        [str(COMMAND), "sync", "install", "--reference-tables", "--ledger", other],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=True,
    )  # fmt: skip
    assert feeds_of(ledger) == 2 * installed
    ledger.run(CUSTOMER)
    with psycopg.connect(other) as connection:
        connection.execute(CUSTOMER.replace("'A'", "'B'").encode())
    for conninfo, account in ((ledger.conninfo, "A"), (other, "B")):
        with psycopg.connect(conninfo) as connection:
            told = connection.execute("SELECT cells->>'account_id' FROM creditgate_outbox")
            assert told.fetchall() == [(account,)]


def test_a_search_path_that_leads_nowhere_is_refused(ledger: Ledger) -> None:
    """The outbox would be a temporary table, gone with the session."""
    done = subprocess.run(
        [
            *(str(COMMAND), "sync", "install"),
            *("--ledger", ledger.conninfo + " options='-c search_path=nowhere'"),
        ],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "no schema is there to make the outbox in" in done.stderr


def test_temporary_tables_of_the_same_names_hide_nothing(
    ledger: Ledger, server: ServerProcess, sync: SyncProcess
) -> None:
    """As an import has them that fills tables of its own first."""
    ledger.run(CUSTOMER, invoice(1))
    sync.once()
    with ledger.transaction() as connection:
        for table in ("payments", "payment_allocations", "creditgate_outbox"):
            connection.execute(f"CREATE TEMP TABLE {table} (LIKE public.{table})".encode())
        for statement in payment(1, "40", I1="40"):
            connection.execute(statement.replace("INTO ", "INTO public.").encode())
    sync.once()
    assert open_items(server) == {("A", "I1"): 60_00}


def test_days_do_not_depend_on_who_posts(
    ledger: Ledger, server: ServerProcess, client: Client, tmp_path: Path
) -> None:
    mapping = mapping_with(tmp_path, ('due_date = "r.due_date"', 'due_date = "r.due_at::date"'))
    ledger.run("ALTER TABLE invoices ADD due_at timestamptz DEFAULT '2026-02-04 23:30+00'")
    ledger.install(mapping)
    ledger.run(CUSTOMER)
    sync = SyncProcess(ledger, server, tmp_path, "--mapping", str(mapping))
    sync.once()
    ledger.run("SET timezone = 'Pacific/Auckland'", invoice(1))
    ledger.run("SET timezone = 'America/Lima'", invoice(2))
    sync.once()
    (account,) = client.list_open_items("A")
    assert {item.due_date.isoformat() for item in account.items if item.due_date} == {"2026-02-04"}
