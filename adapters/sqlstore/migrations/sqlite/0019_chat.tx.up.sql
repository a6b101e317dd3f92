-- Conversations: threads of messages, the turns that answer them, saved
-- prompts and drafts. All of it is a member's own: an account's and a user's.

CREATE TABLE threads (
    n            INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    account_id   TEXT    NOT NULL REFERENCES accounts (id),
    user_id      TEXT    NOT NULL,
    title        TEXT    NOT NULL,
    title_key    TEXT    NOT NULL, -- letter case aside
    named        INTEGER NOT NULL,
    instructions TEXT    NOT NULL,
    model        TEXT    NOT NULL,
    head         TEXT    NOT NULL,
    messages     INTEGER NOT NULL DEFAULT 0 CHECK (messages >= 0),
    pinned_at    INTEGER NOT NULL,
    archived_at  INTEGER NOT NULL,
    deleted_at   INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    -- What lists go by: 0 active, 1 archived, 2 deleted; 1 pinned.
    view   INTEGER NOT NULL GENERATED ALWAYS AS (CASE WHEN deleted_at > 0 THEN 2 WHEN archived_at > 0 THEN 1 ELSE 0 END) STORED,
    pinned INTEGER NOT NULL GENERATED ALWAYS AS (CASE WHEN pinned_at > 0 THEN 1 ELSE 0 END) STORED
) STRICT;

CREATE INDEX threads_list ON threads (account_id, user_id, view, pinned, updated_at, id);
CREATE INDEX threads_deleted ON threads (deleted_at, id) WHERE deleted_at > 0;

-- n is the thread's n in the bits from 20 on, and the message's place in its
-- thread below: a thread's messages lie together, and who knows n knows the thread.
CREATE TABLE messages (
    n          INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL,
    account_id TEXT    NOT NULL,
    thread_id  TEXT    NOT NULL,
    parent     TEXT    NOT NULL,
    depth      INTEGER NOT NULL CHECK (depth >= 0),
    role       TEXT    NOT NULL,
    text       TEXT    NOT NULL,
    turn_id    TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (thread_id, id)
) STRICT;

CREATE INDEX messages_children ON messages (thread_id, parent, id);

-- The words of messages, each behind a mark of its member, so that a search
-- reads the member's own alone. They come in as words: nothing is left to split.
-- A mark has 8 letters; what begins with 1 to 3 more has entries of its own.
CREATE VIRTUAL TABLE message_words USING fts5 (words, content = '', contentless_delete = 1, detail = none, prefix = '9 10 11', tokenize = 'ascii');

CREATE TABLE turns (
    id         TEXT    NOT NULL PRIMARY KEY,
    account_id TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    thread_id  TEXT    NOT NULL,
    question   TEXT    NOT NULL,
    answer     TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    model      TEXT    NOT NULL,
    request_id TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    until      INTEGER NOT NULL,
    stopping   INTEGER NOT NULL,
    stored     INTEGER NOT NULL DEFAULT 0, -- bytes of the answer
    state      TEXT    NOT NULL CHECK (state IN ('running', 'done', 'stopped', 'failed')),
    reason     TEXT    NOT NULL,
    sent       INTEGER NOT NULL,
    left_out   INTEGER NOT NULL,
    input      INTEGER NOT NULL,
    cached     INTEGER NOT NULL,
    output     INTEGER NOT NULL,
    estimated  INTEGER NOT NULL,
    debited    INTEGER NOT NULL,
    settled    INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    first_at   INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    steps      TEXT    NOT NULL -- JSON
) STRICT;

CREATE UNIQUE INDEX turns_key ON turns (thread_id, key);
CREATE UNIQUE INDEX turns_running ON turns (account_id, user_id, thread_id) WHERE state = 'running';
CREATE INDEX turns_unsettled ON turns (ended_at, id) WHERE ended_at > 0 AND NOT settled;

-- An answer at work, in pieces by their byte offsets.
CREATE TABLE turn_pieces (
    turn_id TEXT    NOT NULL,
    at      INTEGER NOT NULL CHECK (at >= 0),
    text    TEXT    NOT NULL,
    PRIMARY KEY (turn_id, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE prompts (
    id         TEXT    NOT NULL PRIMARY KEY,
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    user_id    TEXT    NOT NULL,
    title      TEXT    NOT NULL,
    text       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX prompts_member ON prompts (account_id, user_id);

-- thread_id '' is the next thread.
CREATE TABLE drafts (
    account_id TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    thread_id  TEXT    NOT NULL,
    text       TEXT    NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, user_id, thread_id)
) STRICT;
