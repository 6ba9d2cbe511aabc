//! What a scan found, in the order in which people want to read it.

use std::collections::{BTreeMap, BTreeSet};

use berth_advisories::{Distro, Ecosystem, PackageKind, Severity, cvss_score, findings};
use berth_inspect::findings::{Finding, Severity as FindingSeverity, eol};
use berth_inspect::{ImageFinding, ImagePackage, Incomplete, Reason};
use berth_model::Timestamp;
use serde::Serialize;

use crate::feeds::{Feed, Feeds};
use crate::image::{Image, Layer};

/// Links kept of one vulnerability.
const LINKS: usize = 10;

/// A vulnerability of one package.
#[derive(Clone, Debug, Serialize)]
pub struct Vulnerability {
    /// The name by which people know it.
    pub id: String,
    /// Other names of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The advisories that say so, by their names in the feeds.
    pub advisories: Vec<String>,
    /// How grave it is: by the distribution's own word, else by CVSS.
    pub severity: Severity,
    /// The best CVSS base score that an advisory gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Who packages it.
    pub kind: PackageKind,
    /// Its package URL.
    pub purl: String,
    /// The lowest version that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_version: Option<String>,
    /// `fixed`, `affected`, `will_not_fix` and so on.
    pub status: &'static str,
    /// One line about it.
    pub title: String,
    /// Since when it is known to be exploited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exploited_since: Option<String>,
    /// `CWE-79` and the like.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cwes: Vec<String>,
    /// How likely it is to be exploited within thirty days, by EPSS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epss: Option<f64>,
    /// Where to read more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
    /// The file that names the package.
    pub path: String,
    /// The layer that brought it, counted from the base.
    pub layer: usize,
}

/// A vulnerability that somebody has judged not to count.
#[derive(Clone, Debug, Serialize)]
pub struct Ignored {
    /// Which.
    #[serde(flatten)]
    pub vulnerability: Vulnerability,
    /// Who says so, and why.
    pub reason: String,
}

/// All that a scan found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// When, RFC 3339.
    pub created: String,
    /// What was scanned.
    pub name: String,
    /// Its manifest's digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Digests of indexes that lead to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<String>,
    /// The distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distro: Option<Distro>,
    /// The layers, the base first.
    pub layers: Vec<Layer>,
    /// What it was held against.
    pub feeds: Vec<Feed>,
    /// The gravest first.
    pub vulnerabilities: Vec<Vulnerability>,
    /// What does not count, by VEX or by a list.
    pub ignored: Vec<Ignored>,
    /// Secrets and doubtful files.
    pub findings: Vec<ImageFinding>,
    /// What the configuration, the history and the age of the distribution are blamed for.
    pub practice: Vec<Finding>,
    /// Everything it holds.
    pub packages: Vec<ImagePackage>,
    /// Packages by whose ecosystem no feed speaks: that nothing was found there means nothing.
    pub not_covered: BTreeMap<String, usize>,
    /// What was left unread.
    pub incomplete: Vec<Incomplete>,
    /// What else could not be looked at.
    pub warnings: Vec<String>,
}

/// Holds an image against advisories.
pub fn scan(image: Image, feeds: &Feeds, now: Timestamp) -> Report {
    let content = image.content;
    let distro = content.distro.as_ref();
    let mut vulnerabilities = Vec::new();
    let mut not_covered: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for found in &content.packages {
        // The distribution speaks for what its own packages brought.
        if found.owned_by.is_some() {
            continue;
        }
        let package = &found.package;
        let ecosystem = Ecosystem::of(package.kind, distro);
        if !ecosystem.as_ref().is_some_and(|it| feeds.index.covers(it)) {
            let name = ecosystem.map_or_else(
                || distro.map_or_else(|| package.kind.as_str().to_owned(), |it| it.id.clone()),
                |it| it.to_string(),
            );
            *not_covered.entry(name).or_default() += 1;
            continue;
        }
        let Ok(hits) = feeds.index.matches(package, distro) else {
            let name = "packages of other builders".to_owned();
            *not_covered.entry(name).or_default() += 1;
            continue;
        };
        for row in findings(package.kind, &hits) {
            if seen.insert((
                row.id.clone(),
                package.name.clone(),
                package.version.clone(),
                &found.path,
            )) {
                vulnerabilities.push(vulnerability(row, found, distro, feeds));
            }
        }
    }
    vulnerabilities.sort_by(|a, b| {
        let order = b
            .severity
            .cmp(&a.severity)
            .then_with(|| a.package.cmp(&b.package));
        order
            .then_with(|| a.id.cmp(&b.id))
            .then_with(|| a.path.cmp(&b.path))
    });
    let created = now.to_rfc3339();
    let mut practice = image.practice;
    let today = created.get(..10).unwrap_or_default();
    practice.extend(distro.and_then(|distro| eol::check(distro, today)));
    Report {
        created,
        name: image.name,
        digest: image.digest,
        indexes: image.indexes,
        layers: image.layers,
        feeds: feeds.feeds.clone(),
        vulnerabilities,
        ignored: Vec::new(),
        findings: content.findings,
        practice,
        not_covered,
        incomplete: content.incomplete,
        warnings: image.warnings,
        distro: content.distro,
        packages: content.packages,
    }
}

