-- Advisories, what images hold, and which of it is affected.

-- Where advisories come from.
CREATE TABLE advisory_feed (
    id           {{id}},
    name         TEXT NOT NULL UNIQUE,
    revision     TEXT NOT NULL,                  -- sha256 of what was imported last
    advisories   BIGINT NOT NULL,
    skipped      BIGINT NOT NULL,                -- entries that could not be used
    newest_at    BIGINT,                         -- the youngest change that an advisory tells of
    imports      BIGINT NOT NULL,                -- counts imports
    imported_at  BIGINT NOT NULL
);

CREATE TABLE advisory (
    id           {{id}},
    feed_id      BIGINT NOT NULL REFERENCES advisory_feed (id) ON DELETE CASCADE,
    feed_key     TEXT NOT NULL,                  -- its name in the feed
    fingerprint  TEXT NOT NULL,
    import_nr    BIGINT NOT NULL,                -- the import that had it last
    body         {{bytes}} NOT NULL,             -- JSON
    UNIQUE (feed_id, feed_key)
);
CREATE INDEX advisory_by_import ON advisory (feed_id, import_nr);

-- The names under which advisories are looked up.
CREATE TABLE advisory_name (
    ecosystem    TEXT NOT NULL,
    name         TEXT NOT NULL,
    advisory_id  BIGINT NOT NULL REFERENCES advisory (id) ON DELETE CASCADE,
    PRIMARY KEY (ecosystem, name, advisory_id)
);
CREATE INDEX advisory_name_by_advisory ON advisory_name (advisory_id);

CREATE TABLE exploited_vulnerability (
    name         TEXT PRIMARY KEY,
    since        BIGINT NOT NULL
);

-- What a layer holds, for every image that has it.
CREATE TABLE layer_index (
    digest       TEXT PRIMARY KEY,
    revision     BIGINT NOT NULL,                -- of the code that read it
    content      {{bytes}} NOT NULL,             -- JSON
    indexed_at   BIGINT NOT NULL
);

-- A package in one version, of one distribution: matched once, however many images have it.
CREATE TABLE package (
    id           {{id}},
    identity     TEXT NOT NULL UNIQUE,           -- sha256 over body
    name         TEXT NOT NULL,
    version      TEXT NOT NULL,
    body         {{bytes}} NOT NULL,             -- JSON of the package and its distribution
    covered      BOOLEAN NOT NULL                -- some feed speaks of its ecosystem
);

-- The names by which advisories may mean a package.
CREATE TABLE package_name (
    ecosystem    TEXT NOT NULL,
    name         TEXT NOT NULL,
    package_id   BIGINT NOT NULL REFERENCES package (id) ON DELETE CASCADE,
    PRIMARY KEY (ecosystem, name, package_id)
);

-- What the advisories say of a package.
CREATE TABLE package_vulnerability (
    package_id    BIGINT NOT NULL REFERENCES package (id) ON DELETE CASCADE,
    name          TEXT NOT NULL,                 -- CVE-…, or the advisory's own name
    severity      BIGINT NOT NULL,               -- 0 unknown … 5 critical
    status        TEXT NOT NULL,
    fixed_version TEXT,
    advisory_id   BIGINT NOT NULL,               -- the one that says most
    PRIMARY KEY (package_id, name)
);
CREATE INDEX package_vulnerability_by_name ON package_vulnerability (name);

-- One manifest, whatever repositories have it.
CREATE TABLE image_scan (
    id           {{id}},
    digest       TEXT NOT NULL UNIQUE,
    report_id    TEXT NOT NULL,
    status       TEXT NOT NULL,                  -- Pending, Running, Success, Error, Stopped
    execution_id BIGINT,
    started_at   BIGINT NOT NULL,
    ended_at     BIGINT,
    distro       TEXT NOT NULL,
    notes        {{bytes}} NOT NULL,             -- JSON: secrets, bad practice, what was not read
    scanned      BOOLEAN NOT NULL,               -- there is a report, maybe of an earlier scan
    critical     BIGINT NOT NULL,
    high         BIGINT NOT NULL,
    medium       BIGINT NOT NULL,
    low          BIGINT NOT NULL,
    negligible   BIGINT NOT NULL,
    unknown      BIGINT NOT NULL,
    fixable      BIGINT NOT NULL
);
CREATE INDEX image_scan_by_execution ON image_scan (execution_id);

CREATE TABLE image_package (
    image_id     BIGINT NOT NULL REFERENCES image_scan (id) ON DELETE CASCADE,
    package_id   BIGINT NOT NULL REFERENCES package (id),
    layer        TEXT NOT NULL,                  -- digest of the layer that brought it
    path         TEXT NOT NULL,                  -- the file that names it
    PRIMARY KEY (image_id, package_id)
);
CREATE INDEX image_package_by_package ON image_package (package_id, image_id);
