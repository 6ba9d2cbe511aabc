-- Rules about tags, and what was deleted and can be brought back.

-- Tags that must stay as they are. The rule is the JSON of the API, without its id.
CREATE TABLE immutable_tag_rule (
    id          {{id}},
    project_id  BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    rule        TEXT NOT NULL,
    disabled    BOOLEAN NOT NULL DEFAULT FALSE,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX immutable_tag_rule_by_project ON immutable_tag_rule (project_id, id);

-- What retention keeps, one policy for a project. Its rules are the JSON of the API.
CREATE TABLE retention_policy (
    id          {{id}},
    project_id  BIGINT NOT NULL UNIQUE REFERENCES project (id) ON DELETE CASCADE,
    policy      TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);

-- Repositories that were deleted and can be brought back.
CREATE TABLE trashed_repository (
    id           {{id}},
    project_id   BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    name         TEXT {{bytewise}} NOT NULL,     -- whole: project/rest
    description  TEXT NOT NULL,
    manifests    BIGINT NOT NULL,
    deleted_at   BIGINT NOT NULL,
    deleted_by   TEXT NOT NULL
);
CREATE INDEX trashed_repository_by_project ON trashed_repository (project_id, id);
CREATE INDEX trashed_repository_by_age ON trashed_repository (deleted_at);

-- Manifests that were deleted and can be brought back. They are of no repository: nobody can read
-- them or what they name until they are brought back.
CREATE TABLE trashed_manifest (
    id                     {{id}},
    project_id             BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    repository_name        TEXT {{bytewise}} NOT NULL,
    trashed_repository_id  BIGINT REFERENCES trashed_repository (id) ON DELETE SET NULL,
    digest                 TEXT NOT NULL,
    media_type             TEXT NOT NULL,
    subject_digest         TEXT,
    attributes             TEXT NOT NULL,
    payload                {{bytes}} NOT NULL,
    deleted_at             BIGINT NOT NULL,
    deleted_by             TEXT NOT NULL,
    UNIQUE (project_id, repository_name, digest)
);
CREATE INDEX trashed_manifest_by_age ON trashed_manifest (deleted_at);
CREATE INDEX trashed_manifest_by_repository ON trashed_manifest (trashed_repository_id);
CREATE INDEX trashed_manifest_by_subject
    ON trashed_manifest (project_id, repository_name, subject_digest);

-- The tags a trashed manifest had when it was deleted.
CREATE TABLE trashed_tag (
    manifest_id  BIGINT NOT NULL REFERENCES trashed_manifest (id) ON DELETE CASCADE,
    name         TEXT {{bytewise}} NOT NULL,
    PRIMARY KEY (manifest_id, name)
);

-- Blobs a trashed manifest names: kept from garbage collection by it.
CREATE TABLE trashed_blob (
    manifest_id  BIGINT NOT NULL REFERENCES trashed_manifest (id) ON DELETE CASCADE,
    blob_id      BIGINT NOT NULL REFERENCES blob (id),
    PRIMARY KEY (manifest_id, blob_id)
);
CREATE INDEX trashed_blob_by_blob ON trashed_blob (blob_id);
