-- A correction is booked once for its request, and found by it (L11). There are
-- few: what a request writes is not listed.
-- Built beside the traffic, outside a transaction; what an attempt that failed
-- left is dropped first.

DROP INDEX CONCURRENTLY IF EXISTS entries_correction;

--bun:split

CREATE UNIQUE INDEX CONCURRENTLY entries_correction ON entries (request_id, lot_id) WHERE kind = 'correction';
