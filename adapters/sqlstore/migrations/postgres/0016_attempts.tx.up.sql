-- How often something was tried lately: a bucket a key, which is full again at
-- full_at. Keys are here as keyed digests only. A bucket that is full is as
-- good as none, so that after a crash the table may well be empty: it is not
-- logged, and a write costs no flush.

CREATE UNLOGGED TABLE attempts (
    id      BYTEA    PRIMARY KEY CHECK (octet_length(id) = 32),
    full_at BIGINT   NOT NULL,
    at      BIGINT   NOT NULL,
    refused SMALLINT NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX attempts_full ON attempts (full_at);
