-- What a request writes is in as few indexes as can be.

-- A correction is booked once for its request, and found by it (L11).
CREATE UNIQUE INDEX IF NOT EXISTS entries_correction ON entries (request_id, lot_id) WHERE kind = 'correction';

-- A request's events, save that of its debit, which its hold knows (0017).
CREATE INDEX IF NOT EXISTS events_of_request ON events (request_id) WHERE request_id <> '' AND kind <> 'usage.debited';
DROP INDEX IF EXISTS events_request;
