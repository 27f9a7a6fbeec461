"""The feeds in the ledger's own database: an outbox, and triggers that fill it.

A trigger writes to the outbox in the transaction that changes the table, so that the outbox tells
of a change if and only if it was committed (the transactional outbox).
"""

from collections.abc import Collection, Mapping, Sequence

from psycopg import sql

from creditgate.loaders.ledger.mapping import KINDS, SOURCE_CELL, Feed, LedgerMapping

CHANNEL = "creditgate_outbox"
"""On which the outbox says that there is something."""

OPENING = "opening:"
"""How ids of entries begin that stand for what was open when a snapshot was taken. It follows the
first transaction that the snapshot cannot have seen."""

_OUTBOX = """\
DO $$ BEGIN
    IF current_schema() IS NULL THEN
        RAISE EXCEPTION 'no schema is there to make the outbox in: set search_path';
    END IF;
END $$;
-- What a session's temporary tables are called must not change what the triggers read and write.
SELECT set_config(
    'search_path', concat_ws(', ', nullif(current_setting('search_path'), ''), 'pg_temp'), true
);
CREATE TABLE IF NOT EXISTS creditgate_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Which transaction wrote it. Ids are drawn before it commits and say nothing of who was first;
    -- what lies below the oldest transaction that still runs is all there.
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    feed text NOT NULL,
    -- What the feed's columns say; the table's row itself where they could not be computed.
    cells jsonb NOT NULL,
    fault text,
    mended_at timestamptz
);
CREATE INDEX IF NOT EXISTS creditgate_outbox_xid ON creditgate_outbox (xid);

CREATE OR REPLACE FUNCTION creditgate_outbox_wakes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    NOTIFY creditgate_outbox;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER creditgate_outbox_wakes AFTER INSERT ON creditgate_outbox
    FOR EACH STATEMENT EXECUTE FUNCTION creditgate_outbox_wakes();

-- Those of an earlier mapping that this one does not have would tell of what nobody asks for.
DO $$
DECLARE old record;
BEGIN
    FOR old IN
        SELECT tgname, tgrelid::regclass AS of_table
        FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
        -- Those of partitions go with their table's; another schema's tell another outbox.
        WHERE starts_with(tgname, 'creditgate_feed_') AND NOT tgisinternal AND tgparentid = 0
            AND pronamespace = current_schema()::regnamespace
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', old.tgname, old.of_table);
    END LOOP;
END $$;
"""

# Whoever posts needs no rights on the outbox, and their settings change no text. A column that is
# gone must not keep the company from posting: the row goes as it is, to be mended.
_FEED = """
CREATE OR REPLACE FUNCTION creditgate_feed_{name}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT SET datestyle = 'ISO, YMD' SET timezone = 'UTC' AS $feed$
BEGIN
    INSERT INTO creditgate_outbox (feed, cells)
    SELECT '{name}', {cells}
    FROM (SELECT NEW.*) AS r {join}{where};
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    INSERT INTO creditgate_outbox (feed, cells, fault)
    VALUES ('{name}', to_jsonb(NEW), SQLERRM);
    RETURN NULL;
END $feed$;
CREATE {constraint}TRIGGER creditgate_feed_{name} AFTER {events} ON {table}
    {deferrable}FOR EACH ROW EXECUTE FUNCTION creditgate_feed_{name}();

-- Rows whose columns could not be computed are told of again, by what the mapping says now and the
-- table, in which the row itself may have been mended; but for those of which something newer was
-- told since.
DO $mend$
DECLARE
    broken record;
    row_now jsonb;
    key_names text[] := ARRAY(
        SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid
        WHERE indrelid = '{table}'::regclass AND indisprimary AND attnum = ANY (indkey)
    );
    key_list text := (SELECT string_agg(quote_ident(one), ', ') FROM unnest(key_names) AS one);
BEGIN
    FOR broken IN
        SELECT id, cells FROM creditgate_outbox
        WHERE feed = '{name}' AND fault IS NOT NULL AND mended_at IS NULL ORDER BY id
    LOOP
        BEGIN
            IF key_list IS NOT NULL AND broken.cells ?& key_names THEN
                EXECUTE format(
                    'SELECT to_jsonb(t) FROM {table} AS t WHERE (%1$s) = '
                    '(SELECT %1$s FROM jsonb_populate_record(NULL::{table}, $1))', key_list
                ) INTO row_now USING (
                    SELECT jsonb_object_agg(one, broken.cells->one) FROM unnest(key_names) AS one
                );
                broken.cells := coalesce(row_now, broken.cells);
            END IF;
            INSERT INTO creditgate_outbox (feed, cells)
            SELECT '{name}', told.cells FROM (
                SELECT {cells} AS cells
                FROM (
                    SELECT kept.* FROM jsonb_populate_record(NULL::{table}, broken.cells) AS kept
                ) AS r
                {join}{where}
            ) AS told
            WHERE NOT EXISTS (
                SELECT FROM creditgate_outbox AS newer
                WHERE newer.feed = '{name}' AND newer.id > broken.id AND newer.fault IS NULL
                    AND {same}
            );
            UPDATE creditgate_outbox SET mended_at = clock_timestamp() WHERE id = broken.id;
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING 'row % of feed {name} is not mended yet: %', broken.id, SQLERRM;
        END;
    END LOOP;
END $mend$;
"""


