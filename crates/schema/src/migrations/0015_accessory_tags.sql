-- Accessories that no subject names but a tag, as older cosign makes them: few, and looked for
-- with every page of artifacts.
CREATE INDEX manifest_by_accessory_tag ON manifest (id)
    WHERE accessory_type IS NOT NULL AND subject_digest IS NULL;
