-- Which of the account's events tells of the hold's debit. A request's events
-- are found by it, so that the index of events by request can leave out the
-- kind that every request writes (0018).
ALTER TABLE holds ADD COLUMN debited_by BIGINT NOT NULL DEFAULT 0;

-- A settled hold is a little longer than an open one, and is to find room on the
-- page of each of them.
ALTER TABLE holds SET (fillfactor = 45);

UPDATE holds AS h SET debited_by = v.seq FROM events AS v
    WHERE v.kind = 'usage.debited' AND v.request_id = h.request_id AND v.account_id = h.account_id;
