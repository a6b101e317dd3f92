-- Times are microseconds since 1970 UTC; 0 is the zero time. Hot tables have
-- room for HOT updates, and no index names a column that a request changes.

CREATE TABLE environment (
    id         SMALLINT PRIMARY KEY CHECK (id = 1),
    name       TEXT   NOT NULL,
    stamped_at BIGINT NOT NULL
);

CREATE TABLE accounts (
    id         TEXT COLLATE "C" PRIMARY KEY,
    name       TEXT   NOT NULL,
    status     TEXT   NOT NULL,
    groups     TEXT   NOT NULL,
    billing    TEXT   NOT NULL,
    epoch      BIGINT NOT NULL DEFAULT 0,
    event_seq  BIGINT NOT NULL DEFAULT 0,
    entry_seq  BIGINT NOT NULL DEFAULT 0,
    ledger_at  BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE api_keys (
    id           TEXT COLLATE "C" PRIMARY KEY,
    account_id   TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    user_id      TEXT COLLATE "C" NOT NULL,
    name         TEXT   NOT NULL,
    start        TEXT   NOT NULL,
    last4        TEXT   NOT NULL,
    digest       BYTEA  NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    pepper       TEXT   NOT NULL,
    scopes       TEXT   NOT NULL,
    models       TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL DEFAULT 0,
    revoked_at   BIGINT NOT NULL DEFAULT 0,
    revoked_by   TEXT   NOT NULL DEFAULT '',
    successor    TEXT COLLATE "C" NOT NULL DEFAULT ''
) WITH (fillfactor = 80);

CREATE INDEX api_keys_account ON api_keys (account_id, id);

CREATE TABLE lots (
    id         TEXT COLLATE "C" PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    source     TEXT   NOT NULL,
    state      TEXT   NOT NULL CHECK (state IN ('live', 'expired', 'clawed_back', 'closed')),
    granted    BIGINT NOT NULL CHECK (granted > 0),
    remaining  BIGINT NOT NULL,
    held       BIGINT NOT NULL,
    granted_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT lots_amounts CHECK (0 <= held AND held <= remaining AND remaining <= granted)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX lots_account ON lots (account_id);

-- A lot leaves live once in its life, so this costs one plain update, not each.
CREATE INDEX lots_expiring ON lots (expires_at, account_id) WHERE state = 'live';

CREATE TABLE holds (
    request_id      TEXT COLLATE "C" PRIMARY KEY,
    account_id      TEXT COLLATE "C" NOT NULL,
    replica_id      TEXT COLLATE "C" NOT NULL,
    nonce           TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('open', 'settled', 'released')),
    amount          BIGINT  NOT NULL CHECK (amount >= 0),
    parts           TEXT    NOT NULL,
    key_id          TEXT COLLATE "C" NOT NULL,
    user_id         TEXT COLLATE "C" NOT NULL,
    area            TEXT    NOT NULL,
    route           TEXT    NOT NULL,
    model           TEXT    NOT NULL,
    price_version   TEXT    NOT NULL,
    opened_at       BIGINT  NOT NULL,
    deadline        BIGINT  NOT NULL,
    mark_at         BIGINT  NOT NULL,
    mark_accepted   BOOLEAN NOT NULL,
    mark_delivered  BOOLEAN NOT NULL,
    mark_cost       BIGINT  NOT NULL,
    mark_input      BIGINT  NOT NULL,
    mark_cached     BIGINT  NOT NULL,
    mark_output     BIGINT  NOT NULL,
    mark_estimated  BOOLEAN NOT NULL,
    closed_at       BIGINT  NOT NULL,
    reason          TEXT    NOT NULL,
    usage_input     BIGINT  NOT NULL,
    usage_cached    BIGINT  NOT NULL,
    usage_output    BIGINT  NOT NULL,
    usage_estimated BOOLEAN NOT NULL,
    debited         BIGINT  NOT NULL CHECK (debited >= 0),
    uncollected     BIGINT  NOT NULL CHECK (uncollected >= 0)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- An expression, so that a lookup by request alone never takes this index for
-- as good as the primary key, which on a tiny table costs the same.
CREATE INDEX holds_account ON holds (account_id, (request_id || ''));

-- The open holds and whose they are. It stands beside holds, because an index
-- on holds that knows the state would make every settle a full update. It is
-- as short as what is under way, so its rows need no index by replica. The
-- batch that opens or closes a hold keeps it.
CREATE TABLE open_holds (
    request_id TEXT COLLATE "C" PRIMARY KEY,
    replica_id TEXT COLLATE "C" NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE entries (
    account_id TEXT COLLATE "C" NOT NULL,
    seq        BIGINT NOT NULL CHECK (seq > 0),
    lot_id     TEXT COLLATE "C" NOT NULL,
    kind       TEXT   NOT NULL,
    amount     BIGINT NOT NULL CHECK (amount <> 0),
    request_id TEXT COLLATE "C" NOT NULL,
    reason     TEXT   NOT NULL,
    actor      TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (account_id, seq)
);

-- One debit per request and lot, whatever the code above thinks.
CREATE UNIQUE INDEX entries_debit ON entries (request_id, lot_id) WHERE kind = 'debit';

CREATE TABLE events (
    id         TEXT COLLATE "C" PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL,
    seq        BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    actor_kind TEXT   NOT NULL,
    actor_id   TEXT   NOT NULL,
    area       TEXT   NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    key_id     TEXT COLLATE "C" NOT NULL,
    amount     BIGINT NOT NULL,
    reason     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    model      TEXT   NOT NULL,
    count      BIGINT NOT NULL CHECK (count > 0)
);

CREATE UNIQUE INDEX events_account ON events (account_id, seq) WHERE account_id <> '';
CREATE INDEX events_unowned ON events (id) WHERE account_id = '';
CREATE INDEX events_request ON events (request_id) WHERE request_id <> '';

CREATE TABLE sessions (
    id         TEXT COLLATE "C" PRIMARY KEY,
    token_hash BYTEA   NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    user_id    TEXT COLLATE "C" NOT NULL,
    role       TEXT    NOT NULL,
    user_rule  TEXT    NOT NULL,
    groups     TEXT    NOT NULL,
    created_at BIGINT  NOT NULL,
    seen_at    BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL,
    ended_at   BIGINT  NOT NULL DEFAULT 0,
    end_reason TEXT    NOT NULL DEFAULT '',
    operator   BOOLEAN NOT NULL
) WITH (fillfactor = 80);

CREATE TABLE replicas (
    id          TEXT COLLATE "C" PRIMARY KEY,
    fence       BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    joined_at   BIGINT NOT NULL
) WITH (fillfactor = 50);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER entries_append_only BEFORE UPDATE OR DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entries_no_truncate BEFORE TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
