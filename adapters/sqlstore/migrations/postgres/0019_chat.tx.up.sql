-- Conversations: threads of messages, the turns that answer them, saved
-- prompts and drafts. All of it is a member's own: an account's and a user's.

CREATE TABLE threads (
    id           TEXT COLLATE "C" PRIMARY KEY,
    account_id   TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    user_id      TEXT COLLATE "C" NOT NULL,
    title        TEXT    NOT NULL,
    title_key    TEXT COLLATE "C" NOT NULL, -- letter case aside
    named        BOOLEAN NOT NULL,
    instructions TEXT    NOT NULL,
    model        TEXT    NOT NULL,
    head         TEXT COLLATE "C" NOT NULL,
    messages     BIGINT  NOT NULL DEFAULT 0 CHECK (messages >= 0),
    pinned_at    BIGINT  NOT NULL,
    archived_at  BIGINT  NOT NULL,
    deleted_at   BIGINT  NOT NULL,
    created_at   BIGINT  NOT NULL,
    updated_at   BIGINT  NOT NULL,
    -- What lists go by: 0 active, 1 archived, 2 deleted; 1 pinned.
    view   SMALLINT NOT NULL GENERATED ALWAYS AS (CASE WHEN deleted_at > 0 THEN 2 WHEN archived_at > 0 THEN 1 ELSE 0 END) STORED,
    pinned SMALLINT NOT NULL GENERATED ALWAYS AS (CASE WHEN pinned_at > 0 THEN 1 ELSE 0 END) STORED
) WITH (fillfactor = 80);

CREATE INDEX threads_list ON threads (account_id, user_id, view, pinned, updated_at, id);
CREATE INDEX threads_deleted ON threads (deleted_at, id) WHERE deleted_at > 0;

-- words are those of the text, each behind a mark of its member, so that the
-- index leads to the member's own alone.
CREATE TABLE messages (
    id         TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    thread_id  TEXT COLLATE "C" NOT NULL,
    parent     TEXT COLLATE "C" NOT NULL,
    depth      BIGINT   NOT NULL CHECK (depth >= 0),
    role       TEXT     NOT NULL,
    text       TEXT     NOT NULL,
    turn_id    TEXT COLLATE "C" NOT NULL,
    created_at BIGINT   NOT NULL,
    words      TSVECTOR NOT NULL,
    PRIMARY KEY (thread_id, id)
);

CREATE INDEX messages_children ON messages (thread_id, parent, id);

-- What waits to be put into it is read by every search, so it is kept short.
CREATE INDEX messages_words ON messages USING GIN (words) WITH (gin_pending_list_limit = 256);

-- No index has what a turn at work changes.
CREATE TABLE turns (
    id         TEXT COLLATE "C" PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    thread_id  TEXT COLLATE "C" NOT NULL,
    question   TEXT COLLATE "C" NOT NULL,
    answer     TEXT COLLATE "C" NOT NULL,
    key        TEXT COLLATE "C" NOT NULL,
    model      TEXT    NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    owner      TEXT COLLATE "C" NOT NULL,
    until      BIGINT  NOT NULL,
    stopping   BOOLEAN NOT NULL,
    stored     BIGINT  NOT NULL DEFAULT 0, -- bytes of the answer
    state      TEXT    NOT NULL CHECK (state IN ('running', 'done', 'stopped', 'failed')),
    reason     TEXT    NOT NULL,
    sent       BIGINT  NOT NULL,
    left_out   BIGINT  NOT NULL,
    input      BIGINT  NOT NULL,
    cached     BIGINT  NOT NULL,
    output     BIGINT  NOT NULL,
    estimated  BOOLEAN NOT NULL,
    debited    BIGINT  NOT NULL,
    settled    BOOLEAN NOT NULL,
    started_at BIGINT  NOT NULL,
    first_at   BIGINT  NOT NULL,
    ended_at   BIGINT  NOT NULL,
    steps      TEXT    NOT NULL -- JSON
) WITH (fillfactor = 50);

CREATE UNIQUE INDEX turns_key ON turns (thread_id, key);
CREATE UNIQUE INDEX turns_running ON turns (account_id, user_id, thread_id) WHERE state = 'running';
CREATE INDEX turns_unsettled ON turns (ended_at, id) WHERE ended_at > 0 AND NOT settled;

-- An answer at work, in pieces by their byte offsets.
CREATE TABLE turn_pieces (
    turn_id TEXT COLLATE "C" NOT NULL,
    at      BIGINT NOT NULL CHECK (at >= 0),
    text    TEXT   NOT NULL,
    PRIMARY KEY (turn_id, at)
);

CREATE TABLE prompts (
    id         TEXT COLLATE "C" PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    user_id    TEXT COLLATE "C" NOT NULL,
    title      TEXT   NOT NULL,
    text       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX prompts_member ON prompts (account_id, user_id);

-- thread_id '' is the next thread.
CREATE TABLE drafts (
    account_id TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    thread_id  TEXT COLLATE "C" NOT NULL,
    text       TEXT   NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, user_id, thread_id)
) WITH (fillfactor = 70);
