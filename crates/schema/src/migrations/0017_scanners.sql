-- External scanners, spoken to by the adapter API. The built-in one has no row.
CREATE TABLE scanner_registration (
    id                 {{id}},
    uuid               TEXT NOT NULL UNIQUE,
    name               TEXT NOT NULL UNIQUE,
    description        TEXT NOT NULL,
    url                TEXT NOT NULL UNIQUE,
    auth               TEXT NOT NULL,            -- empty, Basic, Bearer or X-ScannerAdapter-API-Key
    credential         {{bytes}},                -- sealed
    disabled           BOOLEAN NOT NULL,
    is_default         BOOLEAN NOT NULL,
    skip_verify        BOOLEAN NOT NULL,
    use_internal_addr  BOOLEAN NOT NULL,
    seen               TEXT NOT NULL,            -- JSON: what it said of itself last
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL
);

-- The scanner of a project, where it is not the default one.
CREATE TABLE project_scanner (
    project_id    BIGINT PRIMARY KEY REFERENCES project (id) ON DELETE CASCADE,
    scanner_uuid  TEXT NOT NULL
);
CREATE INDEX project_scanner_by_scanner ON project_scanner (scanner_uuid);
