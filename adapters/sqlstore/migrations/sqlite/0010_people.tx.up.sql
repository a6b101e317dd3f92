-- Who belongs where. A user is an identity at a provider; a member is a user
-- of an account. Users are seen by gates through the accounts that they are
-- members of, and only by what opens or closes anything: a sign-in that finds
-- all as it was is no change.

CREATE TABLE users (
    id             TEXT    NOT NULL PRIMARY KEY,
    issuer         TEXT    NOT NULL,
    subject        TEXT    NOT NULL,
    provider       TEXT    NOT NULL,
    email          TEXT    NOT NULL,
    email_verified INTEGER NOT NULL,
    name           TEXT    NOT NULL,
    group_rule     TEXT    NOT NULL,
    groups         TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    seen_at        INTEGER NOT NULL,
    UNIQUE (issuer, subject)
) STRICT;

CREATE TABLE members (
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    user_id    TEXT    NOT NULL REFERENCES users (id),
    role       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_user ON members (user_id, account_id);

CREATE TRIGGER members_added AFTER INSERT ON members
BEGIN
    UPDATE accounts SET epoch = epoch + 1 WHERE id = NEW.account_id;
END;
CREATE TRIGGER members_changed AFTER UPDATE ON members
BEGIN
    UPDATE accounts SET epoch = epoch + 1 WHERE id IN (OLD.account_id, NEW.account_id);
END;
CREATE TRIGGER members_removed AFTER DELETE ON members
BEGIN
    UPDATE accounts SET epoch = epoch + 1 WHERE id = OLD.account_id;
END;

CREATE TRIGGER users_changed AFTER UPDATE OF group_rule, groups ON users
WHEN OLD.group_rule <> NEW.group_rule OR OLD.groups <> NEW.groups
BEGIN
    UPDATE accounts SET epoch = epoch + 1 WHERE id IN (SELECT account_id FROM members WHERE user_id = NEW.id);
END;
