-- When the owner of a key is next to be told that it expires; 0: not any more.
-- It is no column that a gate looks at, and requests do not change it.
ALTER TABLE api_keys ADD COLUMN notice_at INTEGER NOT NULL DEFAULT 0;

UPDATE api_keys SET notice_at = expires_at - 2592000000000 WHERE revoked_at = 0 AND successor = '';

CREATE INDEX api_keys_notice ON api_keys (notice_at, id) WHERE notice_at > 0;

-- What each key used on each day of UTC that is over, added up from the holds
-- once none of that day is open any more: a day that is over does not change.
CREATE TABLE key_days (
    account_id TEXT NOT NULL,
    key_id     TEXT NOT NULL,
    day        INTEGER NOT NULL,
    requests   INTEGER NOT NULL,
    input      INTEGER NOT NULL,
    cached     INTEGER NOT NULL,
    output     INTEGER NOT NULL,
    debited    INTEGER NOT NULL,
    PRIMARY KEY (account_id, key_id, day)
) STRICT, WITHOUT ROWID;

-- Up to where an account's days are added up.
CREATE TABLE key_days_until (
    account_id TEXT NOT NULL PRIMARY KEY,
    day        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The hidden credentials of browser chat, one of each member. They stand apart
-- from the API keys, so that no list, count or export of keys has them, and
-- nothing that is shown at /v1 finds one. seen is what groups it was made under.
CREATE TABLE first_party (
    id         TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    user_id    TEXT NOT NULL,
    digest     BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    pepper     TEXT NOT NULL,
    seen       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    UNIQUE (account_id, user_id)
) STRICT;

CREATE INDEX first_party_expiring ON first_party (expires_at);

-- A new one closes nothing to anybody; one that is replaced or ends does.
CREATE TRIGGER first_party_changed AFTER UPDATE ON first_party
BEGIN
    UPDATE accounts SET epoch = epoch + 1 WHERE id IN (OLD.account_id, NEW.account_id);
END;
CREATE TRIGGER first_party_removed AFTER DELETE ON first_party
BEGIN
    UPDATE accounts SET epoch = epoch + 1 WHERE id = OLD.account_id;
END;

-- Whoever removes a member or closes an account ends what chat is done under.
CREATE TRIGGER members_end_first_party AFTER DELETE ON members
BEGIN
    DELETE FROM first_party WHERE account_id = OLD.account_id AND user_id = OLD.user_id;
END;
CREATE TRIGGER accounts_end_first_party AFTER UPDATE OF status ON accounts WHEN NEW.status = 'closed'
BEGIN
    DELETE FROM first_party WHERE account_id = NEW.id;
END;
