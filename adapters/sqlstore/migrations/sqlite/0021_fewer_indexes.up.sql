-- Keys' use by day is added up from events (0020), and nothing else looks for
-- an account's holds.

DROP INDEX IF EXISTS holds_account;
