-- Advisories that are fetched, and what an import leaves to be done.

-- Where a feed is fetched from; NULL: somebody imports it.
ALTER TABLE advisory_feed ADD COLUMN url TEXT;
-- Names of packages of distributions are names of binary packages.
ALTER TABLE advisory_feed ADD COLUMN binary_names BOOLEAN NOT NULL DEFAULT FALSE;
-- What the address said of its content last, so that the same is not fetched again.
ALTER TABLE advisory_feed ADD COLUMN etag TEXT;
-- When it was looked for the last time, and why that failed.
ALTER TABLE advisory_feed ADD COLUMN checked_at BIGINT;
ALTER TABLE advisory_feed ADD COLUMN problem TEXT;

-- Ecosystems that a feed speaks of, as its last import found them.
CREATE TABLE advisory_ecosystem (
    feed_id      BIGINT NOT NULL REFERENCES advisory_feed (id) ON DELETE CASCADE,
    ecosystem    TEXT NOT NULL,
    PRIMARY KEY (feed_id, ecosystem)
);
INSERT INTO advisory_ecosystem (feed_id, ecosystem)
    SELECT DISTINCT a.feed_id, n.ecosystem FROM advisory_name n JOIN advisory a ON a.id = n.advisory_id;

-- One row: counts what changes vulnerabilities of packages. Who writes what follows from
-- advisories holds it, so that nothing is written from what is not true any more.
CREATE TABLE advisory_state (
    id           BIGINT PRIMARY KEY,
    generation   BIGINT NOT NULL
);
INSERT INTO advisory_state (id, generation) VALUES (1, 0);

-- Names under which advisories have changed and whose packages are still to be matched again.
CREATE TABLE advisory_touched (
    ecosystem    TEXT NOT NULL,
    name         TEXT NOT NULL,
    touches      BIGINT NOT NULL,                -- counts, so that a later touch is not lost
    PRIMARY KEY (ecosystem, name)
);
-- Matches from before scores were kept.
INSERT INTO advisory_touched (ecosystem, name, touches)
    SELECT DISTINCT ecosystem, name, 1 FROM package_name;

-- Images whose vulnerabilities have changed without a scan, for those who listen.
CREATE TABLE image_news (
    image_id     BIGINT PRIMARY KEY REFERENCES image_scan (id) ON DELETE CASCADE
);

-- Which advisories speak of a package; NULL: none ever do.
CREATE INDEX package_name_by_package ON package_name (package_id);
ALTER TABLE package ADD COLUMN ecosystem TEXT;
UPDATE package SET ecosystem =
    (SELECT MIN(n.ecosystem) FROM package_name n WHERE n.package_id = package.id);
ALTER TABLE package DROP COLUMN covered;

-- What is known beside advisories, of each feed that tells it.
CREATE TABLE exploited (
    name         TEXT NOT NULL,
    feed_id      BIGINT NOT NULL REFERENCES advisory_feed (id) ON DELETE CASCADE,
    since        BIGINT NOT NULL,
    import_nr    BIGINT NOT NULL,
    PRIMARY KEY (name, feed_id)
);
INSERT INTO exploited (name, feed_id, since, import_nr)
    SELECT e.name, f.id, e.since, f.imports FROM exploited_vulnerability e
    JOIN advisory_feed f ON f.id = (SELECT MAX(id) FROM advisory_feed WHERE advisories = 0);
DROP TABLE exploited_vulnerability;
ALTER TABLE exploited RENAME TO exploited_vulnerability;
CREATE INDEX exploited_by_import ON exploited_vulnerability (feed_id, import_nr);

-- How likely a vulnerability is to be exploited within thirty days, by EPSS.
CREATE TABLE exploit_probability (
    name         TEXT NOT NULL,
    feed_id      BIGINT NOT NULL REFERENCES advisory_feed (id) ON DELETE CASCADE,
    probability  BIGINT NOT NULL,                -- millionths
    import_nr    BIGINT NOT NULL,
    PRIMARY KEY (name, feed_id)
);
CREATE INDEX probability_by_import ON exploit_probability (feed_id, import_nr);
