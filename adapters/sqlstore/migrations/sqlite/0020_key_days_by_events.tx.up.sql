-- What each key used on each day of UTC, added up from the account's events:
-- a debit counts on the day on which it was made. What 0015 keeps counts
-- otherwise; it is for servers of before beside ones of now, and nothing is
-- taken over from it: events stay for ever.
CREATE TABLE key_usage (
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

-- Up to which of an account's events that is.
CREATE TABLE key_usage_until (
    account_id TEXT NOT NULL PRIMARY KEY,
    seq        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
