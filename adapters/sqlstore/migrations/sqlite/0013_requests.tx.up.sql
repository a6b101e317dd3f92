-- Who asks to be let in, until an operator decides. An address has one open
-- request: asking again only counts. What they wrote is nowhere else.

CREATE TABLE access_requests (
    id           TEXT NOT NULL PRIMARY KEY,
    email        TEXT NOT NULL,
    email_key    TEXT NOT NULL,
    company      TEXT NOT NULL,
    intended_use TEXT NOT NULL,
    products     TEXT NOT NULL,
    state        TEXT NOT NULL,
    times        INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    asked_at     INTEGER NOT NULL,
    decided_at   INTEGER NOT NULL DEFAULT 0,
    decided_by   TEXT NOT NULL DEFAULT '',
    reason       TEXT NOT NULL DEFAULT '',
    account_id   TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE UNIQUE INDEX access_requests_open ON access_requests (email_key) WHERE state = 'open';
CREATE INDEX access_requests_email ON access_requests (email_key, id);
CREATE INDEX access_requests_state ON access_requests (state, id);
CREATE INDEX access_requests_decided ON access_requests (decided_at) WHERE decided_at > 0;
