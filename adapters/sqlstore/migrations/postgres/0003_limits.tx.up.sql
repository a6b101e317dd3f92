-- What an account, a member or a key may spend, and what it has spent so far.
-- Limits change seldom and are seen by gates; counters change with each
-- request of a limited scope, under the account's lock, and have no index on a
-- column that does.

CREATE TABLE limits (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    scope      TEXT COLLATE "C" NOT NULL,
    monthly    BIGINT NOT NULL CHECK (monthly >= 0),
    requests   BIGINT NOT NULL CHECK (requests >= 0),
    tokens     BIGINT NOT NULL CHECK (tokens >= 0),
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, scope)
);

CREATE TRIGGER limits_changed AFTER INSERT OR UPDATE OR DELETE ON limits
    FOR EACH ROW EXECUTE FUNCTION raise_epoch_of_key();

CREATE TABLE counters (
    account_id  TEXT COLLATE "C" NOT NULL,
    scope       TEXT COLLATE "C" NOT NULL,
    window_at   BIGINT NOT NULL,
    reserved    BIGINT NOT NULL CHECK (reserved >= 0),
    spent       BIGINT NOT NULL CHECK (spent >= 0),
    requests_at BIGINT NOT NULL,
    tokens_at   BIGINT NOT NULL,
    PRIMARY KEY (scope, account_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

ALTER TABLE holds
    ADD COLUMN epoch     BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN window_at BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN scopes    TEXT   NOT NULL DEFAULT '';
