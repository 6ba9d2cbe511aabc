-- Scans by external scanners.

-- An image has one scan for all projects that use the built-in scanner, and one of its own for each
-- project that has had it scanned by an external one: no project's choice counts for another.
ALTER TABLE image_scan RENAME COLUMN digest TO scan_key;  -- the digest, with the project behind it
ALTER TABLE image_scan ADD COLUMN digest TEXT NOT NULL DEFAULT '';
UPDATE image_scan SET digest = scan_key;
ALTER TABLE image_scan ADD COLUMN project_id BIGINT REFERENCES project (id) ON DELETE CASCADE;
-- Who made the report: JSON; empty: the built-in scanner.
ALTER TABLE image_scan ADD COLUMN scanner TEXT NOT NULL DEFAULT '';
CREATE INDEX image_scan_by_digest ON image_scan (digest, project_id);
CREATE INDEX image_scan_by_project ON image_scan (project_id);

-- What an external scanner found in an image.
CREATE TABLE external_finding (
    image_id      BIGINT NOT NULL REFERENCES image_scan (id) ON DELETE CASCADE,
    nr            BIGINT NOT NULL,
    name          TEXT NOT NULL,                 -- CVE-…, or the scanner's own name
    severity      BIGINT NOT NULL,               -- 0 unknown … 5 critical
    status        TEXT NOT NULL,
    fixed_version TEXT,
    score         BIGINT NOT NULL,               -- CVSS 3 score times ten; 0: none is told
    package       TEXT NOT NULL,
    version       TEXT NOT NULL,
    body          {{bytes}} NOT NULL,            -- JSON of the row, checked
    PRIMARY KEY (image_id, nr)
);
CREATE INDEX external_finding_by_name ON external_finding (name, image_id, nr);
CREATE INDEX external_finding_by_score ON external_finding (score, name, image_id, nr);
