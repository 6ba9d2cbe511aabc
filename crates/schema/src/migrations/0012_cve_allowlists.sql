-- Vulnerabilities that are let pass: of a project, or of the whole system (project_id 0, which no
-- project has).
CREATE TABLE cve_allowlist (
    project_id  BIGINT PRIMARY KEY,
    items       TEXT NOT NULL,                   -- JSON array of ids
    expires_at  BIGINT,                          -- seconds; after it nothing is let pass
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
