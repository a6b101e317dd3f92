-- A request that is held and settled in one step, and paid from one lot, is one
-- row: its hold tells of its entry and its event, too. Of the rows that most
-- requests leave behind that is one in place of three. entry_seq and event_seq
-- are NULL for every other hold.
ALTER TABLE holds ADD COLUMN entry_seq INTEGER CHECK (entry_seq > 0);
ALTER TABLE holds ADD COLUMN event_seq INTEGER
    CHECK (event_seq IS NULL AND entry_seq IS NULL OR event_seq > 0 AND entry_seq IS NOT NULL AND state = 'settled' AND debited > 0);

CREATE TRIGGER holds_no_update BEFORE UPDATE ON holds WHEN OLD.event_seq IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'holds is append-only');
END;
CREATE TRIGGER holds_no_delete BEFORE DELETE ON holds WHEN OLD.event_seq IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'holds is append-only');
END;

-- What such holds tell, as entries and as events. The entry's lot is the one
-- among the hold's parts; the event's ID is the request's, but for the prefix.
CREATE VIEW spend_entries AS
    SELECT account_id, entry_seq AS seq, CASE WHEN json_valid(parts) THEN COALESCE(json_extract(parts, '$[0].lot'), '') ELSE '' END AS lot_id,
        'debit' AS kind, -debited AS amount, request_id, '' AS reason, '' AS actor, closed_at AS at
    FROM holds WHERE entry_seq IS NOT NULL;

CREATE VIEW spend_events AS
    SELECT 'evt_' || substr(request_id, 5) AS id, account_id, event_seq AS seq, closed_at AS at, 'usage.debited' AS kind,
        CASE WHEN key_id <> '' THEN 'key' ELSE 'user' END AS actor_kind, CASE WHEN key_id <> '' THEN key_id ELSE user_id END AS actor_id,
        area, request_id, key_id, -debited AS amount, '' AS reason, '' AS subject, model, 1 AS count, rowid AS place
    FROM holds WHERE event_seq IS NOT NULL;

-- All that there is, wherever it is told: for what adds up. Lists in an order
-- look at both places themselves; neither database would do that by index here.
CREATE VIEW all_entries AS
    SELECT account_id, seq, lot_id, kind, amount, request_id, reason, actor, at FROM entries
    UNION ALL
    SELECT account_id, seq, lot_id, kind, amount, request_id, reason, actor, at FROM spend_entries;

CREATE VIEW all_events AS
    SELECT id, account_id, seq, at, kind, actor_kind, actor_id, area, request_id, key_id, amount, reason, subject, model, count FROM events
    UNION ALL
    SELECT id, account_id, seq, at, kind, actor_kind, actor_id, area, request_id, key_id, amount, reason, subject, model, count FROM spend_events;

-- All holds up to the rowid whose events they tell have a leaf.
ALTER TABLE audit_head ADD COLUMN hold_row INTEGER NOT NULL DEFAULT 0;
ALTER TABLE key_usage_until RENAME COLUMN seq TO until;
