-- Every change that a gate may see raises the account's epoch and is listed in
-- changes, whoever makes it: a server, an older server, or a person at a prompt.
--
-- Numbers come from change_head's one row. Transactions that write run one at a
-- time, so the numbers have no gaps and follow the order of commits.

CREATE TABLE changes (
    seq        INTEGER NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE change_head (
    id  INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL
) STRICT;

INSERT INTO change_head (id, seq) VALUES (1, 0);

-- All columns but last_used_at, which no gate looks at and requests change.
CREATE TRIGGER api_keys_added AFTER INSERT ON api_keys
BEGIN
    UPDATE accounts SET epoch = epoch + 1 WHERE id = NEW.account_id;
END;
CREATE TRIGGER api_keys_changed AFTER UPDATE OF id, account_id, user_id, name, start, last4, digest, pepper, scopes, models, created_at, expires_at,
    revoked_at, revoked_by, successor ON api_keys
BEGIN
    UPDATE accounts SET epoch = epoch + 1 WHERE id IN (OLD.account_id, NEW.account_id);
END;
CREATE TRIGGER api_keys_removed AFTER DELETE ON api_keys
BEGIN
    UPDATE accounts SET epoch = epoch + 1 WHERE id = OLD.account_id;
END;

-- They name columns that no batch sets.
CREATE TRIGGER accounts_changed AFTER UPDATE OF status, groups, billing ON accounts
BEGIN
    UPDATE accounts SET epoch = epoch + 1 WHERE id = NEW.id;
END;
CREATE TRIGGER accounts_epoch AFTER UPDATE OF epoch ON accounts
BEGIN
    UPDATE change_head SET seq = seq + 1 WHERE id = 1;
    INSERT INTO changes (seq, account_id, at)
    VALUES ((SELECT seq FROM change_head WHERE id = 1), NEW.id, CAST(unixepoch('subsec') * 1000000 AS INTEGER));
END;
