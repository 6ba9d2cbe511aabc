-- What people say about vulnerabilities of a project's images: OpenVEX documents.
CREATE TABLE project_vex (
    id          {{id}},
    project_id  BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,                   -- its own @id
    author      TEXT NOT NULL,
    statements  BIGINT NOT NULL,                 -- that can be used
    skipped     BIGINT NOT NULL,                 -- that cannot
    content     {{bytes}} NOT NULL,              -- as it was sent, JSON
    sent_by     TEXT NOT NULL,
    updated_at  BIGINT NOT NULL,                 -- never the same twice
    UNIQUE (project_id, name)
);
