-- Keys' use by day is added up from events (0020), and nothing else looks for
-- an account's holds. Servers of before beside ones of now read that use more
-- slowly.
-- Outside a transaction, beside the traffic.

DROP INDEX CONCURRENTLY IF EXISTS holds_account;
