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