def installation(mapping: LedgerMapping) -> str:
    """The SQL that puts outbox and triggers into the ledger; it may be run again. It belongs into
    one transaction: there are moments in it at which nothing tells of a change."""
    return _OUTBOX + "".join(_trigger(feed) for feed in mapping.feed)


def _trigger(feed: Feed) -> str:
    return _FEED.format(
        name=feed.name,
        cells=cells_of(feed.columns),
        same=_same(feed),
        join=feed.join.strip(),
        where=_where(feed.when),
        table=feed.table,
        constraint="CONSTRAINT " if feed.deferred else "",
        deferrable="DEFERRABLE INITIALLY DEFERRED " if feed.deferred else "",
        events="INSERT" if feed.on == "insert" else "INSERT OR UPDATE",
    )


def _same(feed: Feed) -> str:
    """SQL: whether two rows of a feed are about the same."""
    names = [name for name in KINDS[feed.kind].named_once or ("entry_id",) if name in feed.columns]
    return " AND ".join(
        f"newer.cells->'{name}' IS NOT DISTINCT FROM told.cells->'{name}'" for name in names
    )


def cells_of(columns: Mapping[str, str]) -> str:
    """SQL of a JSON object of text, from cell to expression; absent where that is NULL."""
    pairs = (f"'{cell}', ({expression})::text" for cell, expression in columns.items())
    return f"jsonb_strip_nulls(jsonb_build_object({', '.join(pairs)}))"


def snapshot_query(feed: Feed) -> str:
    """SQL of all that a feed's table says now, as one column of cells."""
    columns = feed.columns | feed.snapshot_columns
    joins = f"{feed.join} {feed.snapshot_join}".strip()
    texts = ", ".join(f"({expression})::text AS {cell}" for cell, expression in columns.items())
    # As cells_of does, at two thirds of the time: here it is all rows of the table.
    return (
        "SELECT json_strip_nulls(row_to_json(cells)) FROM ("  # noqa: S608
        f"SELECT {texts} FROM {feed.table} AS r {joins}{_where(feed.when)}"
        ") AS cells"
    )


def entries_query(feed: Feed, account_id: str) -> str:
    """SQL of all entries that a feed's table makes of one account, as one column of cells, and
    which transaction wrote each, without its epoch."""
    mine = f"({feed.columns['account_id']})::text = {sql.Literal(account_id).as_string()}"
    condition = f"({feed.when.strip() or 'true'}) AND {mine}"
    cells = cells_of(feed.columns)
    return (
        f"SELECT {cells}, r.xmin::text::bigint "  # noqa: S608
        f"FROM {feed.table} AS r {feed.join.strip()}{_where(condition)}"
    )


_ITEM = ("account_id", "currency", "invoice_id")
_ADDED = ("amount", "disputed")

_ONCE = " OFFSET 0"
"""Keeps PostgreSQL from computing the cells of a subquery again at each mention of them."""


def open_items_query(mapping: LedgerMapping, account_ids: Sequence[str] = ()) -> str:
    """SQL of what is open now, of these accounts or of all, as one column of cells: one row for an
    invoice, and one for what stands on none, however many the ledger's table has."""
    return f"{_items_query(mapping, account_ids)} WHERE item.amount <> 0"


def _items_query(mapping: LedgerMapping, account_ids: Sequence[str] = ()) -> str:
    items = mapping.open_items
    names = sql.Literal(list(account_ids)).as_string()
    condition = f"({items.columns['account_id']})::text = ANY({names})" if account_ids else ""
    read = ", ".join(
        f"sum(({expression})::numeric) AS {name}" if name in _ADDED
        else f"({expression})::text AS {name}" if name in _ITEM
        else f"min(({expression})::text) AS {name}"
        for name, expression in items.columns.items()
    )  # fmt: skip
    cells = {
        name: f"trim_scale(item.{name})" if name in _ADDED else f"item.{name}"
        for name in items.columns
    }
    keys = ", ".join(f"({items.columns[name]})::text" for name in _ITEM)
    return (
        f"SELECT {cells_of(cells)} FROM ("  # noqa: S608
        f"SELECT {read} FROM {items.table} AS r{_where(condition)} GROUP BY {keys}"
        ") AS item"
    )


def opening_entries_query(mapping: LedgerMapping, following: int) -> str:
    """SQL of an entry for each open item, as one column of cells. An invoice that is owed is posted
    as one, so that it takes the place of what was captured for it; all else moves what is owed and
    leaves an invoice that is still to come to be posted."""
    return f"""
        SELECT CASE WHEN is_invoice THEN cells - 'disputed'
            ELSE cells - ARRAY['disputed', 'order_id', 'issue_date', 'due_date'] END
            || jsonb_build_object(
                'kind', CASE WHEN is_invoice THEN 'invoice' ELSE 'adjustment' END,
                'entry_id', {_opening_id(f"{following}")})
        FROM ({open_items_query(mapping)}{_ONCE}) AS item (cells)
        CROSS JOIN LATERAL (
            SELECT cells ? 'invoice_id' AND (cells->>'amount')::numeric > 0 AS is_invoice
        ) AS what"""  # noqa: S608


