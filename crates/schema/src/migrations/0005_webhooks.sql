-- Events that were published and not yet handed on: the outbox. Each is written in the transaction
-- of what it speaks of, and removed in the transaction that hands it on.
CREATE TABLE event (
    id          {{id}},
    project_id  BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    operator    TEXT NOT NULL,                -- '' is anonymous
    what        TEXT NOT NULL                 -- JSON: the kind and its data
);

-- Which kinds of events somebody listens to, by project; no others are written.
CREATE TABLE event_listener (
    project_id  BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    kind        TEXT NOT NULL,
    PRIMARY KEY (project_id, kind)
);

CREATE TABLE webhook_policy (
    id           {{id}},
    project_id   BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    description  TEXT NOT NULL DEFAULT '',
    creator      TEXT NOT NULL,
    enabled      BOOLEAN NOT NULL,
    event_types  TEXT NOT NULL,               -- JSON array of kinds
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    UNIQUE (project_id, name)
);

CREATE TABLE webhook_target (
    id                {{id}},
    policy_id         BIGINT NOT NULL REFERENCES webhook_policy (id) ON DELETE CASCADE,
    position          BIGINT NOT NULL,
    kind              TEXT NOT NULL,          -- http, slack
    address           TEXT NOT NULL,
    payload_format    TEXT NOT NULL,          -- Default, CloudEvents; '' for slack
    skip_cert_verify  BOOLEAN NOT NULL,
    auth_header       {{bytes}},              -- sealed with the key file
    signing_secret    {{bytes}},              -- sealed with the key file
    UNIQUE (policy_id, position)
);

-- When each policy was last told of each kind.
CREATE TABLE webhook_trigger (
    policy_id  BIGINT NOT NULL REFERENCES webhook_policy (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL,
    last_at    BIGINT NOT NULL,
    PRIMARY KEY (policy_id, kind)
);
