-- Invitations to an account: open, then accepted, revoked, replaced or
-- expired. Of those that are open, an address has one in an account.

CREATE TABLE invitations (
    id         TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    email      TEXT NOT NULL,
    email_key  TEXT NOT NULL,
    role       TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state      TEXT NOT NULL,
    ended_at   INTEGER NOT NULL DEFAULT 0,
    user_id    TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE UNIQUE INDEX invitations_open ON invitations (account_id, email_key) WHERE state = 'open';
CREATE INDEX invitations_account ON invitations (account_id, id);
CREATE INDEX invitations_ended ON invitations (ended_at, id) WHERE ended_at > 0;
