-- Labels of the system and of projects, and what bears them.

CREATE TABLE label (
    id           {{id}},
    name         TEXT {{bytewise}} NOT NULL,
    description  TEXT NOT NULL,
    color        TEXT NOT NULL,
    project_id   BIGINT REFERENCES project (id) ON DELETE CASCADE,  -- none: of the whole system
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX label_of_system ON label (name) WHERE project_id IS NULL;
CREATE UNIQUE INDEX label_of_project ON label (project_id, name) WHERE project_id IS NOT NULL;

CREATE TABLE artifact_label (
    manifest_id  BIGINT NOT NULL REFERENCES manifest (id) ON DELETE CASCADE,
    label_id     BIGINT NOT NULL REFERENCES label (id) ON DELETE CASCADE,
    PRIMARY KEY (manifest_id, label_id)
);
CREATE INDEX artifact_label_by_label ON artifact_label (label_id, manifest_id);

-- Sessions of the portal. The cookie holds the token; the row only its hash.
CREATE TABLE session (
    token_hash  TEXT NOT NULL PRIMARY KEY,       -- SHA-256 of the token, hex
    user_id     BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    created_at  BIGINT NOT NULL,
    used_at     BIGINT NOT NULL                  -- written at most once a minute
);
CREATE INDEX session_by_user ON session (user_id);
CREATE INDEX session_by_use ON session (used_at);

-- What indexes name: lists hide it, and find it from here.
CREATE INDEX manifest_reference_to_manifest ON manifest_reference (repository_id, child_digest)
    WHERE kind = 'manifest';
