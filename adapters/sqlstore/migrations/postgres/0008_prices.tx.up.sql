-- What models cost, by content, and from when on. Both tables only grow: a hold
-- names a price for ever. Publications take their numbers under the lock of
-- price_head's one row.

CREATE TABLE price_books (
    hash    TEXT COLLATE "C" PRIMARY KEY,
    content BYTEA NOT NULL,
    CONSTRAINT price_books_hash CHECK (hash = encode(sha256(content), 'hex')),
    CONSTRAINT price_books_size CHECK (octet_length(content) <= 4194304)
);

CREATE TABLE price_schedule (
    seq          BIGINT PRIMARY KEY,
    hash         TEXT COLLATE "C" NOT NULL REFERENCES price_books (hash),
    effective_at BIGINT NOT NULL,
    added_at     BIGINT NOT NULL,
    actor_kind   TEXT   NOT NULL,
    actor_id     TEXT   NOT NULL
);

CREATE INDEX price_schedule_effective ON price_schedule (effective_at, seq);

CREATE TABLE price_head (
    id  SMALLINT PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL
);

INSERT INTO price_head (id, seq) VALUES (1, 0);

CREATE TRIGGER price_books_append_only BEFORE UPDATE OR DELETE ON price_books
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER price_books_no_truncate BEFORE TRUNCATE ON price_books
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER price_schedule_append_only BEFORE UPDATE OR DELETE ON price_schedule
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER price_schedule_no_truncate BEFORE TRUNCATE ON price_schedule
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
