-- SBOMs: how the last making of one went for a manifest, and which accessory came of it.
CREATE TABLE image_sbom (
    manifest_id       BIGINT PRIMARY KEY REFERENCES manifest (id) ON DELETE CASCADE,
    report_id         TEXT NOT NULL,
    status            TEXT NOT NULL,             -- Pending, Running, Success, Error, Stopped
    execution_id      BIGINT,
    task_id           BIGINT,
    started_at        BIGINT NOT NULL,
    ended_at          BIGINT,
    content           TEXT NOT NULL,             -- sha256 of what the accessory says; empty: none is known
    accessory_id      BIGINT REFERENCES manifest (id) ON DELETE SET NULL,
    accessory_digest  TEXT NOT NULL
);
CREATE INDEX image_sbom_by_execution ON image_sbom (execution_id);
CREATE INDEX image_sbom_by_accessory ON image_sbom (accessory_id);
