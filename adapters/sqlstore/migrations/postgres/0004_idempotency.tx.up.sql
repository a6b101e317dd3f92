-- What a client's own name of a request, its Idempotency-Key, stands for, and
-- the answers that are kept for a day. A name is here as a digest only, and an
-- answer sealed under the name and a secret from outside, so that neither can
-- be read from these tables. Leave their data out of dumps all the same.

CREATE TABLE idempotency (
    account_id TEXT COLLATE "C" NOT NULL,
    id         BYTEA  NOT NULL CHECK (octet_length(id) = 32),
    print      BYTEA  NOT NULL CHECK (octet_length(print) = 32),
    request_id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    kept       TEXT   NOT NULL,
    debited    BIGINT NOT NULL,
    remaining  BIGINT NOT NULL,
    PRIMARY KEY (id, account_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX idempotency_age ON idempotency (created_at);

-- A partition a day. Four of them take turns, by the day's number modulo four,
-- so that none has to be made or dropped by a running server: the one whose
-- days are over is emptied at a stroke.
CREATE TABLE idempotency_outcomes (
    slot       SMALLINT NOT NULL,
    day        BIGINT   NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    sealed     BYTEA    NOT NULL,
    PRIMARY KEY (day, request_id, slot)
) PARTITION BY LIST (slot);

CREATE TABLE idempotency_outcomes_0 PARTITION OF idempotency_outcomes FOR VALUES IN (0);
CREATE TABLE idempotency_outcomes_1 PARTITION OF idempotency_outcomes FOR VALUES IN (1);
CREATE TABLE idempotency_outcomes_2 PARTITION OF idempotency_outcomes FOR VALUES IN (2);
CREATE TABLE idempotency_outcomes_3 PARTITION OF idempotency_outcomes FOR VALUES IN (3);

-- Compressing what is sealed is in vain.
ALTER TABLE idempotency_outcomes_0 ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE idempotency_outcomes_1 ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE idempotency_outcomes_2 ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE idempotency_outcomes_3 ALTER COLUMN sealed SET STORAGE EXTERNAL;
