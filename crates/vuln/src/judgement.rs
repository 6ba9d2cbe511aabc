//! Whether the rules of a project let an image be pulled: a severity that holds back, limits, and
//! a rule of its own.
//!
//! Invariants: what looks at vulnerabilities lets nothing through that was not scanned, and a rule
//! that fails lets nothing through. A vulnerability that the allow-list lets pass does not count, nor
//! does one of which a VEX document of the project says so.
//! Only what a rule uses is read.

use std::collections::HashSet;

use berth_db::DbError;
use berth_model::Timestamp;
use berth_policy::pull::{Counts, Exceeded, Facts, Limits, NEVER, PullRule};
use berth_registry::Artifact;

use crate::Scanning;
use crate::gate::Rules;
use crate::store::gate;
use crate::store::images::{self, FoundRow, ScanRow};
use crate::vex::{Said, Where};

/// Vulnerabilities that a refusal names.
const NAMED: usize = 5;
/// Characters of a rule that a refusal repeats.
const REPEATED: usize = 200;
const DAY: i64 = 24 * 60 * 60;

impl Scanning {
    /// Why an image may not be pulled, if it may not.
    pub(crate) async fn judge(
        &self,
        artifact: &Artifact<'_>,
        rules: &Rules,
    ) -> Result<Option<String>, DbError> {
        let image = format!("{}@{}", artifact.repository, artifact.digest);
        if let Some(broken) = &rules.broken {
            return Ok(Some(format!(
                "{image} cannot be pulled before an administrator of its project mends its rules: \
                 {broken}"
            )));
        }
        let found = images::find(&self.db, artifact.digest, artifact.project).await?;
        let scan = found.filter(|scan| scan.scanned);
        let rule = rules.rule.as_deref();
        let looks = rules.prevent.is_some() || rules.limits.is_some();
        if scan.is_none() && (looks || rule.is_some_and(PullRule::needs_scan)) {
            return Ok(Some(format!(
                "{image} has not been scanned, and its project lets only scanned images be pulled: \
                 have it scanned, or ask an administrator of the project"
            )));
        }
        if let (Some(prevent), Some(scan)) = (&rules.prevent, &scan)
            && let Some(refused) = self
                .too_grave(&image, (artifact, rules), prevent, scan)
                .await?
        {
            return Ok(Some(refused));
        }
        if rules.limits.is_none() && rule.is_none() {
            return Ok(None);
        }
        let counts = match &scan {
            Some(scan) => self.counts(artifact, scan, rules).await?,
            None => Counts::default(),
        };
        if let (Some(limits), Some(scan)) = (&rules.limits, &scan)
            && let Some(exceeded) = limits.exceeded(&counts)
        {
            return self
                .too_many(&image, (artifact, rules), &exceeded, scan)
                .await
                .map(Some);
        }
        match rule {
            Some(rule) => {
                self.unfit(&image, (artifact, rules, rule), &counts, scan.as_ref())
                    .await
            }
            None => Ok(None),
        }
    }

