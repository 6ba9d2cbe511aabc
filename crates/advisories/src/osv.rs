//! Advisories in the OSV format, schema 1.x.
//!
//! Lenient: fields that are missing, unknown or of another type are passed over; only a document
//! without an id is refused. Bounded: see [`crate::text`] and the limits here.
//!
//! Three things that feeds mean and the schema does not say:
//! - Names of Debian, Ubuntu and Alpine (and what derives from it) are names of source packages,
//!   those of rpm distributions of binary packages (SUSE lists binary packages apart). A feed that
//!   departs from this is imported with [`OsvOptions::binary_names`].
//! - Distributions that rebuild Red Hat's put the CVEs they mend under `related`, and the rating
//!   before the summary (`Important: …`).
//! - The stream of a module is told by the summary (`nodejs:18 security update`) alone.
//!
//! An entry whose ecosystem is unknown, or that is given by commits alone, is counted as skipped.

use serde_json::Value;

use crate::matching::is_modular_release;
use crate::text::{self, LONGEST_DETAILS, LONGEST_SUMMARY, MOST_ITEMS};
use crate::{
    Advisory, Affected, Ecosystem, Event, Family, FeedError, Names, PackageKind, Reference,
    Severity,
};

/// The largest document that is taken.
const LARGEST: usize = 16 << 20;
/// How many packages an advisory may name.
const MOST_AFFECTED: usize = 20_000;
/// How many ranges an entry, and events a range, may have.
const MOST_EVENTS: usize = 2_000;
/// How many versions an entry may list.
const MOST_VERSIONS: usize = 50_000;

/// What the importer is told about a feed.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsvOptions {
    /// Names of OS packages are names of binary packages, whatever is usual.
    pub binary_names: bool,
}

/// What a document came to.
#[derive(Debug, Clone)]
pub struct OsvParsed {
    /// The advisory, with the entries that can be used.
    pub advisory: Advisory,
    /// How many entries cannot be used.
    pub skipped: usize,
}

/// Reads one document; `entry` is its name, for the error.
pub fn parse_osv(entry: &str, json: &[u8], options: OsvOptions) -> Result<OsvParsed, FeedError> {
    if json.len() > LARGEST {
        return Err(FeedError::TooLarge {
            entry: text::cut(entry, text::LONGEST_NAME).to_owned(),
            limit: LARGEST as u64,
        });
    }
    let document: Value =
        serde_json::from_slice(json).map_err(|error| FeedError::malformed(entry, error))?;
    let feed_id = string(&document["id"])
        .and_then(text::name)
        .ok_or_else(|| FeedError::malformed(entry, "it has no id"))?;
    let summary = string(&document["summary"]).unwrap_or_default();
    let time = |field: &str| string(&document[field]).and_then(text::time);
    let mut advisory = Advisory {
        feed_id: feed_id.to_owned(),
        summary: text::cut(summary, LONGEST_SUMMARY).to_owned(),
        details: text::cut(
            string(&document["details"]).unwrap_or_default(),
            LONGEST_DETAILS,
        )
        .to_owned(),
        aliases: text::names(&document["aliases"]),
        cwes: cwes(&document),
        references: references(&document["references"]),
        published: time("published"),
        modified: time("modified"),
        // Withdrawn at a time that cannot be read is withdrawn all the same.
        withdrawn: string(&document["withdrawn"]).map(|text| text::time(text).unwrap_or(0)),
        ..Advisory::default()
    };
    let mut skipped = 0;
    for value in list(&document["affected"], MOST_AFFECTED) {
        let entries = entries(value, options, summary);
        skipped += usize::from(entries.is_empty());
        advisory.affected.extend(entries);
        severities(&value["severity"], &mut advisory);
    }
    severities(&document["severity"], &mut advisory);
    if advisory.rating.is_none() {
        advisory.rating = rating(&document, feed_id, summary);
    }
    advisory.informational = informational(&document, feed_id);
    name_vulnerabilities(&mut advisory, &document);
    if feed_id.starts_with("ALBA-") || feed_id.starts_with("ALEA-") {
        // Bug fixes and enhancements, unless they mend a vulnerability on the way.
        let mends = advisory.vulnerabilities.iter().any(|id| text::is_cve(id));
        advisory.informational = (!mends).then(|| "bugfix".to_owned());
    }
    advisory.settle();
    Ok(OsvParsed { advisory, skipped })
}

