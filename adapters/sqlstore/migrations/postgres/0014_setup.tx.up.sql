-- What an account settles before it begins, and what it acknowledged of where
-- data goes (A8). accounts.boundary is the version acknowledged last, where the
-- gates find it without another query.

CREATE TABLE setups (
    account_id    TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES accounts (id),
    intended_use  TEXT NOT NULL,
    notifications TEXT NOT NULL,
    files         TEXT NOT NULL,
    updated_at    BIGINT NOT NULL,
    updated_by    TEXT COLLATE "C" NOT NULL
);

CREATE TABLE acknowledgements (
    account_id  TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    environment TEXT COLLATE "C" NOT NULL,
    version     TEXT COLLATE "C" NOT NULL,
    user_id     TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (account_id, environment, version)
);

ALTER TABLE accounts ADD COLUMN boundary TEXT NOT NULL DEFAULT '';

CREATE TRIGGER accounts_boundary AFTER UPDATE OF boundary ON accounts
    FOR EACH ROW EXECUTE FUNCTION raise_epoch();
CREATE TRIGGER acknowledgements_append_only BEFORE UPDATE OR DELETE ON acknowledgements
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER acknowledgements_no_truncate BEFORE TRUNCATE ON acknowledgements
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
