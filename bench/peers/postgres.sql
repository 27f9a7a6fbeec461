-- What a team would write to decide orders in PostgreSQL. Loaded once, into an empty database.

-- Room on every page, so that an update of the counters stays on it and touches no index.
CREATE TABLE account (
    account_id text COLLATE "C" PRIMARY KEY,
    currency text NOT NULL,
    limit_minor bigint NOT NULL CHECK (limit_minor >= 0),
    outstanding_minor bigint NOT NULL DEFAULT 0,
    captured_minor bigint NOT NULL DEFAULT 0,
    reserved_minor bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- The reservation and the stored answer are one row: one insert fewer for every order.
CREATE TABLE decision (
    request_id text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY (CACHE 64),
    account_id text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL,
    approved_minor bigint NOT NULL, -- 0: declined
    open_minor bigint NOT NULL,
    available_minor bigint NOT NULL, -- after this decision
    decide_time_us bigint NOT NULL, -- since 1970, as the caller's messages need it
    expire_time_us bigint NOT NULL
);
CREATE UNIQUE INDEX open_order ON decision (account_id, order_id) WHERE open_minor > 0;

-- Decides one order and reserves its amount where it fits. The update comes first and locks the
-- account's row: of two orders, and of two calls with the same request id, the second sees what the
-- first has done. An order that turns out to be a repeat takes its update back, in the same
-- transaction; looking for repeats first would cost every order a statement more.
CREATE FUNCTION check_and_reserve(
    p_request_id text, p_account_id text, p_order_id text, p_amount_minor bigint, p_currency text,
    p_ttl_s bigint, OUT o_seq bigint, OUT o_approved_minor bigint, OUT o_available_minor bigint,
    OUT o_decide_time_us bigint, OUT o_expire_time_us bigint, OUT o_replayed boolean
) LANGUAGE plpgsql AS $$
DECLARE
    v_account account;
    v_past decision;
BEGIN
    LOOP
        UPDATE account SET reserved_minor = reserved_minor + p_amount_minor
        WHERE account_id = p_account_id AND currency = p_currency
            AND p_amount_minor <= limit_minor - outstanding_minor - captured_minor - reserved_minor
        RETURNING * INTO v_account;
        o_approved_minor := CASE WHEN FOUND THEN p_amount_minor ELSE 0 END;
        IF o_approved_minor = 0 THEN
            SELECT * INTO v_account FROM account WHERE account_id = p_account_id FOR NO KEY UPDATE;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'ACCOUNT_NOT_FOUND' USING ERRCODE = 'no_data_found';
            END IF;
        END IF;
        o_available_minor := v_account.limit_minor - v_account.outstanding_minor
            - v_account.captured_minor - v_account.reserved_minor;
        -- Room that was made before the row was locked counts: once more, then.
        EXIT WHEN o_approved_minor > 0 OR v_account.currency <> p_currency
            OR p_amount_minor > o_available_minor;
    END LOOP;

    -- Not the transaction's time: this order may have waited for another that began later.
    o_decide_time_us := extract(epoch FROM clock_timestamp()) * 1000000;
    o_expire_time_us := o_decide_time_us + p_ttl_s * 1000000;
    INSERT INTO decision (
        request_id, account_id, order_id, amount_minor, currency, approved_minor, open_minor,
        available_minor, decide_time_us, expire_time_us
    ) VALUES (
        p_request_id, p_account_id, p_order_id, p_amount_minor, p_currency, o_approved_minor,
        o_approved_minor, o_available_minor, o_decide_time_us, o_expire_time_us
    ) ON CONFLICT (request_id) DO NOTHING
    RETURNING seq INTO o_seq;
    o_replayed := NOT FOUND;

    IF o_replayed THEN
        SELECT * INTO v_past FROM decision WHERE request_id = p_request_id;
        IF (v_past.account_id, v_past.order_id, v_past.amount_minor, v_past.currency)
            <> (p_account_id, p_order_id, p_amount_minor, p_currency)
        THEN
            RAISE EXCEPTION 'REQUEST_ID_REUSED' USING ERRCODE = 'unique_violation';
        END IF;
        UPDATE account SET reserved_minor = reserved_minor - o_approved_minor
        WHERE account_id = p_account_id;
        o_seq := v_past.seq;
        o_approved_minor := v_past.approved_minor;
        o_available_minor := v_past.available_minor;
        o_decide_time_us := v_past.decide_time_us;
        o_expire_time_us := v_past.expire_time_us;
    ELSIF v_account.currency <> p_currency THEN
        RAISE EXCEPTION 'CURRENCY_MISMATCH' USING ERRCODE = 'check_violation';
    END IF;
END;
$$;
