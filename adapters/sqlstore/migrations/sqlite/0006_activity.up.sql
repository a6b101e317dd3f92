-- Activity by kind finds seldom ones among millions. The kind that every
-- request leaves behind is not listed, so that requests do not pay for it.

CREATE INDEX IF NOT EXISTS events_kind ON events (account_id, kind, seq) WHERE kind <> 'usage.debited';
