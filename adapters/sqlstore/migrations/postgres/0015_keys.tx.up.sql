-- When the owner of a key is next to be told that it expires; 0: not any more.
-- It is no column that a gate looks at, and requests do not change it.
ALTER TABLE api_keys ADD COLUMN notice_at BIGINT NOT NULL DEFAULT 0;

UPDATE api_keys SET notice_at = expires_at - 2592000000000 WHERE revoked_at = 0 AND successor = '';

CREATE INDEX api_keys_notice ON api_keys (notice_at, id) WHERE notice_at > 0;

-- What each key used on each day of UTC that is over, added up from the holds
-- once none of that day is open any more: a day that is over does not change.
CREATE TABLE key_days (
    account_id TEXT COLLATE "C" NOT NULL,
    key_id     TEXT COLLATE "C" NOT NULL,
    day        BIGINT NOT NULL,
    requests   BIGINT NOT NULL,
    input      BIGINT NOT NULL,
    cached     BIGINT NOT NULL,
    output     BIGINT NOT NULL,
    debited    BIGINT NOT NULL,
    PRIMARY KEY (account_id, key_id, day)
);

-- Up to where an account's days are added up.
CREATE TABLE key_days_until (
    account_id TEXT COLLATE "C" PRIMARY KEY,
    day        BIGINT NOT NULL
);

-- The hidden credentials of browser chat, one of each member. They stand apart
-- from the API keys, so that no list, count or export of keys has them, and
-- nothing that is shown at /v1 finds one. seen is what groups it was made under.
CREATE TABLE first_party (
    id         TEXT COLLATE "C" PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    user_id    TEXT COLLATE "C" NOT NULL,
    digest     BYTEA  NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    pepper     TEXT   NOT NULL,
    seen       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    UNIQUE (account_id, user_id)
);

CREATE INDEX first_party_expiring ON first_party (expires_at);

-- A new one closes nothing to anybody; one that is replaced or ends does.
CREATE TRIGGER first_party_changed AFTER UPDATE OR DELETE ON first_party
    FOR EACH ROW EXECUTE FUNCTION raise_epoch_of_key();

-- Whoever removes a member or closes an account ends what chat is done under.
CREATE FUNCTION end_first_party_of_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM first_party WHERE account_id = OLD.account_id AND user_id = OLD.user_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER members_end_first_party AFTER DELETE ON members
    FOR EACH ROW EXECUTE FUNCTION end_first_party_of_member();

CREATE FUNCTION end_first_party_of_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM first_party WHERE account_id = NEW.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER accounts_end_first_party AFTER UPDATE OF status ON accounts
    FOR EACH ROW WHEN (NEW.status = 'closed') EXECUTE FUNCTION end_first_party_of_account();
