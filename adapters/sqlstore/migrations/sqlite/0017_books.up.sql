-- A correction is booked once for its request, and found by it (L11). There are
-- few: what a request writes is not listed.

CREATE UNIQUE INDEX IF NOT EXISTS entries_correction ON entries (request_id, lot_id) WHERE kind = 'correction';
