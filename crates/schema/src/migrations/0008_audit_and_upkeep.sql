-- What the access log says beyond who, what and when.

ALTER TABLE access_log ADD COLUMN description TEXT NOT NULL DEFAULT '';  -- in words; never a secret
ALTER TABLE access_log ADD COLUMN succeeded BOOLEAN NOT NULL DEFAULT TRUE;  -- false: refused

-- Manifests that may have lost the last thing that needs them: a tag, an index, a subject. A
-- collection that deletes untagged manifests looks at these alone. A row may outlive its manifest.
CREATE TABLE manifest_review (
    manifest_id  BIGINT NOT NULL PRIMARY KEY,
    since        BIGINT NOT NULL                -- when it last may have lost something
);
CREATE INDEX manifest_review_by_time ON manifest_review (since, manifest_id);
INSERT INTO manifest_review (manifest_id, since)
    SELECT m.id, m.pushed_at FROM manifest m
    WHERE NOT EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id);

-- A scrub reads what was not hashed for the longest time first.
CREATE INDEX blob_by_verification ON blob (verified_at, id);
