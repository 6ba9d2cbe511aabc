-- Artifacts of one kind in a long repository: counted and paged from the index alone.
CREATE INDEX manifest_by_kind ON manifest (repository_id, kind, pushed_at, id);
