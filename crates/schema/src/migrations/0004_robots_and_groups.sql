-- Robot accounts, and groups of users that are members of projects.

-- project_id is the project of a project robot; a system robot has none. The name is what follows
-- the prefix: "ci", or "project+ci". A project's robots go with it.
CREATE TABLE robot (
    id                 {{id}},
    name               TEXT {{bytewise}} NOT NULL UNIQUE,
    project_id         BIGINT REFERENCES project (id) ON DELETE CASCADE,
    description        TEXT NOT NULL DEFAULT '',
    secret_hash        TEXT NOT NULL,            -- "$sha256$salt$hash" of a random one, else a PHC string
    secret_changed_at  BIGINT NOT NULL,
    duration           BIGINT NOT NULL,          -- days; -1: never ends
    expires_at         BIGINT,                   -- none: never
    disabled           BOOLEAN NOT NULL DEFAULT FALSE,
    creator_type       TEXT NOT NULL,            -- local (a user) or robot
    creator_id         BIGINT NOT NULL,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL
);
CREATE INDEX robot_by_project ON robot (project_id);

-- What a robot may do, and where. access holds "resource:action" words, each between two blanks.
CREATE TABLE robot_scope (
    robot_id    BIGINT NOT NULL REFERENCES robot (id) ON DELETE CASCADE,
    kind        TEXT NOT NULL,                   -- system, every (project, now and later), project
    project_id  BIGINT NOT NULL,                 -- 0 where kind is not project
    access      TEXT NOT NULL,
    PRIMARY KEY (robot_id, kind, project_id)
);
CREATE INDEX robot_scope_by_project ON robot_scope (project_id);

CREATE TABLE user_group (
    id          {{id}},
    name        TEXT NOT NULL,
    kind        BIGINT NOT NULL,                 -- Harbor's group type: 1 LDAP, 2 HTTP, 3 OIDC
    ldap_dn     TEXT NOT NULL DEFAULT '',
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX user_group_by_name ON user_group (kind, name) WHERE kind <> 1;
CREATE UNIQUE INDEX user_group_by_dn ON user_group (ldap_dn) WHERE kind = 1;

-- Who is in a group, as the directory said at the user's last login.
CREATE TABLE user_group_member (
    group_id  BIGINT NOT NULL REFERENCES user_group (id) ON DELETE CASCADE,
    user_id   BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX user_group_member_by_user ON user_group_member (user_id);

-- A member is a user or a group.
CREATE TABLE project_member_next (
    id           {{id}},
    project_id   BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    user_id      BIGINT REFERENCES user_account (id) ON DELETE CASCADE,
    group_id     BIGINT REFERENCES user_group (id) ON DELETE CASCADE,
    role         BIGINT NOT NULL,                -- Harbor's role id, 1 to 5
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    CHECK ((user_id IS NULL) <> (group_id IS NULL)),
    UNIQUE (project_id, user_id),
    UNIQUE (project_id, group_id)
);
INSERT INTO project_member_next (id, project_id, user_id, role, created_at, updated_at)
    SELECT id, project_id, user_id, role, created_at, updated_at FROM project_member;
DROP TABLE project_member;
ALTER TABLE project_member_next RENAME TO project_member;
CREATE INDEX project_member_by_user ON project_member (user_id);
CREATE INDEX project_member_by_group ON project_member (group_id);
-- Ids that were given explicitly do not move PostgreSQL's sequence on.
{{continue_ids project_member}}
