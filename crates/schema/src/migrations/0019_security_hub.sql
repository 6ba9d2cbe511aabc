-- The security hub: vulnerabilities across images, by score and by name.

-- CVSS 3 score times ten; 0: none is known. Written with each match.
ALTER TABLE package_vulnerability ADD COLUMN score BIGINT NOT NULL DEFAULT 0;
CREATE INDEX package_vulnerability_by_score ON package_vulnerability (score, name, package_id);
DROP INDEX package_vulnerability_by_name;
CREATE INDEX package_vulnerability_by_name ON package_vulnerability (name, package_id);
CREATE INDEX image_scan_by_gravity ON image_scan (critical, high, medium);
CREATE INDEX manifest_by_digest ON manifest (digest);