fn vulnerability(
    row: berth_advisories::Finding<'_>,
    found: &ImagePackage,
    distro: Option<&Distro>,
    feeds: &Feeds,
) -> Vulnerability {
    let package = &found.package;
    let names = || std::iter::once(&row.id).chain(&row.aliases);
    let advisories = || row.advisories.iter();
    let score = advisories()
        .flat_map(|advisory| &advisory.cvss)
        .filter_map(|vector| cvss_score(vector))
        .max_by(|a, b| a.version.cmp(&b.version).then(a.score.total_cmp(&b.score)));
    let title = advisories()
        .map(|advisory| advisory.summary.as_str())
        .find(|summary| !summary.is_empty())
        .or_else(|| advisories().find_map(|it| it.details.lines().find(|line| !line.is_empty())))
        .unwrap_or_default();
    let links: BTreeSet<&str> = advisories()
        .flat_map(|advisory| advisory.references.iter().map(|link| link.url.as_str()))
        .collect();
    let cwes: BTreeSet<&str> = advisories()
        .flat_map(|advisory| advisory.cwes.iter().map(String::as_str))
        .collect();
    Vulnerability {
        advisories: advisories().map(|it| it.feed_id.clone()).collect(),
        severity: row.severity,
        score: score.map(|score| score.score),
        package: package.name.clone(),
        version: package.version.clone(),
        kind: package.kind,
        purl: berth_advisories::Purl::of(package, distro).to_string(),
        status: row.status.as_str(),
        title: title.chars().take(200).collect(),
        exploited_since: names()
            .find_map(|name| feeds.exploited.get(name))
            .map(|since| since.to_rfc3339().chars().take(10).collect()),
        epss: names().find_map(|name| feeds.epss.get(name)).copied(),
        cwes: cwes.into_iter().map(str::to_owned).collect(),
        links: links.into_iter().take(LINKS).map(str::to_owned).collect(),
        path: found.path.clone(),
        layer: found.layer,
        fixed_version: row.fixed_version,
        aliases: row.aliases,
        id: row.id,
    }
}

impl Report {
    /// How many vulnerabilities of each severity, the gravest first.
    pub fn counts(&self) -> [(Severity, usize); 6] {
        [
            Severity::Critical,
            Severity::High,
            Severity::Medium,
            Severity::Low,
            Severity::Negligible,
            Severity::Unknown,
        ]
        .map(|severity| {
            let of = |it: &&Vulnerability| it.severity == severity;
            (severity, self.vulnerabilities.iter().filter(of).count())
        })
    }

    /// Leaves out what no version mends.
    pub fn keep_fixed(&mut self) {
        self.vulnerabilities.retain(|it| it.fixed_version.is_some());
    }

    /// Whether a vulnerability is at least this grave.
    pub fn reaches(&self, severity: Severity) -> bool {
        self.vulnerabilities
            .iter()
            .any(|it| it.severity >= severity)
    }

    /// Whether a secret or a bad practice is at least this grave.
    pub fn finds(&self, severity: FindingSeverity) -> bool {
        let in_layers = self.findings.iter().map(|it| &it.finding);
        in_layers
            .chain(&self.practice)
            .any(|it| it.severity >= severity)
    }

    /// Whether all was read that may list packages: else nothing found means nothing. A single
    /// broken file of a language's tools is told, but does not make a report worthless.
    pub fn is_whole(&self) -> bool {
        self.incomplete.iter().all(|it| {
            matches!(
                it.reason,
                Reason::File | Reason::Depth | Reason::Findings | Reason::Path
            )
        })
    }
}