def opening_disputes_query(mapping: LedgerMapping, following: int) -> str:
    """SQL of an entry for each item that is disputed, as one column of cells: also where nothing is
    open of it, since what was paid may be owed again."""
    return f"""
        SELECT jsonb_build_object(
            'kind', 'dispute', 'entry_id', {_opening_id(f"{following}:dispute")},
            'account_id', cells->'account_id', 'currency', cells->'currency',
            'invoice_id', cells->'invoice_id', 'amount', cells->'disputed')
        FROM ({_items_query(mapping)}{_ONCE}) AS item (cells)
        WHERE cells ? 'disputed' AND cells ? 'invoice_id'"""  # noqa: S608


Captured = Collection[tuple[str, str]]
"""Accounts and invoices of which the service has captures that no ledger has posted."""


def settled_entries_query(
    feed: Feed, mapping: LedgerMapping, captured: Captured, following: int
) -> str:
    """SQL of two entries for each invoice of a feed that was captured and of which nothing is owed
    any more: the invoice, which takes the place of the capture, and what has settled it."""
    accounts, invoices = zip(*captured, strict=True)
    posted, settled = (_opening_id(f"{following}:{what}") for what in ("settled", "settles"))
    names = ", ".join(f"{sql.Literal(list(of)).as_string()}::text[]" for of in (accounts, invoices))
    is_one = f"({feed.when.strip() or 'true'}) AND ({feed.columns['kind']}) = 'invoice'"
    return f"""
        SELECT CASE WHEN is_invoice THEN cells - '{SOURCE_CELL}'
            ELSE cells - ARRAY['{SOURCE_CELL}', 'order_id', 'issue_date', 'due_date']
                || jsonb_build_object('kind', 'adjustment',
                    'amount', (-(cells->>'amount')::numeric)::text) END
            || jsonb_build_object('entry_id', CASE WHEN is_invoice
                THEN {posted} ELSE {settled} END)
        FROM (
            SELECT {cells_of(feed.columns)} FROM {feed.table} AS r {feed.join.strip()}
            JOIN unnest({names}) AS captured (account_id, invoice_id)
                ON captured.account_id = ({feed.columns["account_id"]})::text
                AND captured.invoice_id = ({feed.columns["invoice_id"]})::text
            WHERE {is_one}
        ) AS invoice (cells)
        CROSS JOIN (VALUES (1, true), (2, false)) AS part (number, is_invoice)
        WHERE NOT EXISTS (
            SELECT FROM ({open_items_query(mapping, sorted(set(accounts)))}) AS item (open)
            WHERE cells->'account_id' = open->'account_id'
                AND cells->'invoice_id' = open->'invoice_id' AND (open->>'amount')::numeric > 0
        )
        ORDER BY cells->>'account_id', cells->>'invoice_id', number"""  # noqa: S608


def told_elsewhere_query(
    feed: Feed, mapping: LedgerMapping, heard: Collection[str], following: int
) -> str:
    """SQL of two entries for each document of a feed that counts under another source, if the
    service has `heard` of that one or it may tell of the document yet: what takes it back, since
    what is open counts it already, and the document, so that it is known when it is told again."""
    source, kind = feed.columns[SOURCE_CELL], feed.columns["kind"]
    name = sql.Literal(mapping.source).as_string()
    sources = sql.Literal(sorted(heard)).as_string()
    may_come = f"({source}) = ANY({sources}::text[]) OR ({feed.snapshot_when.strip() or 'true'})"
    return f"""
        SELECT CASE WHEN is_document THEN cells
            ELSE jsonb_strip_nulls(jsonb_build_object(
                'kind', 'adjustment', 'account_id', cells->'account_id',
                'currency', cells->'currency', 'invoice_id', cells->'invoice_id',
                'amount', (CASE cells->>'kind' WHEN 'adjustment' THEN -1 ELSE 1 END
                    * (cells->>'amount')::numeric)::text,
                'entry_id', '{OPENING}{following}:told:' || md5(
                    jsonb_build_array(cells->'{SOURCE_CELL}', cells->'entry_id')::text))) END
        FROM (
            SELECT {cells_of(feed.columns)} FROM {feed.table} AS r {feed.join.strip()}
            WHERE ({feed.when.strip() or "true"}) AND ({source}) <> {name} AND ({may_come})
                AND ({kind}) IN ('payment', 'credit_memo', 'adjustment')
        ) AS document (cells)
        CROSS JOIN (VALUES (false), (true)) AS part (is_document)
        ORDER BY is_document"""  # noqa: S608


def _opening_id(name: str) -> str:
    names = ", ".join(f"cells->'{name}'" for name in _ITEM)
    return f"'{OPENING}{name}:' || md5(jsonb_build_array({names})::text)"


def _where(condition: str) -> str:
    return f" WHERE {condition.strip()}" if condition.strip() else ""
