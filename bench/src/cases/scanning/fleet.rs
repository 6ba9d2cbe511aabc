//! Scanned images as rows, and revisions of a feed that speaks of what they hold.
//!
//! Every image has 20 packages that all have and 20 of 380 others, each in one of ten versions, as
//! images built over ten months have. The feed has the form of the Debian tracker: five
//! vulnerabilities of each of the 400 sources, and ten of each of 3000 sources that no image has.

use serde_json::{Map, Value, json};

use crate::site::Engine;

/// Sources that every image has, and all that some image has.
const COMMON: usize = 20;
const HELD: usize = 400;
/// Sources that no image has.
const ELSEWHERE: usize = 3_000;
/// Versions of each package.
const VERSIONS: usize = 10;

/// How many images there are, unless `BERTH_BENCH_IMAGES` says otherwise.
pub(crate) fn size() -> usize {
    let said = std::env::var("BERTH_BENCH_IMAGES").ok();
    said.and_then(|text| text.parse().ok()).unwrap_or(100_000)
}

/// Which revision of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revision {
    /// What it was.
    Before,
    /// A day later: three vulnerabilities are of sources that images have.
    After,
}

/// The CVE that a day brings of a source that every image has: half of the versions are older.
pub(crate) const COMMON_CVE: &str = "CVE-2026-90001";
/// The CVEs of sources that every 19th image has.
const RARE: [(&str, usize); 2] = [("CVE-2026-90002", 33), ("CVE-2026-90003", 210)];
/// Vulnerabilities that a day brings of what no image has, and those that it changes.
const NEW: usize = 60;
const CHANGED: usize = 40;

/// What a day changes, in words.
pub(crate) fn day() -> String {
    format!(
        "{} of {} advisories new or changed, {} of them of what images have",
        NEW + CHANGED + 1 + RARE.len(),
        HELD * 5 + ELSEWHERE * 10,
        1 + RARE.len()
    )
}

/// The feed, in the form of the Debian tracker.
pub(crate) fn feed(revision: Revision) -> Vec<u8> {
    let entry = |fixed: &str, urgency: &str| {
        json!({
            "description": "A crafted input makes it read beyond the end of what it was given.",
            "scope": "remote",
            "releases": {"bookworm": {
                "status": "resolved", "fixed_version": fixed, "urgency": urgency,
                "repositories": {"bookworm": fixed},
            }},
        })
    };
    let mut sources = Map::new();
    for source in 0..HELD {
        let mut entries = Map::new();
        for nr in 0..5 {
            let urgency = ["low", "medium", "high"][nr % 3];
            let name = format!("CVE-2025-{}", 10_000 + source * 5 + nr);
            entries.insert(name, entry(&format!("1.{}-1", nr * 2), urgency));
        }
        if revision == Revision::After {
            if source == 7 {
                entries.insert(COMMON_CVE.to_owned(), entry("1.5-1", "high"));
            }
            for (name, of) in RARE {
                if source == of {
                    entries.insert(name.to_owned(), entry("1.5-1", "high"));
                }
            }
        }
        sources.insert(format!("held{source}"), Value::Object(entries));
    }
    for source in 0..ELSEWHERE {
        let mut entries = Map::new();
        for nr in 0..10 {
            let is_changed = revision == Revision::After && source < CHANGED && nr == 0;
            let fixed = if is_changed { "2.1-1" } else { "2.0-1" };
            let name = format!("CVE-2024-{}", 10_000 + source * 10 + nr);
            entries.insert(name, entry(fixed, "medium"));
        }
        if revision == Revision::After && (1_000..1_000 + NEW).contains(&source) {
            let name = format!("CVE-2026-{}", 10_000 + source);
            entries.insert(name, entry("2.1-1", "low"));
        }
        sources.insert(format!("elsewhere{source}"), Value::Object(entries));
    }
    Value::Object(sources).to_string().into_bytes()
}

/// What scans of so many images would have left, before any feed was imported.
pub(crate) fn rows(engine: &Engine, images: usize) -> Vec<String> {
    let digest = engine.padded(64);
    let bytes = |text: &str| match engine {
        Engine::Sqlite => format!("CAST({text} AS BLOB)"),
        Engine::Postgres(_) => format!("convert_to({text}, 'UTF8')"),
    };
    let numbers = |count: usize| {
        format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})")
    };
    let name = format!("'held' || CAST((i - 1) / {VERSIONS} AS TEXT)");
    let version = format!("'1.' || CAST((i - 1) % {VERSIONS} AS TEXT) || '-1'");
    let body = format!(
        "'{{\"package\":{{\"kind\":\"deb\",\"name\":\"' || {name} || '\",\"version\":\"' || {version} \
         || '\",\"architecture\":\"amd64\",\"source\":{{\"name\":\"' || {name} || '\",\"version\":\"' \
         || {version} || '\"}}}},\"distro\":{{\"id\":\"debian\",\"version_id\":\"12\",\
         \"codename\":\"bookworm\"}}}}'"
    );
    // The number of the package is that of its source and version, from 1.
    let others = HELD - COMMON;
    vec![
        "INSERT INTO repository (project_id, name, created_at, updated_at) \
         SELECT id, 'library/app', 0, 0 FROM project WHERE name = 'library'"
            .to_owned(),
        format!(
            "{} INSERT INTO manifest (repository_id, digest, media_type, config_media_type, kind, \
             size, total_size, pushed_by, pushed_at) \
             SELECT (SELECT id FROM repository WHERE name = 'library/app'), \
             'sha256:' || {digest}, 'application/vnd.oci.image.manifest.v1+json', \
             'application/vnd.oci.image.config.v1+json', 'IMAGE', 500, 1000, 'admin', i FROM n",
            numbers(images)
        ),
        format!(
            "{} INSERT INTO package (id, identity, name, version, body, ecosystem) \
             SELECT i, 'bench' || CAST(i AS TEXT), {name}, {version}, {}, 'debian:12' FROM n",
            numbers(HELD * VERSIONS),
            bytes(&body)
        ),
        "INSERT INTO package_name (ecosystem, name, package_id) \
         SELECT ecosystem, name, id FROM package"
            .to_owned(),
        format!(
            "{} INSERT INTO image_scan (id, scan_key, digest, report_id, status, started_at, \
             ended_at, distro, notes, scanned) SELECT i, 'sha256:' || {digest}, 'sha256:' || {digest}, \
             'report' || CAST(i AS TEXT), 'Success', 0, 0, 'debian 12', {}, TRUE \
             FROM n",
            numbers(images),
            bytes("'{}'")
        ),
        "INSERT INTO image_count (image_id, critical, high, medium, low, negligible, unknown, \
         fixable) SELECT id, 0, 0, 0, 0, 0, 0, 0 FROM image_scan"
            .to_owned(),
        // Steps that are prime to the number of the others: 20 different ones.
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {COMMON} - 1) \
             INSERT INTO image_package (image_id, package_id, layer, path) \
             SELECT s.id, 1 + i * {VERSIONS} + s.id % {VERSIONS}, s.digest, 'var/lib/dpkg/status' \
             FROM image_scan s CROSS JOIN n"
        ),
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19) \
             INSERT INTO image_package (image_id, package_id, layer, path) \
             SELECT s.id, 1 + ({COMMON} + (s.id * 7 + i * 19) % {others}) * {VERSIONS} \
             + (s.id / 10) % {VERSIONS}, s.digest, 'var/lib/dpkg/status' \
             FROM image_scan s CROSS JOIN n"
        ),
    ]
}
