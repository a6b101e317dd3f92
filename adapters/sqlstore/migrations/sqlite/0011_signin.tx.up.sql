-- A session may be for no account yet (''), and knows the provider that signed
-- its user in. The table is made anew: SQLite drops no reference.
CREATE TABLE sessions_new (
    id         TEXT NOT NULL PRIMARY KEY,
    token_hash BLOB    NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    account_id TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    user_rule  TEXT    NOT NULL,
    groups     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL DEFAULT 0,
    end_reason TEXT    NOT NULL DEFAULT '',
    operator   INTEGER NOT NULL,
    provider   TEXT    NOT NULL DEFAULT '',
    issuer     TEXT    NOT NULL DEFAULT '',
    sid        TEXT    NOT NULL DEFAULT '',
    grant_box  BLOB    NOT NULL DEFAULT x'',
    fresh_at   INTEGER NOT NULL DEFAULT 0,
    checked_at INTEGER NOT NULL DEFAULT 0,
    check_at   INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO sessions_new (id, token_hash, account_id, user_id, role, user_rule, groups, created_at, seen_at, expires_at, ended_at, end_reason, operator)
    SELECT id, token_hash, account_id, user_id, role, user_rule, groups, created_at, seen_at, expires_at, ended_at, end_reason, operator FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_new RENAME TO sessions;
CREATE INDEX sessions_user ON sessions (user_id, id) WHERE user_id <> '';
CREATE INDEX sessions_sid ON sessions (issuer, sid) WHERE sid <> '';
CREATE INDEX sessions_check ON sessions (check_at) WHERE check_at > 0;
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE signin_flows (
    state_hash   BLOB    NOT NULL PRIMARY KEY CHECK (length(state_hash) = 32),
    provider     TEXT    NOT NULL,
    nonce        TEXT    NOT NULL,
    verifier     TEXT    NOT NULL,
    binding_hash BLOB    NOT NULL CHECK (length(binding_hash) = 32),
    return_to    TEXT    NOT NULL,
    fresh        INTEGER NOT NULL,
    link         TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signin_flows_expiry ON signin_flows (expires_at);

-- What may happen once, such as a logout token's arrival.
CREATE TABLE signin_once (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signin_once_expiry ON signin_once (expires_at);