fn string(value: &Value) -> Option<&str> {
    value.as_str()
}

fn list(value: &Value, most: usize) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten().take(most)
}

/// Finds out what the advisory is about.
fn name_vulnerabilities(advisory: &mut Advisory, document: &Value) {
    let cves = |names: &[String]| -> Vec<String> {
        let cves = names.iter().filter(|name| text::is_cve(name));
        cves.cloned().collect()
    };
    let mut upstream = text::names(&document["upstream"]);
    let is_distribution = !advisory.affected.is_empty()
        && advisory
            .affected
            .iter()
            .all(|affected| affected.ecosystem.kind().is_os());
    let own = text::find_cve(&advisory.feed_id);
    if is_distribution && own.is_none() {
        // An advisory of a distribution mends what it names, each thing by itself.
        let mut mended = cves(&upstream);
        mended.extend(cves(&advisory.aliases));
        if mended.is_empty() {
            mended = cves(&text::names(&document["related"]));
        }
        advisory.vulnerabilities = mended;
        return;
    }
    // Everywhere else all names are names of one vulnerability.
    advisory.aliases.append(&mut upstream);
    advisory.aliases.push(advisory.feed_id.clone());
    advisory.aliases.sort();
    let id = own
        .or_else(|| cves(&advisory.aliases).into_iter().next())
        .or_else(|| {
            let mut aliases = advisory.aliases.iter();
            aliases.find(|alias| alias.starts_with("GHSA-")).cloned()
        })
        .unwrap_or_else(|| advisory.feed_id.clone());
    advisory.vulnerabilities.push(id);
}

fn cwes(document: &Value) -> Vec<String> {
    let specific = &document["database_specific"];
    let mut cwes = text::names(&specific["cwe_ids"]);
    // Others write objects: {"cweId": "CWE-79"}.
    cwes.extend(list(&specific["cwes"], MOST_ITEMS).filter_map(|cwe| {
        string(&cwe["cweId"])
            .or_else(|| string(cwe))
            .and_then(text::name)
            .map(str::to_owned)
    }));
    cwes.retain(|cwe| {
        cwe.strip_prefix("CWE-")
            .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    });
    cwes
}

fn references(value: &Value) -> Vec<Reference> {
    list(value, MOST_ITEMS)
        .filter_map(|reference| {
            let url = string(&reference["url"]).and_then(text::name)?;
            // A link is shown to people: nothing but the web.
            let is_web = url.starts_with("https://") || url.starts_with("http://");
            let kind = string(&reference["type"])
                .and_then(text::name)
                .unwrap_or("WEB");
            is_web.then(|| Reference {
                kind: kind.to_owned(),
                url: url.to_owned(),
            })
        })
        .collect()
}

/// Takes the vectors and the words of a list of severities.
fn severities(value: &Value, advisory: &mut Advisory) {
    for severity in list(value, MOST_ITEMS) {
        let Some(score) = string(&severity["score"]).and_then(text::name) else {
            continue;
        };
        if score.contains("AV:") {
            advisory.cvss.push(score.to_owned());
        } else if advisory.rating.is_none() {
            // Ubuntu rates by a word.
            advisory.rating = Severity::from_word(score);
        }
    }
}

/// The rating by words, where a feed gives one.
fn rating(document: &Value, feed_id: &str, summary: &str) -> Option<Severity> {
    let specific = &document["database_specific"];
    string(&specific["severity"])
        .or_else(|| string(&specific["urgency"]))
        .and_then(Severity::from_word)
        .or_else(|| {
            let (word, _) = summary.split_once(':')?;
            Severity::from_word(word)
        })
        // A package that is malware itself.
        .or_else(|| feed_id.starts_with("MAL-").then_some(Severity::Critical))
}

/// What RustSec calls informational; code that is unsound is a vulnerability all the same.
fn informational(document: &Value, feed_id: &str) -> Option<String> {
    if !feed_id.starts_with("RUSTSEC-") {
        return None;
    }
    list(&document["affected"], MOST_AFFECTED)
        .filter_map(|affected| string(&affected["database_specific"]["informational"]))
        .find(|kind| matches!(*kind, "unmaintained" | "notice"))
        .map(str::to_owned)
}

