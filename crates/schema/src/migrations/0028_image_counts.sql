-- What the report of an image counts: a row of its own, and a short one. A day of advisories changes
-- it for many images at once; a row of image_scan is long and in many indexes. The id is that of the
-- image; as a generated one it is SQLite's row id, which needs no index of its own.
CREATE TABLE image_count (
    image_id     {{id}} REFERENCES image_scan (id) ON DELETE CASCADE,
    critical     BIGINT NOT NULL,
    high         BIGINT NOT NULL,
    medium       BIGINT NOT NULL,
    low          BIGINT NOT NULL,
    negligible   BIGINT NOT NULL,
    unknown      BIGINT NOT NULL,
    fixable      BIGINT NOT NULL
);
INSERT INTO image_count (image_id, critical, high, medium, low, negligible, unknown, fixable)
    SELECT id, critical, high, medium, low, negligible, unknown, fixable FROM image_scan;
CREATE INDEX image_count_by_gravity ON image_count (critical, high, medium);
DROP INDEX image_scan_by_gravity;
ALTER TABLE image_scan DROP COLUMN critical;
ALTER TABLE image_scan DROP COLUMN high;
ALTER TABLE image_scan DROP COLUMN medium;
ALTER TABLE image_scan DROP COLUMN low;
ALTER TABLE image_scan DROP COLUMN negligible;
ALTER TABLE image_scan DROP COLUMN unknown;
ALTER TABLE image_scan DROP COLUMN fixable;
