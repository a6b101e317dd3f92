-- How often something was tried lately: a bucket a key, which is full again at
-- full_at. Keys are here as keyed digests only. A bucket that is full is as
-- good as none.

CREATE TABLE attempts (
    id      BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    full_at INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    refused INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX attempts_full ON attempts (full_at);
