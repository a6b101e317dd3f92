-- Who asks to be let in, until an operator decides. An address has one open
-- request: asking again only counts. What they wrote is nowhere else.

CREATE TABLE access_requests (
    id           TEXT COLLATE "C" PRIMARY KEY,
    email        TEXT COLLATE "C" NOT NULL,
    email_key    TEXT COLLATE "C" NOT NULL,
    company      TEXT NOT NULL,
    intended_use TEXT NOT NULL,
    products     TEXT NOT NULL,
    state        TEXT NOT NULL,
    times        BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    asked_at     BIGINT NOT NULL,
    decided_at   BIGINT NOT NULL DEFAULT 0,
    decided_by   TEXT COLLATE "C" NOT NULL DEFAULT '',
    reason       TEXT NOT NULL DEFAULT '',
    account_id   TEXT COLLATE "C" NOT NULL DEFAULT ''
);

CREATE UNIQUE INDEX access_requests_open ON access_requests (email_key) WHERE state = 'open';
CREATE INDEX access_requests_email ON access_requests (email_key, id);
CREATE INDEX access_requests_state ON access_requests (state, id);
CREATE INDEX access_requests_decided ON access_requests (decided_at) WHERE decided_at > 0;
