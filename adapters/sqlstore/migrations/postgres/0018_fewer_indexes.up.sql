-- What a request writes is in as few indexes as can be.
-- Built beside the traffic, outside a transaction; what an attempt that failed
-- left is dropped first.

-- A correction is booked once for its request, and found by it (L11).
DROP INDEX CONCURRENTLY IF EXISTS entries_correction;

--bun:split

CREATE UNIQUE INDEX CONCURRENTLY entries_correction ON entries (request_id, lot_id) WHERE kind = 'correction';

--bun:split

-- A request's events, save that of its debit, which its hold knows (0017).
DROP INDEX CONCURRENTLY IF EXISTS events_of_request;

--bun:split

CREATE INDEX CONCURRENTLY events_of_request ON events (request_id) WHERE request_id <> '' AND kind <> 'usage.debited';

--bun:split

DROP INDEX CONCURRENTLY IF EXISTS events_request;
