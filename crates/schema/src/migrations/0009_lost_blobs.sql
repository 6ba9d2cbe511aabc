-- Blobs that a repository held and gave up, by deletion or collection. A manifest that names one
-- is refused: its pusher may have been told that the blob is there. Forgotten after a while.
CREATE TABLE lost_blob (
    repository_id  BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    digest         TEXT NOT NULL,
    lost_at        BIGINT NOT NULL,
    PRIMARY KEY (repository_id, digest)
);
CREATE INDEX lost_blob_by_time ON lost_blob (lost_at);
