-- What models cost, by content, and from when on. Both tables only grow: a hold
-- names a price for ever. Publications take their numbers from price_head's one
-- row.

CREATE TABLE price_books (
    hash    TEXT NOT NULL PRIMARY KEY,
    content BLOB NOT NULL,
    CONSTRAINT price_books_hash CHECK (length(hash) = 64),
    CONSTRAINT price_books_size CHECK (length(content) <= 4194304)
) STRICT;

CREATE TABLE price_schedule (
    seq          INTEGER NOT NULL PRIMARY KEY,
    hash         TEXT    NOT NULL REFERENCES price_books (hash),
    effective_at INTEGER NOT NULL,
    added_at     INTEGER NOT NULL,
    actor_kind   TEXT    NOT NULL,
    actor_id     TEXT    NOT NULL
) STRICT;

CREATE INDEX price_schedule_effective ON price_schedule (effective_at, seq);

CREATE TABLE price_head (
    id  INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL
) STRICT;

INSERT INTO price_head (id, seq) VALUES (1, 0);

CREATE TRIGGER price_books_no_update BEFORE UPDATE ON price_books
BEGIN
    SELECT RAISE(ABORT, 'price_books is append-only');
END;
CREATE TRIGGER price_books_no_delete BEFORE DELETE ON price_books
BEGIN
    SELECT RAISE(ABORT, 'price_books is append-only');
END;
CREATE TRIGGER price_schedule_no_update BEFORE UPDATE ON price_schedule
BEGIN
    SELECT RAISE(ABORT, 'price_schedule is append-only');
END;
CREATE TRIGGER price_schedule_no_delete BEFORE DELETE ON price_schedule
BEGIN
    SELECT RAISE(ABORT, 'price_schedule is append-only');
END;
