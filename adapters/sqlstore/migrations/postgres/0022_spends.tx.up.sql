-- A request that is held and settled in one step, and paid from one lot, is one
-- row: its hold tells of its entry and its event, too. Of the rows that most
-- requests leave behind that is one in place of three, in four indexes in place
-- of six. entry_seq and event_seq are NULL for every other hold.
--
-- No index knows a column that a settle changes, nor its predicate: debited_by
-- is not event_seq, so that the update stays on its page.
ALTER TABLE holds
    ADD COLUMN entry_seq BIGINT,
    ADD COLUMN event_seq BIGINT,
    ADD COLUMN era       SMALLINT NOT NULL DEFAULT 0,
    ADD COLUMN xact      xid8     NOT NULL DEFAULT '0';
ALTER TABLE holds ALTER COLUMN xact SET DEFAULT pg_current_xact_id();

-- The era is that of events, whatever it is by now (0007).
DO $$
BEGIN
    EXECUTE format('ALTER TABLE holds ALTER COLUMN era SET DEFAULT %s', COALESCE((SELECT era FROM audit_head WHERE id = 1), 1));
END
$$;

CREATE TRIGGER holds_append_only BEFORE UPDATE OR DELETE ON holds
    FOR EACH ROW WHEN (OLD.event_seq IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER holds_no_truncate BEFORE TRUNCATE ON holds
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What such holds tell, as entries and as events. The entry's lot is the one
-- among the hold's parts, which are JSON; the event's ID is the request's, but
-- for the prefix.
CREATE VIEW spend_entries AS
    SELECT account_id, entry_seq AS seq, split_part(parts, '"', 4) COLLATE "C" AS lot_id, 'debit'::text AS kind, -debited AS amount, request_id,
        ''::text AS reason, ''::text AS actor, closed_at AS at
    FROM holds WHERE entry_seq IS NOT NULL;

CREATE VIEW spend_events AS
    SELECT 'evt_' || substr(request_id, 5) AS id, account_id, event_seq AS seq, closed_at AS at, 'usage.debited'::text AS kind,
        CASE WHEN key_id <> '' THEN 'key' ELSE 'user' END AS actor_kind, CASE WHEN key_id <> '' THEN key_id ELSE user_id END AS actor_id,
        area, request_id, key_id, -debited AS amount, ''::text AS reason, ''::text AS subject, model, 1::bigint AS count, era, xact
    FROM holds WHERE event_seq IS NOT NULL;

-- All that there is, wherever it is told: for what adds up. Lists in an order
-- look at both places themselves; neither database would do that by index here.
CREATE VIEW all_entries AS
    SELECT account_id, seq, lot_id, kind, amount, request_id, reason, actor, at FROM entries
    UNION ALL
    SELECT account_id, seq, lot_id, kind, amount, request_id, reason, actor, at FROM spend_entries;

CREATE VIEW all_events AS
    SELECT id, account_id, seq, at, kind, actor_kind, actor_id, area, request_id, key_id, amount, reason, subject, model, count, era, xact FROM events
    UNION ALL
    SELECT id, account_id, seq, at, kind, actor_kind, actor_id, area, request_id, key_id, amount, reason, subject, model, count, era, xact FROM spend_events;

-- A server of before would seal past what it does not see, and add up keys' use
-- without it. It can do neither any more: it does not know the columns' names.
ALTER TABLE audit_head RENAME COLUMN event_id TO last_id;
ALTER TABLE key_usage_until RENAME COLUMN seq TO until;
