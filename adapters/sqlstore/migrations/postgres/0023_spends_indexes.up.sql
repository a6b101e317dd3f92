-- Built beside the traffic, outside a transaction; what an attempt that failed
-- left is dropped first. Only requests of one row are in them.

DROP INDEX CONCURRENTLY IF EXISTS holds_entry;

--bun:split

CREATE UNIQUE INDEX CONCURRENTLY holds_entry ON holds (account_id, entry_seq) WHERE entry_seq IS NOT NULL;

--bun:split

DROP INDEX CONCURRENTLY IF EXISTS holds_event;

--bun:split

CREATE UNIQUE INDEX CONCURRENTLY holds_event ON holds (account_id, event_seq) WHERE event_seq IS NOT NULL;

--bun:split

DROP INDEX CONCURRENTLY IF EXISTS holds_sealing;

--bun:split

CREATE INDEX CONCURRENTLY holds_sealing ON holds (era, xact) WHERE event_seq IS NOT NULL;
