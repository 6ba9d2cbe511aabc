-- The task that scanned an image last: an execution may scan many.
ALTER TABLE image_scan ADD COLUMN task_id BIGINT;
