-- Tags are found by how their names begin, whatever repository they are in.
CREATE INDEX tag_by_name ON tag (name, repository_id);