    /// Holds an image back that has something as grave as `prevent`.
    async fn too_grave(
        &self,
        image: &str,
        (artifact, rules): (&Artifact<'_>, &Rules),
        prevent: &str,
        scan: &ScanRow,
    ) -> Result<Option<String>, DbError> {
        let at_least = threshold(prevent);
        if count_from(scan, at_least) == 0 {
            return Ok(None);
        }
        let held = self.held(artifact, scan, rules, at_least).await?;
        if held.is_empty() {
            return Ok(None);
        }
        Ok(Some(format!(
            "{image} has vulnerabilities of severity {prevent} or graver, which its project does \
             not let be pulled: {}",
            told(&held)
        )))
    }

    /// Says which limit an image goes beyond.
    async fn too_many(
        &self,
        image: &str,
        (artifact, rules): (&Artifact<'_>, &Rules),
        exceeded: &Exceeded,
        scan: &ScanRow,
    ) -> Result<String, DbError> {
        let Exceeded { name, found, most } = *exceeded;
        let severity = severity_of(name);
        let mut held = self
            .held(artifact, scan, rules, severity.unwrap_or(0))
            .await?;
        held.retain(|row| match name {
            "fixable" => row.fixed_version.is_some(),
            "exploited" => row.exploited_since.is_some(),
            _ => severity.is_none_or(|severity| row.severity == severity),
        });
        let kind = if name == "total" { "" } else { name };
        let space = if kind.is_empty() { "" } else { " " };
        Ok(format!(
            "{image} has {found}{space}{kind} vulnerabilities, and its project lets images with \
             at most {most} be pulled ({name}={most}): {}",
            told(&held)
        ))
    }

    /// Holds an image back of which the rule is not true.
    async fn unfit(
        &self,
        image: &str,
        (artifact, rules, rule): (&Artifact<'_>, &Rules, &PullRule),
        counts: &Counts,
        scan: Option<&ScanRow>,
    ) -> Result<Option<String>, DbError> {
        let facts = self.facts(artifact, rule, *counts, scan).await?;
        let text: String = rule.text().chars().take(REPEATED).collect();
        match rule.holds(&facts) {
            Ok(true) => return Ok(None),
            Ok(false) => {}
            Err(error) => {
                return Ok(Some(format!(
                    "{image} cannot be pulled: the rule of its project, `{text}`, fails for it: \
                     {error}; an administrator of the project must mend it (pull_rule)"
                )));
            }
        }
        let mut known = match scan {
            Some(_) => format!("it has {counts}"),
            None => "it has not been scanned".to_owned(),
        };
        let (age, _, signed) = rule.uses_image();
        if age {
            known = format!("{known}, age_days={}", facts.age_days);
        }
        if rule.uses_scan_age() {
            known = format!("{known}, scan_age_days={}", facts.scan_age_days);
        }
        if signed {
            known = format!("{known}, signed={}", facts.signed);
        }
        let held = match scan {
            Some(scan) => self.held(artifact, scan, rules, 0).await?,
            None => Vec::new(),
        };
        Ok(Some(format!(
            "{image} does not meet the rule of its project for pulls, `{text}`: {known}: {}",
            told(&held)
        )))
    }

    /// What is found in an image and not let pass, the gravest first, each once.
    async fn held(
        &self,
        artifact: &Artifact<'_>,
        scan: &ScanRow,
        rules: &Rules,
        at_least: i64,
    ) -> Result<Vec<FoundRow>, DbError> {
        let now = self.clock.now();
        let passing: HashSet<&str> = rules.passing(now).iter().map(String::as_str).collect();
        let mut held = images::found(&self.db, scan.id, at_least).await?;
        if let Some(said) = self.said(where_is(artifact), &held).await? {
            let mut silent = said.iter().map(|said| silences(said.as_ref()));
            held.retain(|_| !silent.next().unwrap_or(false));
        }
        held.retain(|row| !passing.contains(&*row.name));
        let mut seen = HashSet::new();
        held.retain(|row| seen.insert(row.name.clone()));
        Ok(held)
    }

    /// How many vulnerabilities an image has that are not let pass.
    async fn counts(
        &self,
        artifact: &Artifact<'_>,
        scan: &ScanRow,
        rules: &Rules,
    ) -> Result<Counts, DbError> {
        let mut counts = Counts {
            critical: scan.critical,
            high: scan.high,
            medium: scan.medium,
            low: scan.low,
            negligible: scan.negligible,
            unknown: scan.unknown,
            fixable: scan.fixable,
            exploited: 0,
        };
        // Each is there once: so the list was checked.
        let passing = rules.passing(self.clock.now());
        for (severity, passed, fixable) in gate::passed(&self.db, scan.id, passing).await? {
            take(&mut counts, severity, passed, fixable);
        }
        let silent = self.silent(artifact, scan).await?;
        let silent: Vec<&FoundRow> = silent
            .iter()
            .filter(|row| !passing.contains(&row.name))
            .collect();
        for row in &silent {
            let fixable = i64::from(row.fixed_version.is_some());
            take(&mut counts, row.severity, 1, fixable);
        }
        let limits = rules.limits.as_ref().is_some_and(Limits::uses_exploited);
        if limits || rules.rule.as_ref().is_some_and(|it| it.uses_exploited()) {
            let names = gate::exploited(&self.db, scan.id).await?;
            let counted = names.iter().filter(|(name,)| !passing.contains(name));
            let said = silent.iter().filter(|row| row.exploited_since.is_some());
            counts.exploited = (counted.count() as i64 - said.count() as i64).max(0);
        }
        Ok(counts)
    }

    /// What is found in an image of which somebody says that it does not count.
    async fn silent(
        &self,
        artifact: &Artifact<'_>,
        scan: &ScanRow,
    ) -> Result<Vec<FoundRow>, DbError> {
        let place = where_is(artifact);
        if !self.has_vex(place.project).await? {
            return Ok(Vec::new());
        }
        let mut found = images::found(&self.db, scan.id, 0).await?;
        let said = self.said(place, &found).await?.unwrap_or_default();
        let mut silent = said.iter().map(|said| silences(said.as_ref()));
        found.retain(|_| silent.next().unwrap_or(false));
        Ok(found)
    }

    async fn facts<'a>(
        &self,
        artifact: &Artifact<'a>,
        rule: &PullRule,
        counts: Counts,
        scan: Option<&'a ScanRow>,
    ) -> Result<Facts<'a>, DbError> {
        let now = self.clock.now();
        let days = |since: i64| {
            let seconds = now.seconds() - Timestamp::from_micros(since).seconds();
            seconds.max(0) / DAY
        };
        let mut facts = Facts {
            counts,
            scanned: scan.is_some(),
            scan_age_days: scan.map_or(NEVER, |it| days(it.ended_at.unwrap_or(it.started_at))),
            repository: artifact.repository,
            digest: artifact.digest,
            distribution: scan.map_or("", |scan| &scan.distro),
            ..Facts::default()
        };
        let (age, tags, signed) = rule.uses_image();
        if !(age || tags || signed) {
            return Ok(facts);
        }
        // What an index is called and signed with counts for its images.
        let place = (artifact.repository, artifact.digest);
        let Some((id, repository, pushed_at)) = gate::standing(&self.db, place).await? else {
            return Ok(facts);
        };
        facts.age_days = days(pushed_at);
        let mut manifests = vec![id];
        if tags || signed {
            manifests.extend(gate::indexes(&self.db, repository, artifact.digest).await?);
        }
        if tags {
            facts.tags = gate::tags(&self.db, &manifests).await?;
        }
        if signed {
            facts.signed = gate::signed(&self.db, &manifests).await?;
        }
        Ok(facts)
    }
}

fn where_is<'a>(artifact: &Artifact<'a>) -> Where<'a> {
    Where {
        project: artifact.project,
        repository: artifact.repository,
        digest: artifact.digest,
    }
}

