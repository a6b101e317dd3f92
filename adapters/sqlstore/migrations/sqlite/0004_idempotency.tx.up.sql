-- What a client's own name of a request, its Idempotency-Key, stands for, and
-- the answers that are kept for a day. A name is here as a digest only, and an
-- answer sealed under the name and a secret from outside, so that neither can
-- be read from these tables. Leave their data out of dumps all the same.

CREATE TABLE idempotency (
    account_id TEXT    NOT NULL,
    id         BLOB    NOT NULL CHECK (length(id) = 32),
    print      BLOB    NOT NULL CHECK (length(print) = 32),
    request_id TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    kept       TEXT    NOT NULL,
    debited    INTEGER NOT NULL,
    remaining  INTEGER NOT NULL,
    PRIMARY KEY (id, account_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_age ON idempotency (created_at);

-- The slot is the day's number modulo four; elsewhere it is a partition.
CREATE TABLE idempotency_outcomes (
    slot       INTEGER NOT NULL,
    day        INTEGER NOT NULL,
    request_id TEXT    NOT NULL,
    account_id TEXT    NOT NULL,
    sealed     BLOB    NOT NULL,
    PRIMARY KEY (day, request_id, slot)
) STRICT;
