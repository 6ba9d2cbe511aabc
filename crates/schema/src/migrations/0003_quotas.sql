-- How many bytes each project may hold, and holds. Changed as the last row of a transaction.
CREATE TABLE quota (
    project_id  BIGINT NOT NULL PRIMARY KEY REFERENCES project (id),
    hard        BIGINT NOT NULL,                 -- -1: any number
    used        BIGINT NOT NULL DEFAULT 0,       -- the sum of the sizes in project_content
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL                  -- of the limit
);

-- What a project holds, each digest once: blobs its repositories link, and its manifests.
CREATE TABLE project_content (
    project_id  BIGINT NOT NULL,
    digest      TEXT NOT NULL,
    size        BIGINT NOT NULL,
    holders     BIGINT NOT NULL,                 -- links and manifests of this digest in the project
    PRIMARY KEY (project_id, digest)
);

INSERT INTO project_content (project_id, digest, size, holders)
SELECT project_id, digest, MAX(size), COUNT(*)
FROM (
    SELECT r.project_id, b.digest, b.size
    FROM repository_blob l
    JOIN repository r ON r.id = l.repository_id
    JOIN blob b ON b.id = l.blob_id
    UNION ALL
    SELECT r.project_id, m.digest, m.size
    FROM manifest m
    JOIN repository r ON r.id = m.repository_id
) held
GROUP BY project_id, digest;

INSERT INTO quota (project_id, hard, used, created_at, updated_at)
SELECT p.id, -1,
    COALESCE((SELECT CAST(SUM(c.size) AS BIGINT) FROM project_content c WHERE c.project_id = p.id), 0),
    p.created_at, p.created_at
FROM project p
WHERE p.deleted_at IS NULL;
