-- The log that events are sealed into: leaves in the order in which they were
-- sealed, nodes over 256, 65,536, … of them, and signed checkpoints.
--
-- xact is the transaction that wrote an event. A sealer takes events whose
-- transaction is older than every running one, by (xact, id): none can appear
-- behind it any more. Transactions are numbered by the cluster, so a database
-- that moved to another one begins a new era, by a new default; whatever was
-- written in eras before is swept in by id. Era 0 is what was there before
-- this migration. Neither column costs more than its bytes: both defaults are
-- evaluated as a row is inserted, and here for all rows at once.
ALTER TABLE events
    ADD COLUMN era  SMALLINT NOT NULL DEFAULT 0,
    ADD COLUMN xact xid8     NOT NULL DEFAULT pg_current_xact_id();
ALTER TABLE events ALTER COLUMN era SET DEFAULT 1;

-- Rows come in at its right end, many to a transaction.
CREATE INDEX events_sealing ON events (era, xact);

CREATE TABLE audit_leaves (
    number   BIGINT PRIMARY KEY CHECK (number >= 0),
    event_id TEXT COLLATE "C" NOT NULL UNIQUE,
    hash     BYTEA  NOT NULL CHECK (octet_length(hash) = 32)
);

CREATE TABLE audit_nodes (
    level  BIGINT NOT NULL,
    number BIGINT NOT NULL,
    hash   BYTEA  NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (level, number)
);

CREATE TABLE audit_checkpoints (
    size BIGINT PRIMARY KEY CHECK (size > 0),
    note TEXT   NOT NULL,
    at   BIGINT NOT NULL
);

-- Where the log stands: all of the era up to (xact, event_id) has a leaf, and
-- of earlier eras all up to swept_id, or all if swept.
CREATE TABLE audit_head (
    id       SMALLINT PRIMARY KEY CHECK (id = 1),
    size     BIGINT   NOT NULL,
    era      SMALLINT NOT NULL,
    xact     xid8     NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    swept_id TEXT COLLATE "C" NOT NULL,
    swept    BOOLEAN  NOT NULL,
    cluster  TEXT     NOT NULL
) WITH (fillfactor = 10);

INSERT INTO audit_head (id, size, era, xact, event_id, swept_id, swept, cluster) VALUES (1, 0, 1, '0', '', '', false, '');

CREATE TRIGGER audit_leaves_append_only BEFORE UPDATE OR DELETE ON audit_leaves
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_leaves_no_truncate BEFORE TRUNCATE ON audit_leaves
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_nodes_append_only BEFORE UPDATE OR DELETE ON audit_nodes
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_nodes_no_truncate BEFORE TRUNCATE ON audit_nodes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_checkpoints_append_only BEFORE UPDATE OR DELETE ON audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_checkpoints_no_truncate BEFORE TRUNCATE ON audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
