-- Where a key may be used from, and whose caps it counts against. The epoch
-- begins at 1: 0 means any to those who compare it.

ALTER TABLE api_keys
    ADD COLUMN networks TEXT NOT NULL DEFAULT '[]',
    ADD COLUMN family   TEXT COLLATE "C" NOT NULL DEFAULT '';

DROP TRIGGER api_keys_changed ON api_keys;
-- All columns but last_used_at, which no gate looks at and requests change.
CREATE TRIGGER api_keys_changed
    AFTER INSERT OR DELETE OR UPDATE OF id, account_id, user_id, name, start, last4, digest, pepper, scopes, models, networks, family, created_at,
    expires_at, revoked_at, revoked_by, successor ON api_keys
    FOR EACH ROW EXECUTE FUNCTION raise_epoch_of_key();

UPDATE accounts SET epoch = 1 WHERE epoch = 0;
