-- What an account, a member or a key may spend, and what it has spent so far.
-- Limits change seldom and are seen by gates; counters change with each
-- request of a limited scope.

CREATE TABLE limits (
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    scope      TEXT    NOT NULL,
    monthly    INTEGER NOT NULL CHECK (monthly >= 0),
    requests   INTEGER NOT NULL CHECK (requests >= 0),
    tokens     INTEGER NOT NULL CHECK (tokens >= 0),
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, scope)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER limits_added AFTER INSERT ON limits
BEGIN
    UPDATE accounts SET epoch = epoch + 1 WHERE id = NEW.account_id;
END;
CREATE TRIGGER limits_changed AFTER UPDATE ON limits
BEGIN
    UPDATE accounts SET epoch = epoch + 1 WHERE id IN (OLD.account_id, NEW.account_id);
END;
CREATE TRIGGER limits_removed AFTER DELETE ON limits
BEGIN
    UPDATE accounts SET epoch = epoch + 1 WHERE id = OLD.account_id;
END;

CREATE TABLE counters (
    account_id  TEXT    NOT NULL,
    scope       TEXT    NOT NULL,
    window_at   INTEGER NOT NULL,
    reserved    INTEGER NOT NULL CHECK (reserved >= 0),
    spent       INTEGER NOT NULL CHECK (spent >= 0),
    requests_at INTEGER NOT NULL,
    tokens_at   INTEGER NOT NULL,
    PRIMARY KEY (scope, account_id)
) STRICT, WITHOUT ROWID;

ALTER TABLE holds ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE holds ADD COLUMN window_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE holds ADD COLUMN scopes TEXT NOT NULL DEFAULT '';