fn names_of(family: Family, options: OsvOptions) -> Names {
    let is_source = match family.kind() {
        PackageKind::Deb | PackageKind::Apk => true,
        PackageKind::Rpm => matches!(family, Family::Suse | Family::OpenSuse | Family::Mageia),
        _ => false,
    };
    if is_source && !options.binary_names {
        Names::Source
    } else {
        Names::Package
    }
}

/// The entries that one element of `affected` comes to.
fn entries(value: &Value, options: OsvOptions, summary: &str) -> Vec<Affected> {
    let package = &value["package"];
    let (Some(ecosystem), Some(name)) = (
        string(&package["ecosystem"]).and_then(Ecosystem::parse_osv),
        string(&package["name"]).and_then(text::name),
    ) else {
        return Vec::new();
    };
    let family = ecosystem.family();
    let specific = &value["ecosystem_specific"];
    if matches!(family, Family::Suse | Family::OpenSuse) && specific["binaries"].is_array() {
        return binaries(&specific["binaries"], &ecosystem);
    }
    let mut entry = Affected::new(ecosystem, name, names_of(family, options));
    entry.ranges = list(&value["ranges"], MOST_EVENTS)
        .filter(|range| string(&range["type"]) != Some("GIT"))
        .map(|range| events(&range["events"]))
        .filter(|events| !events.is_empty())
        .collect();
    entry.versions = list(&value["versions"], MOST_VERSIONS)
        .filter_map(|version| string(version).and_then(text::name))
        .map(str::to_owned)
        .collect();
    if entry.ranges.is_empty() && entry.versions.is_empty() {
        return Vec::new();
    }
    entry.rating = [specific, &value["database_specific"]]
        .into_iter()
        .filter_map(|specific| {
            string(&specific["urgency"]).or_else(|| string(&specific["severity"]))
        })
        .find_map(Severity::from_word);
    entry.module = module(&entry, summary);
    vec![entry]
}

/// SUSE's binary packages: `[{"libssl3": "3.0.8-150500.5.8.1"}]`.
fn binaries(value: &Value, ecosystem: &Ecosystem) -> Vec<Affected> {
    list(value, MOST_AFFECTED)
        .filter_map(Value::as_object)
        .flatten()
        .take(MOST_AFFECTED)
        .filter_map(|(name, version)| {
            let version = string(version).and_then(text::name)?;
            let entry = Affected::new(ecosystem.clone(), text::name(name)?, Names::Package);
            Some(entry.fixed_in(Some(version)))
        })
        .collect()
}

fn events(value: &Value) -> Vec<Event> {
    let mut events: Vec<Event> = list(value, MOST_EVENTS)
        .filter_map(Value::as_object)
        .flatten()
        .filter_map(|(what, version)| {
            let version = string(version).and_then(text::name)?.to_owned();
            match what.as_str() {
                "introduced" => Some(Event::Introduced(version)),
                "fixed" => Some(Event::Fixed(version)),
                "last_affected" => Some(Event::LastAffected(version)),
                // Without a limit.
                "limit" if version == "*" => None,
                "limit" => Some(Event::Limit(version)),
                _ => None,
            }
        })
        .collect();
    // The schema demands a beginning; where it is missing, the end alone is meant.
    let begins = events
        .iter()
        .any(|event| matches!(event, Event::Introduced(_)));
    if !begins && !events.is_empty() {
        events.insert(0, Event::Introduced("0".to_owned()));
    }
    events
}

/// The stream that the entry is for, if the package that mends it was built for one.
fn module(entry: &Affected, summary: &str) -> Option<String> {
    if entry.ecosystem.kind() != PackageKind::Rpm {
        return None;
    }
    let modular = entry
        .ranges
        .iter()
        .flatten()
        .any(|event| is_modular_release(event.version()));
    let stream = |word: &&str| {
        word.split_once(':')
            .is_some_and(|(name, stream)| !name.is_empty() && !stream.is_empty())
    };
    modular.then(|| {
        let stream = summary.split_whitespace().find(stream);
        stream.unwrap_or("*").trim_end_matches(',').to_owned()
    })
}
