-- The registry core. Times are microseconds since the epoch, UTC; sizes are bytes.

-- Settings that operators change while the server runs (Harbor's configuration keys).
CREATE TABLE setting (
    name        TEXT NOT NULL PRIMARY KEY,
    value       TEXT NOT NULL,
    updated_at  BIGINT NOT NULL
);

-- Keys that sign tokens. The newest that is not retired signs; all verify until they are deleted.
CREATE TABLE signing_key (
    key_id       TEXT NOT NULL PRIMARY KEY,
    private_key  {{bytes}} NOT NULL,            -- sealed with the key file
    created_at   BIGINT NOT NULL,
    retired_at   BIGINT
);

CREATE TABLE user_account (
    id                   {{id}},
    username             TEXT NOT NULL UNIQUE,   -- a deleted user's is suffixed with #id
    email                TEXT UNIQUE,
    realname             TEXT NOT NULL DEFAULT '',
    comment              TEXT NOT NULL DEFAULT '',
    password_hash        TEXT,                   -- PHC string; none: cannot log in with a password
    password_changed_at  BIGINT NOT NULL,
    sysadmin             BOOLEAN NOT NULL DEFAULT FALSE,
    created_at           BIGINT NOT NULL,
    updated_at           BIGINT NOT NULL,
    deleted_at           BIGINT
);

-- Failed logins, by account ("account:<name>") and by address ("address:<ip>").
CREATE TABLE login_failure (
    subject       TEXT NOT NULL PRIMARY KEY,
    failures      BIGINT NOT NULL,
    first_at      BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL
);
CREATE INDEX login_failure_by_age ON login_failure (first_at);

CREATE TABLE refresh_token (
    id          {{id}},
    token_hash  TEXT NOT NULL UNIQUE,            -- SHA-256 of the token, hex
    user_id     BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    service     TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX refresh_token_by_user ON refresh_token (user_id);
CREATE INDEX refresh_token_by_expiry ON refresh_token (expires_at);

CREATE TABLE project (
    id          {{id}},
    name        TEXT {{bytewise}} NOT NULL UNIQUE,  -- a deleted project's is suffixed with #id
    owner_id    BIGINT NOT NULL REFERENCES user_account (id),
    public      BOOLEAN NOT NULL DEFAULT FALSE,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    deleted_at  BIGINT
);
CREATE INDEX project_by_owner ON project (owner_id);

-- Everything but "public", which is a column of project because every pull asks for it.
CREATE TABLE project_metadata (
    project_id  BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    value       TEXT NOT NULL,
    PRIMARY KEY (project_id, name)
);

CREATE TABLE project_member (
    id           {{id}},
    project_id   BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    user_id      BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    role         BIGINT NOT NULL,                -- Harbor's role id, 1 to 5
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    UNIQUE (project_id, user_id)
);
CREATE INDEX project_member_by_user ON project_member (user_id);

CREATE TABLE repository (
    id             {{id}},
    project_id     BIGINT NOT NULL REFERENCES project (id),
    name           TEXT {{bytewise}} NOT NULL UNIQUE,  -- whole: project/rest
    description    TEXT NOT NULL DEFAULT '',
    pull_count     BIGINT NOT NULL DEFAULT 0,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL
);
CREATE INDEX repository_by_project ON repository (project_id, name);

-- Bytes in the store. A row exists only when its bytes are durable; bytes are deleted only after
-- the row is 'deleting' and no repository links it.
CREATE TABLE blob (
    id           {{id}},
    digest       TEXT NOT NULL UNIQUE,
    size         BIGINT NOT NULL,
    state        TEXT NOT NULL DEFAULT 'live',   -- live, deleting, quarantined
    stored_as    TEXT NOT NULL,                  -- key in the blob store, one for each upload
    touched_at   BIGINT NOT NULL,                -- last linked or leased
    verified_at  BIGINT NOT NULL,                -- last time its bytes were hashed
    created_at   BIGINT NOT NULL
);

-- A repository holds a blob. leased_at protects a link that no manifest refers to yet.
CREATE TABLE repository_blob (
    repository_id  BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    blob_id        BIGINT NOT NULL REFERENCES blob (id),
    leased_at      BIGINT NOT NULL,
    PRIMARY KEY (repository_id, blob_id)
);
CREATE INDEX repository_blob_by_blob ON repository_blob (blob_id);

-- An artifact, as the API calls it, in one repository. Accessories are manifests with a subject.
CREATE TABLE manifest (
    id                 {{id}},
    repository_id      BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    digest             TEXT NOT NULL,
    media_type         TEXT NOT NULL,
    artifact_type      TEXT,                     -- effective: the field, else the config's media type
    config_media_type  TEXT,
    kind               TEXT NOT NULL,            -- Harbor's type: IMAGE, CHART, …
    size               BIGINT NOT NULL,          -- of the manifest's own bytes
    total_size         BIGINT NOT NULL,          -- with everything it refers to
    subject_digest     TEXT,
    accessory_type     TEXT,                     -- Harbor's accessory type, where it is one
    annotations        TEXT NOT NULL DEFAULT '{}',
    attributes         TEXT NOT NULL DEFAULT '{}', -- read from the config: architecture, os, created, …
    pushed_by          TEXT NOT NULL,
    pushed_at          BIGINT NOT NULL,
    pulled_at          BIGINT,
    pull_count         BIGINT NOT NULL DEFAULT 0,
    UNIQUE (repository_id, digest)
);
CREATE INDEX manifest_by_subject ON manifest (repository_id, subject_digest, id);
CREATE INDEX manifest_by_age ON manifest (repository_id, pushed_at, id);

-- The exact bytes that were pushed, apart so that lists do not read them.
CREATE TABLE manifest_payload (
    manifest_id  BIGINT NOT NULL PRIMARY KEY REFERENCES manifest (id) ON DELETE CASCADE,
    payload      {{bytes}} NOT NULL
);

-- What a manifest names: its config and layers (blob_id set) and child manifests.
CREATE TABLE manifest_reference (
    manifest_id    BIGINT NOT NULL REFERENCES manifest (id) ON DELETE CASCADE,
    position       BIGINT NOT NULL,
    repository_id  BIGINT NOT NULL,
    kind           TEXT NOT NULL,                -- config, layer, manifest
    child_digest   TEXT NOT NULL,
    blob_id        BIGINT REFERENCES blob (id),
    media_type     TEXT NOT NULL,
    size           BIGINT NOT NULL,
    platform       TEXT,                         -- JSON
    annotations    TEXT,                         -- JSON
    urls           TEXT,                         -- JSON
    PRIMARY KEY (manifest_id, position)
);
CREATE INDEX manifest_reference_by_child ON manifest_reference (repository_id, child_digest);
CREATE INDEX manifest_reference_by_blob ON manifest_reference (blob_id, repository_id);

CREATE TABLE tag (
    id             {{id}},
    repository_id  BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    name           TEXT {{bytewise}} NOT NULL,
    manifest_id    BIGINT NOT NULL REFERENCES manifest (id),
    pushed_by      TEXT NOT NULL,
    pushed_at      BIGINT NOT NULL,
    pulled_at      BIGINT,
    UNIQUE (repository_id, name)
);
CREATE INDEX tag_by_manifest ON tag (manifest_id);

-- What each tag pointed to, since when, until when and by whom.
CREATE TABLE tag_history (
    id             {{id}},
    repository_id  BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    name           TEXT {{bytewise}} NOT NULL,
    digest         TEXT NOT NULL,
    from_at        BIGINT NOT NULL,
    from_by        TEXT NOT NULL,
    to_at          BIGINT,
    to_by          TEXT
);
CREATE INDEX tag_history_by_tag ON tag_history (repository_id, name, id);

-- An unfinished blob upload. Its row may lag behind its bytes; it is brought up on resume.
CREATE TABLE upload (
    id               TEXT NOT NULL PRIMARY KEY,
    repository_name  TEXT NOT NULL,
    caller           TEXT NOT NULL,              -- who started it, and alone may go on
    next_offset      BIGINT NOT NULL,
    hash_state       {{bytes}},
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL
);
CREATE INDEX upload_by_caller ON upload (caller);
CREATE INDEX upload_by_age ON upload (updated_at);

-- Links that garbage collection must look at, and when. Whatever may have become garbage is here,
-- so that a collection costs what there is to collect and not what there is to keep.
-- repository_id 0: the blob itself, which no repository may hold any more.
CREATE TABLE gc_review (
    blob_id        BIGINT NOT NULL,
    repository_id  BIGINT NOT NULL,
    review_at      BIGINT NOT NULL,
    PRIMARY KEY (blob_id, repository_id)
);
CREATE INDEX gc_review_by_time ON gc_review (review_at);

-- Who did what to what, and when. Names are copied, so that a row outlives what it speaks of.
CREATE TABLE access_log (
    id             {{id}},
    at             BIGINT NOT NULL,
    username       TEXT NOT NULL,                -- '' is anonymous
    address        TEXT NOT NULL,
    operation      TEXT NOT NULL,                -- push, pull, create, delete, …
    resource_type  TEXT NOT NULL,                -- artifact, tag, repository, project, user, member
    resource       TEXT NOT NULL,                -- project/repo:tag, project/repo@digest, name
    project_id     BIGINT,
    repository     TEXT NOT NULL DEFAULT '',
    tag            TEXT NOT NULL DEFAULT '',
    digest         TEXT NOT NULL DEFAULT '',
    times          BIGINT NOT NULL DEFAULT 1     -- like pulls within one second are one row
);
CREATE INDEX access_log_by_project ON access_log (project_id, id);
CREATE INDEX access_log_by_time ON access_log (at);