fn silences(said: Option<&Said>) -> bool {
    said.is_some_and(|said| said.silences)
}

/// Takes so many of a stored severity out of the counts.
fn take(counts: &mut Counts, severity: i64, passed: i64, fixable: i64) {
    let count = match severity {
        5 => &mut counts.critical,
        4 => &mut counts.high,
        3 => &mut counts.medium,
        2 => &mut counts.low,
        1 => &mut counts.negligible,
        _ => &mut counts.unknown,
    };
    *count = (*count - passed).max(0);
    counts.fixable = (counts.fixable - fixable).max(0);
}

/// Which vulnerabilities are meant, and what can be done.
fn told(held: &[FoundRow]) -> String {
    if held.is_empty() {
        return "use another image, or ask an administrator of the project".to_owned();
    }
    let names: Vec<&str> = held
        .iter()
        .take(NAMED)
        .map(|row| row.name.as_str())
        .collect();
    let more = match held.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let fixable = held
        .iter()
        .filter(|row| row.fixed_version.is_some())
        .count();
    let advice = if fixable > 0 {
        format!(
            "{fixable} of them are fixed in newer versions: rebuild the image, or have them put \
             on the allow-list of the project"
        )
    } else {
        "none of them has a fix yet: use another image, or have them put on the allow-list of the \
         project"
            .to_owned()
    };
    format!("{}{more}; {advice}", names.join(", "))
}

/// The least stored severity that is held back.
fn threshold(word: &str) -> i64 {
    severity_of(word).unwrap_or(0)
}

/// A severity as it is stored.
fn severity_of(word: &str) -> Option<i64> {
    match word {
        "critical" => Some(5),
        "high" => Some(4),
        "medium" => Some(3),
        "low" => Some(2),
        "negligible" => Some(1),
        "unknown" => Some(0),
        _ => None,
    }
}

fn count_from(scan: &ScanRow, at_least: i64) -> i64 {
    [
        scan.unknown,
        scan.negligible,
        scan.low,
        scan.medium,
        scan.high,
        scan.critical,
    ]
    .iter()
    .skip(usize::try_from(at_least).unwrap_or(0))
    .sum()
}
