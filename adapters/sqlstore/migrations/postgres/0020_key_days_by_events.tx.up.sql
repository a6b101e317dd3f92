-- What each key used on each day of UTC, added up from the account's events:
-- a debit counts on the day on which it was made. What 0015 keeps counts
-- otherwise; it is for servers of before beside ones of now, and nothing is
-- taken over from it: events stay for ever.
CREATE TABLE key_usage (
    account_id TEXT COLLATE "C" NOT NULL,
    key_id     TEXT COLLATE "C" NOT NULL,
    day        BIGINT NOT NULL,
    requests   BIGINT NOT NULL,
    input      BIGINT NOT NULL,
    cached     BIGINT NOT NULL,
    output     BIGINT NOT NULL,
    debited    BIGINT NOT NULL,
    PRIMARY KEY (account_id, key_id, day)
);

-- Up to which of an account's events that is.
CREATE TABLE key_usage_until (
    account_id TEXT COLLATE "C" PRIMARY KEY,
    seq        BIGINT NOT NULL
);
