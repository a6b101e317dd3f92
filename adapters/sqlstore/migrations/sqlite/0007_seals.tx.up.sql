-- The log that events are sealed into: leaves in the order in which they were
-- sealed, nodes over 256, 65,536, … of them, and signed checkpoints.
--
-- Transactions that write run one at a time and rows are never deleted, so
-- events are in the order of their rowids, and none appears behind another.

CREATE TABLE audit_leaves (
    number   INTEGER PRIMARY KEY CHECK (number >= 0),
    event_id TEXT NOT NULL UNIQUE,
    hash     BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TABLE audit_nodes (
    level  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hash   BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_checkpoints (
    size INTEGER PRIMARY KEY CHECK (size > 0),
    note TEXT    NOT NULL,
    at   INTEGER NOT NULL
) STRICT;

-- Where the log stands: all events up to the rowid have a leaf.
CREATE TABLE audit_head (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    size      INTEGER NOT NULL,
    event_row INTEGER NOT NULL
) STRICT;

INSERT INTO audit_head (id, size, event_row) VALUES (1, 0, 0);

CREATE TRIGGER audit_leaves_no_update BEFORE UPDATE ON audit_leaves
BEGIN
    SELECT RAISE(ABORT, 'audit_leaves is append-only');
END;
CREATE TRIGGER audit_leaves_no_delete BEFORE DELETE ON audit_leaves
BEGIN
    SELECT RAISE(ABORT, 'audit_leaves is append-only');
END;
CREATE TRIGGER audit_nodes_no_update BEFORE UPDATE ON audit_nodes
BEGIN
    SELECT RAISE(ABORT, 'audit_nodes is append-only');
END;
CREATE TRIGGER audit_nodes_no_delete BEFORE DELETE ON audit_nodes
BEGIN
    SELECT RAISE(ABORT, 'audit_nodes is append-only');
END;
CREATE TRIGGER audit_checkpoints_no_update BEFORE UPDATE ON audit_checkpoints
BEGIN
    SELECT RAISE(ABORT, 'audit_checkpoints is append-only');
END;
CREATE TRIGGER audit_checkpoints_no_delete BEFORE DELETE ON audit_checkpoints
BEGIN
    SELECT RAISE(ABORT, 'audit_checkpoints is append-only');
END;
