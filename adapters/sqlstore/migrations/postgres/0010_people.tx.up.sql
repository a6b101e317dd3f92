-- Who belongs where. A user is an identity at a provider; a member is a user
-- of an account. Users are seen by gates through the accounts that they are
-- members of, and only by what opens or closes anything: a sign-in that finds
-- all as it was is no change.

CREATE TABLE users (
    id             TEXT COLLATE "C" PRIMARY KEY,
    issuer         TEXT COLLATE "C" NOT NULL,
    subject        TEXT COLLATE "C" NOT NULL,
    provider       TEXT    NOT NULL,
    email          TEXT    NOT NULL,
    email_verified BOOLEAN NOT NULL,
    name           TEXT    NOT NULL,
    group_rule     TEXT    NOT NULL,
    groups         TEXT    NOT NULL,
    created_at     BIGINT  NOT NULL,
    updated_at     BIGINT  NOT NULL,
    seen_at        BIGINT  NOT NULL,
    UNIQUE (issuer, subject)
) WITH (fillfactor = 80);

CREATE TABLE members (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    role       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, user_id)
);

CREATE INDEX members_user ON members (user_id, account_id);

CREATE TRIGGER members_changed AFTER INSERT OR UPDATE OR DELETE ON members
    FOR EACH ROW EXECUTE FUNCTION raise_epoch_of_key();

-- Whoever becomes a member waits for a change of their groups that is under
-- way, which does not see the membership and so would not raise the epoch.
CREATE FUNCTION settle_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM users WHERE id = NEW.user_id FOR SHARE;
    RETURN NEW;
END
$$;

CREATE TRIGGER members_added BEFORE INSERT OR UPDATE OF user_id ON members
    FOR EACH ROW EXECUTE FUNCTION settle_user();

-- Accounts are locked in the order in which everybody locks them.
CREATE FUNCTION raise_epoch_of_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM accounts WHERE id IN (SELECT account_id FROM members WHERE user_id = NEW.id) ORDER BY id FOR NO KEY UPDATE;
    UPDATE accounts SET epoch = epoch + 1 WHERE id IN (SELECT account_id FROM members WHERE user_id = NEW.id);
    RETURN NULL;
END
$$;

CREATE TRIGGER users_changed AFTER UPDATE OF group_rule, groups ON users
    FOR EACH ROW WHEN (OLD.group_rule <> NEW.group_rule OR OLD.groups <> NEW.groups)
    EXECUTE FUNCTION raise_epoch_of_user();
