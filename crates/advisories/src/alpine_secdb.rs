//! Alpine's security database: per release and repository, which version of a source package
//! mended what. It lists fixes only, so nothing unfixed is ever reported.
//!
//! Version `0` means "never affected". Identifiers may carry remarks (`CVE-2019-1 (+ regression
//! fix)`), underscores for hyphens, or several in one text.

use serde_json::Value;

use crate::text::{self, FeedError};
use crate::{Advisory, Affected, Ecosystem, Names, Reference};

/// The largest document that is taken; the real ones have about a megabyte.
const LARGEST: usize = 64 << 20;

/// Reads one document: an advisory for each vulnerability of each source package.
pub fn parse_alpine_secdb(entry: &str, json: &[u8]) -> Result<Vec<Advisory>, FeedError> {
    if json.len() > LARGEST {
        return Err(FeedError::TooLarge {
            entry: text::cut(entry, text::LONGEST_NAME).to_owned(),
            limit: LARGEST as u64,
        });
    }
    let document: Value =
        serde_json::from_slice(json).map_err(|error| FeedError::malformed(entry, error))?;
    // Wolfi and Chainguard publish the same form without a release.
    let release = document["distroversion"].as_str().unwrap_or_default();
    let ecosystem = match document["urlprefix"].as_str().unwrap_or_default() {
        prefix if prefix.contains("wolfi.dev") => Ecosystem::parse_osv("Wolfi"),
        prefix if prefix.contains("cgr.dev") => Ecosystem::parse_osv("Chainguard"),
        _ => Ecosystem::parse_osv(&format!("Alpine:{release}")),
    }
    .ok_or_else(|| {
        FeedError::malformed(entry, format!("it is for no known release: {release:?}"))
    })?;
    let repository = document["reponame"]
        .as_str()
        .and_then(text::name)
        .unwrap_or("main");
    let packages = document["packages"]
        .as_array()
        .ok_or_else(|| FeedError::malformed(entry, "it has no packages"))?;
    let mut advisories = Vec::new();
    for package in packages {
        let package = &package["pkg"];
        let (Some(name), Some(fixes)) = (
            package["name"].as_str().and_then(text::name),
            package["secfixes"].as_object(),
        ) else {
            continue;
        };
        for (version, ids) in fixes {
            let Some(version) = text::name(version).filter(|version| *version != "0") else {
                continue;
            };
            for id in text::names(ids).iter().flat_map(|text| identifiers(text)) {
                let affected =
                    Affected::new(ecosystem.clone(), name, Names::Source).fixed_in(Some(version));
                advisories.push(advisory(&id, name, repository, affected));
            }
        }
    }
    advisories.sort_by(|a, b| a.feed_id.cmp(&b.feed_id));
    Ok(join(advisories))
}

/// The identifiers in a text: CVEs if there are any, else its first word.
fn identifiers(text: &str) -> Vec<String> {
    let cves: Vec<String> = text
        .split(|c: char| c.is_whitespace() || c == ',' || c == '/')
        .filter_map(text::find_cve)
        .collect();
    if !cves.is_empty() {
        return cves;
    }
    let word = text.split_whitespace().next();
    word.map(str::to_owned).into_iter().collect()
}

fn advisory(id: &str, name: &str, repository: &str, affected: Affected) -> Advisory {
    let mut advisory = Advisory {
        feed_id: format!("{id}/{}/{repository}/{name}", affected.ecosystem),
        vulnerabilities: vec![id.to_owned()],
        affected: vec![affected],
        ..Advisory::default()
    };
    if text::is_cve(id) {
        advisory.references.push(Reference {
            kind: "ADVISORY".to_owned(),
            url: format!("https://security.alpinelinux.org/vuln/{id}"),
        });
    }
    advisory.settle();
    advisory
}

/// One vulnerability may be listed under several versions: the last one mended it.
fn join(advisories: Vec<Advisory>) -> Vec<Advisory> {
    let mut joined: Vec<Advisory> = Vec::with_capacity(advisories.len());
    for advisory in advisories {
        let fixed = |one: &Advisory| {
            let range = one.affected.first()?.ranges.first()?;
            Some(range.last()?.version().to_owned())
        };
        match joined.last_mut() {
            Some(last) if last.feed_id == advisory.feed_id => {
                let kind = crate::PackageKind::Apk;
                if let (Some(old), Some(new)) = (fixed(last), fixed(&advisory))
                    && crate::version::compare(kind, &old, &new).is_lt()
                {
                    *last = advisory;
                }
            }
            _ => joined.push(advisory),
        }
    }
    joined
}
