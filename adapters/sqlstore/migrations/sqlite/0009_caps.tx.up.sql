-- Where a key may be used from, and whose caps it counts against. The epoch
-- begins at 1: 0 means any to those who compare it.

ALTER TABLE api_keys ADD COLUMN networks TEXT NOT NULL DEFAULT '[]';
ALTER TABLE api_keys ADD COLUMN family TEXT NOT NULL DEFAULT '';

DROP TRIGGER api_keys_changed;
-- All columns but last_used_at, which no gate looks at and requests change.
CREATE TRIGGER api_keys_changed AFTER UPDATE OF id, account_id, user_id, name, start, last4, digest, pepper, scopes, models, networks, family, created_at,
    expires_at, revoked_at, revoked_by, successor ON api_keys
BEGIN
    UPDATE accounts SET epoch = epoch + 1 WHERE id IN (OLD.account_id, NEW.account_id);
END;

UPDATE accounts SET epoch = 1 WHERE epoch = 0;
