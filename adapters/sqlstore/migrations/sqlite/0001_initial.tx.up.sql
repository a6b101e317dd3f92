-- Times are microseconds since 1970 UTC; 0 is the zero time. Truths are 0 or 1.

CREATE TABLE environment (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    name       TEXT   NOT NULL,
    stamped_at INTEGER NOT NULL
) STRICT;

CREATE TABLE accounts (
    id         TEXT NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    status     TEXT   NOT NULL,
    groups     TEXT   NOT NULL,
    billing    TEXT   NOT NULL,
    epoch      INTEGER NOT NULL DEFAULT 0,
    event_seq  INTEGER NOT NULL DEFAULT 0,
    entry_seq  INTEGER NOT NULL DEFAULT 0,
    ledger_at  INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE api_keys (
    id           TEXT NOT NULL PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    user_id      TEXT NOT NULL,
    name         TEXT   NOT NULL,
    start        TEXT   NOT NULL,
    last4        TEXT   NOT NULL,
    digest       BLOB  NOT NULL UNIQUE CHECK (length(digest) = 32),
    pepper       TEXT   NOT NULL,
    scopes       TEXT   NOT NULL,
    models       TEXT   NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL DEFAULT 0,
    revoked_at   INTEGER NOT NULL DEFAULT 0,
    revoked_by   TEXT   NOT NULL DEFAULT '',
    successor    TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX api_keys_account ON api_keys (account_id, id);

-- States are compared one by one: for a list of more than two SQLite would make
-- a table of it at each write.
CREATE TABLE lots (
    id         TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    source     TEXT   NOT NULL,
    state      TEXT   NOT NULL CHECK (state = 'live' OR state = 'expired' OR state = 'clawed_back' OR state = 'closed'),
    granted    INTEGER NOT NULL CHECK (granted > 0),
    remaining  INTEGER NOT NULL,
    held       INTEGER NOT NULL,
    granted_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CONSTRAINT lots_amounts CHECK (0 <= held AND held <= remaining AND remaining <= granted)
) STRICT;

CREATE INDEX lots_account ON lots (account_id);

CREATE INDEX lots_expiring ON lots (expires_at, account_id) WHERE state = 'live';

CREATE TABLE holds (
    request_id      TEXT NOT NULL PRIMARY KEY,
    account_id      TEXT NOT NULL,
    replica_id      TEXT NOT NULL,
    nonce           TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state = 'open' OR state = 'settled' OR state = 'released'),
    amount          INTEGER  NOT NULL CHECK (amount >= 0),
    parts           TEXT    NOT NULL,
    key_id          TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    area            TEXT    NOT NULL,
    route           TEXT    NOT NULL,
    model           TEXT    NOT NULL,
    price_version   TEXT    NOT NULL,
    opened_at       INTEGER  NOT NULL,
    deadline        INTEGER  NOT NULL,
    mark_at         INTEGER  NOT NULL,
    mark_accepted   INTEGER NOT NULL,
    mark_delivered  INTEGER NOT NULL,
    mark_cost       INTEGER  NOT NULL,
    mark_input      INTEGER  NOT NULL,
    mark_cached     INTEGER  NOT NULL,
    mark_output     INTEGER  NOT NULL,
    mark_estimated  INTEGER NOT NULL,
    closed_at       INTEGER  NOT NULL,
    reason          TEXT    NOT NULL,
    usage_input     INTEGER  NOT NULL,
    usage_cached    INTEGER  NOT NULL,
    usage_output    INTEGER  NOT NULL,
    usage_estimated INTEGER NOT NULL,
    debited         INTEGER  NOT NULL CHECK (debited >= 0),
    uncollected     INTEGER  NOT NULL CHECK (uncollected >= 0)
) STRICT;

-- An expression, so that a lookup by request alone never takes this index for
-- as good as the primary key, which on a tiny table costs the same.
CREATE INDEX holds_account ON holds (account_id, (request_id || ''));

-- The open holds of each replica. An update here touches only the indexes it
-- changes, so a partial index does what a table of its own does elsewhere.
CREATE INDEX holds_open ON holds (replica_id, request_id) WHERE state = 'open';
CREATE VIEW open_holds AS SELECT replica_id, request_id FROM holds WHERE state = 'open';

CREATE TABLE entries (
    account_id TEXT NOT NULL,
    seq        INTEGER NOT NULL CHECK (seq > 0),
    lot_id     TEXT NOT NULL,
    kind       TEXT   NOT NULL,
    amount     INTEGER NOT NULL CHECK (amount <> 0),
    request_id TEXT NOT NULL,
    reason     TEXT   NOT NULL,
    actor      TEXT   NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (account_id, seq)
) STRICT, WITHOUT ROWID;

-- One debit per request and lot, whatever the code above thinks.
CREATE UNIQUE INDEX entries_debit ON entries (request_id, lot_id) WHERE kind = 'debit';

CREATE TABLE events (
    id         TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    seq        INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    kind       TEXT   NOT NULL,
    actor_kind TEXT   NOT NULL,
    actor_id   TEXT   NOT NULL,
    area       TEXT   NOT NULL,
    request_id TEXT NOT NULL,
    key_id     TEXT NOT NULL,
    amount     INTEGER NOT NULL,
    reason     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    model      TEXT   NOT NULL,
    count      INTEGER NOT NULL CHECK (count > 0)
) STRICT;

CREATE UNIQUE INDEX events_account ON events (account_id, seq) WHERE account_id <> '';
CREATE INDEX events_unowned ON events (id) WHERE account_id = '';
CREATE INDEX events_request ON events (request_id) WHERE request_id <> '';

CREATE TABLE sessions (
    id         TEXT NOT NULL PRIMARY KEY,
    token_hash BLOB   NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    account_id TEXT NOT NULL REFERENCES accounts (id),
    user_id    TEXT NOT NULL,
    role       TEXT    NOT NULL,
    user_rule  TEXT    NOT NULL,
    groups     TEXT    NOT NULL,
    created_at INTEGER  NOT NULL,
    seen_at    INTEGER  NOT NULL,
    expires_at INTEGER  NOT NULL,
    ended_at   INTEGER  NOT NULL DEFAULT 0,
    end_reason TEXT    NOT NULL DEFAULT '',
    operator   INTEGER NOT NULL
) STRICT;

CREATE TABLE replicas (
    id          TEXT NOT NULL PRIMARY KEY,
    fence       INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    joined_at   INTEGER NOT NULL
) STRICT;

CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries
BEGIN
    SELECT RAISE(ABORT, 'entries is append-only');
END;
CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries
BEGIN
    SELECT RAISE(ABORT, 'entries is append-only');
END;
CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events is append-only');
END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events is append-only');
END;
