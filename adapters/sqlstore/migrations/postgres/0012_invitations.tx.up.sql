-- Invitations to an account: open, then accepted, revoked, replaced or
-- expired. Of those that are open, an address has one in an account.

CREATE TABLE invitations (
    id         TEXT COLLATE "C" PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    token_hash BYTEA  NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    email      TEXT COLLATE "C" NOT NULL,
    email_key  TEXT COLLATE "C" NOT NULL,
    role       TEXT NOT NULL,
    invited_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    state      TEXT NOT NULL,
    ended_at   BIGINT NOT NULL DEFAULT 0,
    user_id    TEXT COLLATE "C" NOT NULL DEFAULT ''
);

CREATE UNIQUE INDEX invitations_open ON invitations (account_id, email_key) WHERE state = 'open';
CREATE INDEX invitations_account ON invitations (account_id, id);
CREATE INDEX invitations_ended ON invitations (ended_at, id) WHERE ended_at > 0;
