-- Work that goes on beside requests. Times are microseconds since the epoch, UTC.

-- One run of something: a collection, a retention of a project, a delivery. Made of tasks.
CREATE TABLE execution (
    id           {{id}},
    vendor       TEXT NOT NULL,                 -- what runs: GARBAGE_COLLECTION, RETENTION, …
    vendor_id    BIGINT NOT NULL,               -- of which policy; 0 where there is only one
    started_by   TEXT NOT NULL,                 -- MANUAL, SCHEDULE, EVENT
    status       TEXT NOT NULL,                 -- Pending, Running, Success, Error, Stopped
    message      TEXT NOT NULL DEFAULT '',
    attributes   TEXT NOT NULL DEFAULT '{}',    -- JSON, the vendor's own
    unique_key   TEXT,                          -- no two unfinished executions share one
    tasks        BIGINT NOT NULL DEFAULT 0,     -- how many there are; the next three add up to it in the end
    succeeded    BIGINT NOT NULL DEFAULT 0,
    failed       BIGINT NOT NULL DEFAULT 0,
    stopped      BIGINT NOT NULL DEFAULT 0,
    started_at   BIGINT NOT NULL,
    ended_at     BIGINT,
    updated_at   BIGINT NOT NULL
);
CREATE INDEX execution_by_vendor ON execution (vendor, vendor_id, id);
CREATE UNIQUE INDEX execution_unique ON execution (unique_key) WHERE ended_at IS NULL;

-- One piece of work for one worker. The queue is the tasks in state Pending.
CREATE TABLE task (
    id              {{id}},
    execution_id    BIGINT NOT NULL REFERENCES execution (id) ON DELETE CASCADE,
    kind            TEXT NOT NULL,              -- the job type: which handler runs it
    status          TEXT NOT NULL,              -- Pending, Running, Success, Error, Stopped
    message         TEXT NOT NULL DEFAULT '',
    params          TEXT NOT NULL,              -- JSON, checked by the handler when it was submitted
    attributes      TEXT NOT NULL DEFAULT '{}', -- JSON, what the handler says of its result
    priority        BIGINT NOT NULL,            -- higher first
    run_at          BIGINT NOT NULL,            -- not before
    attempt         BIGINT NOT NULL DEFAULT 0,  -- the fence: a worker that lost its lease writes nothing
    worker          TEXT,                       -- who holds the lease
    lease_until     BIGINT,
    stop_requested  BOOLEAN NOT NULL DEFAULT FALSE,
    progress_done   BIGINT NOT NULL DEFAULT 0,
    progress_total  BIGINT NOT NULL DEFAULT 0,
    created_at      BIGINT NOT NULL,
    started_at      BIGINT,
    ended_at        BIGINT,
    updated_at      BIGINT NOT NULL
);
CREATE INDEX task_by_execution ON task (execution_id, id);
CREATE INDEX task_queue ON task (priority DESC, run_at, id) WHERE status = 'Pending';
CREATE INDEX task_running ON task (worker, lease_until) WHERE status = 'Running';

-- What a task said while it ran, in pieces.
CREATE TABLE task_log (
    task_id  BIGINT NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    piece    BIGINT NOT NULL,
    text     TEXT NOT NULL,
    PRIMARY KEY (task_id, piece)
);

-- When a vendor's next execution begins.
CREATE TABLE schedule (
    id          {{id}},
    vendor      TEXT NOT NULL,
    vendor_id   BIGINT NOT NULL,
    cadence     TEXT NOT NULL,                  -- Hourly, Daily, Weekly, Custom, None
    cron        TEXT NOT NULL,                  -- six fields, seconds first; '' with None
    kind        TEXT NOT NULL,                  -- the job type of the execution's task
    params      TEXT NOT NULL,                  -- JSON
    next_at     BIGINT,                         -- none: it never runs
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    UNIQUE (vendor, vendor_id)
);
CREATE INDEX schedule_by_time ON schedule (next_at);

-- Job types that are paused; SCHEDULER stands for all schedules.
CREATE TABLE job_pause (
    kind       TEXT NOT NULL PRIMARY KEY,
    paused_at  BIGINT NOT NULL
);

-- The processes that run tasks.
CREATE TABLE worker_pool (
    id            TEXT NOT NULL PRIMARY KEY,
    host          TEXT NOT NULL,
    pid           BIGINT NOT NULL,
    concurrency   BIGINT NOT NULL,
    started_at    BIGINT NOT NULL,
    heartbeat_at  BIGINT NOT NULL
);
