-- Whose each response is that an upstream keeps. The upstream knows one key for
-- all accounts, so nobody else can say. The ID alone is the key: it has one owner,
-- whichever account or upstream comes with it again.

CREATE TABLE responses (
    id         TEXT COLLATE "C" PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    key_id     TEXT COLLATE "C" NOT NULL,
    model      TEXT    NOT NULL,
    upstream   TEXT    NOT NULL,
    created_at BIGINT  NOT NULL,
    deleted_at BIGINT  NOT NULL DEFAULT 0,
    ended      BOOLEAN NOT NULL DEFAULT FALSE,
    tokens     BIGINT  NOT NULL DEFAULT 0 CHECK (tokens >= 0)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

-- For the sweep of old rows, which come in at its other end.
CREATE INDEX responses_created ON responses (created_at);
