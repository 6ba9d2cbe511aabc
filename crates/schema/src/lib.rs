//! All migrations of the database, in order, and nothing else.
//!
//! They live together because foreign keys cross features. A migration that has been released is
//! never edited; the next change is a new file.

use berth_db::{Db, DbError, MigrationFile};

/// Every migration, oldest first.
pub const MIGRATIONS: &[MigrationFile] = &[
    MigrationFile {
        version: 1,
        name: "registry core",
        sql: include_str!("migrations/0001_registry_core.sql"),
    },
    MigrationFile {
        version: 2,
        name: "jobs",
        sql: include_str!("migrations/0002_jobs.sql"),
    },
    MigrationFile {
        version: 3,
        name: "quotas",
        sql: include_str!("migrations/0003_quotas.sql"),
    },
    MigrationFile {
        version: 4,
        name: "robots and groups",
        sql: include_str!("migrations/0004_robots_and_groups.sql"),
    },
    MigrationFile {
        version: 5,
        name: "events and webhooks",
        sql: include_str!("migrations/0005_webhooks.sql"),
    },
    MigrationFile {
        version: 6,
        name: "policy",
        sql: include_str!("migrations/0006_policy.sql"),
    },
    MigrationFile {
        version: 7,
        name: "labels and sessions",
        sql: include_str!("migrations/0007_labels_and_sessions.sql"),
    },
    MigrationFile {
        version: 8,
        name: "audit and upkeep",
        sql: include_str!("migrations/0008_audit_and_upkeep.sql"),
    },
    MigrationFile {
        version: 9,
        name: "lost blobs",
        sql: include_str!("migrations/0009_lost_blobs.sql"),
    },
    MigrationFile {
        version: 12,
        name: "CVE allow-lists",
        sql: include_str!("migrations/0012_cve_allowlists.sql"),
    },
    MigrationFile {
        version: 13,
        name: "artifacts by kind",
        sql: include_str!("migrations/0013_artifacts_by_kind.sql"),
    },
    MigrationFile {
        version: 14,
        name: "events of quotas and forwarding",
        sql: include_str!("migrations/0014_events.sql"),
    },
    MigrationFile {
        version: 15,
        name: "accessory tags",
        sql: include_str!("migrations/0015_accessory_tags.sql"),
    },
    MigrationFile {
        version: 16,
        name: "scanning",
        sql: include_str!("migrations/0016_scanning.sql"),
    },
    MigrationFile {
        version: 17,
        name: "scanners",
        sql: include_str!("migrations/0017_scanners.sql"),
    },
    MigrationFile {
        version: 18,
        name: "scans by task",
        sql: include_str!("migrations/0018_scans_by_task.sql"),
    },
    MigrationFile {
        version: 19,
        name: "security hub",
        sql: include_str!("migrations/0019_security_hub.sql"),
    },
    MigrationFile {
        version: 20,
        name: "advisory sources",
        sql: include_str!("migrations/0020_advisory_sources.sql"),
    },
    MigrationFile {
        version: 21,
        name: "sboms",
        sql: include_str!("migrations/0021_sboms.sql"),
    },
    MigrationFile {
        version: 22,
        name: "external scans",
        sql: include_str!("migrations/0022_external_scans.sql"),
    },
    MigrationFile {
        version: 23,
        name: "CVE exports",
        sql: include_str!("migrations/0023_cve_exports.sql"),
    },
    MigrationFile {
        version: 24,
        name: "VEX",
        sql: include_str!("migrations/0024_vex.sql"),
    },
    MigrationFile {
        version: 26,
        name: "security trend",
        sql: include_str!("migrations/0026_security_trend.sql"),
    },
    MigrationFile {
        version: 27,
        name: "search",
        sql: include_str!("migrations/0027_search.sql"),
    },
    MigrationFile {
        version: 28,
        name: "image counts",
        sql: include_str!("migrations/0028_image_counts.sql"),
    },
];

/// Brings `db` to the newest schema.
///
/// # Errors
/// [`DbError::NewerSchema`] when a newer Berth wrote it.
pub async fn migrate(db: &Db) -> Result<(), DbError> {
    db.migrate(MIGRATIONS).await
}
