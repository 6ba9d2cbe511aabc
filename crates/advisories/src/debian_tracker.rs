//! The Debian security tracker's JSON: `{source: {CVE: {description, releases: {codename: …}}}}`.
//!
//! The document is one object of more than fifty megabytes; it is read as it comes, and each CVE of
//! each source package becomes one advisory, handed over before the next is read. What the tracker
//! means:
//! - `resolved` with a version: fixed there; with version `0`: never affected, not reported.
//! - `open`: no fix. `nodsa_reason` tells `ignored` (will not be fixed) from `postponed` (some
//!   day); without a reason the security team leaves it to a point release: deferred. The urgency
//!   `end-of-life` says that the release gets no more fixes.
//! - `undetermined`: nobody knows, not reported.

use std::fmt;
use std::io::{BufReader, Read};

use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};
use serde_json::Value;

use crate::ecosystem::debian_release;
use crate::text::{self, LONGEST_DETAILS, MOST_ITEMS};
use crate::{Advisory, Affected, Ecosystem, Family, FeedError, Names, Severity, Unfixed};

/// Reads the tracker; `each` may stop it with a reason. Returns how many advisories there were.
pub fn read_debian_tracker<R: Read>(
    reader: R,
    mut each: impl FnMut(Advisory) -> Result<(), String>,
) -> Result<usize, FeedError> {
    let mut progress = Progress {
        place: "the tracker".to_owned(),
        count: 0,
        stopped: None,
    };
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(reader));
    let outcome = Sources {
        progress: &mut progress,
        each: &mut each,
    }
    .deserialize(&mut json)
    .and_then(|()| json.end());
    match (outcome, progress.stopped) {
        (_, Some(reason)) => Err(FeedError::Stopped(reason)),
        (Err(error), None) => Err(FeedError::malformed(&progress.place, error)),
        (Ok(()), None) => Ok(progress.count),
    }
}

struct Progress {
    /// What is being read, for errors.
    place: String,
    count: usize,
    stopped: Option<String>,
}

type Each<'a> = &'a mut dyn FnMut(Advisory) -> Result<(), String>;

struct Sources<'a> {
    progress: &'a mut Progress,
    each: Each<'a>,
}

impl<'de> DeserializeSeed<'de> for Sources<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Sources<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of source packages")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(source) = map.next_key::<String>()? {
            text::cut(&source, text::LONGEST_NAME).clone_into(&mut self.progress.place);
            map.next_value_seed(Source {
                name: source,
                progress: self.progress,
                each: self.each,
            })?;
        }
        Ok(())
    }
}

struct Source<'a> {
    name: String,
    progress: &'a mut Progress,
    each: Each<'a>,
}

impl<'de> DeserializeSeed<'de> for Source<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Source<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of CVEs")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(id) = map.next_key::<String>()? {
            self.progress.place = format!(
                "{}, {}",
                text::cut(&self.name, text::LONGEST_NAME),
                text::cut(&id, text::LONGEST_NAME)
            );
            let value: Value = map.next_value()?;
            let Some(advisory) = advisory(&self.name, &id, &value) else {
                continue;
            };
            self.progress.count += 1;
            if let Err(reason) = (self.each)(advisory) {
                self.progress.stopped = Some(reason);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// What the tracker says about one source package; `None` if it says that nothing is affected.
fn advisory(source: &str, id: &str, value: &Value) -> Option<Advisory> {
    let (source, id) = (text::name(source)?, text::name(id)?);
    let affected: Vec<Affected> = value["releases"]
        .as_object()?
        .iter()
        .take(MOST_ITEMS)
        .filter_map(|(codename, release)| entry(source, codename, release))
        .collect();
    if affected.is_empty() {
        return None;
    }
    let details = value["description"].as_str().unwrap_or_default();
    let mut advisory = Advisory {
        feed_id: format!("{id}/{source}"),
        // `TEMP-0000000-ABCDEF` until there is a CVE.
        vulnerabilities: vec![id.to_owned()],
        details: text::cut(details, LONGEST_DETAILS).to_owned(),
        references: vec![crate::Reference {
            kind: "ADVISORY".to_owned(),
            url: format!("https://security-tracker.debian.org/tracker/{id}"),
        }],
        affected,
        ..Advisory::default()
    };
    advisory.settle();
    Some(advisory)
}

fn entry(source: &str, codename: &str, release: &Value) -> Option<Affected> {
    // Not a release but what is to come into one: `bookworm-security` is part of the release.
    let number = debian_release(codename)?;
    let field = |name: &str| release[name].as_str().unwrap_or_default();
    let urgency = field("urgency");
    let ecosystem = Ecosystem::new(Family::Debian, &number);
    let mut entry = Affected::new(ecosystem, source, Names::Source);
    entry.rating = Severity::from_word(urgency);
    match field("status") {
        "resolved" => {
            let fixed = text::name(field("fixed_version"))?;
            (fixed != "0").then(|| entry.fixed_in(Some(fixed)))
        }
        "open" => {
            entry.unfixed = match field("nodsa_reason") {
                _ if urgency == "end-of-life" => Unfixed::EndOfLife,
                "ignored" => Unfixed::WillNotFix,
                "postponed" => Unfixed::FixDeferred,
                _ if release["nodsa"].is_string() => Unfixed::FixDeferred,
                _ => Unfixed::Affected,
            };
            Some(entry.fixed_in(None))
        }
        _ => None,
    }
}
