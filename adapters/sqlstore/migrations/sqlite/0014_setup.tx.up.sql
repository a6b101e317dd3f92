-- What an account settles before it begins, and what it acknowledged of where
-- data goes (A8). accounts.boundary is the version acknowledged last, where the
-- gates find it without another query.

CREATE TABLE setups (
    account_id    TEXT NOT NULL PRIMARY KEY REFERENCES accounts (id),
    intended_use  TEXT NOT NULL,
    notifications TEXT NOT NULL,
    files         TEXT NOT NULL,
    updated_at    INTEGER NOT NULL,
    updated_by    TEXT NOT NULL
) STRICT;

CREATE TABLE acknowledgements (
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    environment TEXT NOT NULL,
    version     TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (account_id, environment, version)
) STRICT;

ALTER TABLE accounts ADD COLUMN boundary TEXT NOT NULL DEFAULT '';

CREATE TRIGGER accounts_boundary AFTER UPDATE OF boundary ON accounts
BEGIN
    UPDATE accounts SET epoch = epoch + 1 WHERE id = NEW.id;
END;
CREATE TRIGGER acknowledgements_no_update BEFORE UPDATE ON acknowledgements
BEGIN
    SELECT RAISE(ABORT, 'acknowledgements is append-only');
END;
CREATE TRIGGER acknowledgements_no_delete BEFORE DELETE ON acknowledgements
BEGIN
    SELECT RAISE(ABORT, 'acknowledgements is append-only');
END;
