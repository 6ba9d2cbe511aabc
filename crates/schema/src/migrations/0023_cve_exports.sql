-- Exports of vulnerabilities. They are in the database, so that every replica can hand them out.

-- One that has its file, or had it: until expires_at it can be fetched, after that it is deleted.
CREATE TABLE cve_export (
    execution_id  BIGINT PRIMARY KEY REFERENCES execution (id) ON DELETE CASCADE,
    attempt       BIGINT NOT NULL,               -- of its task: whose pieces make the file
    entries       BIGINT NOT NULL,
    size          BIGINT NOT NULL,               -- of the file, bytes
    digest        TEXT NOT NULL,                 -- of the file; empty: none was finished
    expires_at    BIGINT NOT NULL
);

CREATE TABLE cve_export_piece (
    execution_id  BIGINT NOT NULL REFERENCES execution (id) ON DELETE CASCADE,
    attempt       BIGINT NOT NULL,
    nr            BIGINT NOT NULL,               -- from 1
    content       {{bytes}} NOT NULL,            -- zstd
    PRIMARY KEY (execution_id, attempt, nr)
);
