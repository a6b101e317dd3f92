-- Whose each response is that an upstream keeps. The upstream knows one key for
-- all accounts, so nobody else can say. The ID alone is the key: it has one owner,
-- whichever account or upstream comes with it again.

CREATE TABLE responses (
    id         TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    key_id     TEXT NOT NULL,
    model      TEXT    NOT NULL,
    upstream   TEXT    NOT NULL,
    created_at INTEGER  NOT NULL,
    deleted_at INTEGER  NOT NULL DEFAULT 0,
    ended      INTEGER NOT NULL DEFAULT 0,
    tokens     INTEGER  NOT NULL DEFAULT 0 CHECK (tokens >= 0)
) STRICT;

-- For the sweep of old rows, which come in at its other end.
CREATE INDEX responses_created ON responses (created_at);
