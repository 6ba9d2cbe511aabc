-- When a refused push was last told as an event; 0 once space was given back or the limit changed.
ALTER TABLE quota ADD COLUMN refusal_told_at BIGINT NOT NULL DEFAULT 0;

-- Tasks of one lane run one after the other, in the order they were made.
ALTER TABLE task ADD COLUMN lane TEXT;
CREATE INDEX task_by_lane ON task (lane, run_at, id) WHERE status = 'Pending' AND lane IS NOT NULL;

-- Whose turn it is in each lane that has waiting tasks.
CREATE TABLE job_lane (
    lane     TEXT NOT NULL PRIMARY KEY,
    task_id  BIGINT
);

-- Audit lines that wait to be sent to a log server. Each is written in the transaction that records
-- it and removed after it was sent.
CREATE TABLE audit_outbox (
    id     {{id}},
    line   TEXT NOT NULL,                     -- JSON
    times  BIGINT NOT NULL
);

-- Which process sends them; one row.
CREATE TABLE audit_forwarder (
    id     BIGINT NOT NULL PRIMARY KEY,
    owner  TEXT NOT NULL,
    until  BIGINT NOT NULL
);
