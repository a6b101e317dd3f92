-- Activity by kind finds seldom ones among millions. The kind that every
-- request leaves behind is not listed, so that requests do not pay for it.
-- Built beside the traffic, outside a transaction; what an attempt that failed
-- left is dropped first.

DROP INDEX CONCURRENTLY IF EXISTS events_kind;

--bun:split

CREATE INDEX CONCURRENTLY events_kind ON events (account_id, kind, seq) WHERE kind <> 'usage.debited';
