-- How many vulnerabilities all images had, day by day.
CREATE TABLE security_day (
    day         BIGINT PRIMARY KEY,              -- its beginning
    critical    BIGINT NOT NULL,
    high        BIGINT NOT NULL,
    medium      BIGINT NOT NULL,
    low         BIGINT NOT NULL,
    negligible  BIGINT NOT NULL,
    unknown     BIGINT NOT NULL,
    fixable     BIGINT NOT NULL,
    scanned     BIGINT NOT NULL,                 -- artifacts
    artifacts   BIGINT NOT NULL
);
