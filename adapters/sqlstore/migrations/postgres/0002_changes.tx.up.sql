-- Every change that a gate may see raises the account's epoch and is listed in
-- changes, whoever makes it: a server, an older server, or a person at a prompt.
--
-- Numbers are taken under the lock of change_head's one row, which is held
-- until the transaction ends, so they have no gaps and follow the order of
-- commits; a sequence does neither. The trigger that takes them is deferred to
-- the commit: the lock is short, and it is the last that a transaction takes.

CREATE TABLE changes (
    seq        BIGINT PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL,
    at         BIGINT NOT NULL
);

CREATE TABLE change_head (
    id  SMALLINT PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL
) WITH (fillfactor = 10);

INSERT INTO change_head (id, seq) VALUES (1, 0);

CREATE FUNCTION raise_epoch_of_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts SET epoch = epoch + 1 WHERE id IN (OLD.account_id, NEW.account_id);
    RETURN NULL;
END
$$;

CREATE FUNCTION raise_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts SET epoch = epoch + 1 WHERE id = NEW.id;
    RETURN NULL;
END
$$;

CREATE FUNCTION list_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    number BIGINT;
BEGIN
    UPDATE change_head SET seq = seq + 1 WHERE id = 1 RETURNING seq INTO number;
    INSERT INTO changes (seq, account_id, at) VALUES (number, NEW.id, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    RETURN NULL;
END
$$;

-- All columns but last_used_at, which no gate looks at and requests change.
CREATE TRIGGER api_keys_changed
    AFTER INSERT OR DELETE OR UPDATE OF id, account_id, user_id, name, start, last4, digest, pepper, scopes, models, created_at, expires_at,
    revoked_at, revoked_by, successor ON api_keys
    FOR EACH ROW EXECUTE FUNCTION raise_epoch_of_key();

-- They name columns that no batch sets, and run after the update, so they cost
-- a batch nothing and its updates stay heap-only.
CREATE TRIGGER accounts_changed AFTER UPDATE OF status, groups, billing ON accounts
    FOR EACH ROW EXECUTE FUNCTION raise_epoch();
CREATE CONSTRAINT TRIGGER accounts_epoch AFTER UPDATE OF epoch ON accounts
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION list_change();
