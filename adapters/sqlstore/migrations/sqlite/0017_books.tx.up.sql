-- Which of the account's events tells of the hold's debit. A request's events
-- are found by it, so that the index of events by request can leave out the
-- kind that every request writes (0018).
ALTER TABLE holds ADD COLUMN debited_by INTEGER NOT NULL DEFAULT 0;

UPDATE holds SET debited_by = v.seq FROM events AS v
    WHERE v.kind = 'usage.debited' AND v.request_id = holds.request_id AND v.account_id = holds.account_id;
