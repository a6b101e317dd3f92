-- Only requests of one row are in them.
CREATE UNIQUE INDEX IF NOT EXISTS holds_entry ON holds (account_id, entry_seq) WHERE entry_seq IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS holds_event ON holds (account_id, event_seq) WHERE event_seq IS NOT NULL;
