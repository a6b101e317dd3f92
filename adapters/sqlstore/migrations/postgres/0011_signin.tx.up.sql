-- A session may be for no account yet (''), and knows the provider that signed
-- its user in.
ALTER TABLE sessions DROP CONSTRAINT sessions_account_id_fkey;
ALTER TABLE sessions
    ADD COLUMN provider   TEXT COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN issuer     TEXT COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN sid        TEXT COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN grant_box  BYTEA  NOT NULL DEFAULT '',
    ADD COLUMN fresh_at   BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN checked_at BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN check_at   BIGINT NOT NULL DEFAULT 0;
CREATE INDEX sessions_user ON sessions (user_id, id) WHERE user_id <> '';
CREATE INDEX sessions_sid ON sessions (issuer, sid) WHERE sid <> '';
CREATE INDEX sessions_check ON sessions (check_at) WHERE check_at > 0;
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE signin_flows (
    state_hash   BYTEA  PRIMARY KEY CHECK (octet_length(state_hash) = 32),
    provider     TEXT COLLATE "C" NOT NULL,
    nonce        TEXT   NOT NULL,
    verifier     TEXT   NOT NULL,
    binding_hash BYTEA  NOT NULL CHECK (octet_length(binding_hash) = 32),
    return_to    TEXT   NOT NULL,
    fresh        BOOLEAN NOT NULL,
    link         TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX signin_flows_expiry ON signin_flows (expires_at);

-- What may happen once, such as a logout token's arrival.
CREATE TABLE signin_once (
    id         BYTEA  PRIMARY KEY CHECK (octet_length(id) = 32),
    expires_at BIGINT NOT NULL
);
CREATE INDEX signin_once_expiry ON signin_once (expires_at);
