-- What the access log says beyond who, what and when.

ALTER TABLE access_log ADD COLUMN description TEXT NOT NULL DEFAULT '';  -- in words; never a secret
ALTER TABLE access_log ADD COLUMN succeeded BOOLEAN NOT NULL DEFAULT TRUE;  -- false: refused
