//! Which vulnerabilities are exported.
//!
//! Invariant: what is stored with a task was checked here, and reads the same when it runs.

use berth_policy::Pattern;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Projects, and labels, of one export.
const MOST: usize = 100;
/// Vulnerabilities that an export may be about, and the longest id of one.
const MOST_CVES: usize = 100;
const LONGEST_CVE: usize = 128;

/// What is exported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Criteria {
    pub(crate) projects: Vec<i64>,
    /// An artifact bears one of these; none: whatever it bears.
    pub(crate) labels: Vec<i64>,
    /// Patterns joined by commas; empty: all.
    pub(crate) repositories: String,
    pub(crate) tags: String,
    /// Only these; none: all.
    pub(crate) cves: Vec<String>,
}

/// What a pattern must match.
pub(crate) struct Filters {
    repositories: Option<Pattern>,
    pub(crate) tags: Option<Pattern>,
}

impl Filters {
    /// Whether a repository is looked at, by its whole name: a pattern means the name without its
    /// project, as in Harbor, or the whole.
    pub(crate) fn takes(&self, repository: &str) -> bool {
        let Some(pattern) = &self.repositories else {
            return true;
        };
        let own = repository
            .split_once('/')
            .map_or(repository, |(_, own)| own);
        pattern.matches(own) || pattern.matches(repository)
    }
}

impl Criteria {
    /// What a client asks for, with ids in order and each once.
    pub(crate) fn new(
        mut projects: Vec<i64>,
        mut labels: Vec<i64>,
        (repositories, tags, cves): (&str, &str, &str),
    ) -> Result<Self, String> {
        for ids in [&mut projects, &mut labels] {
            ids.sort_unstable();
            ids.dedup();
        }
        let cves = parts(cves).map(|cve| match cve.get(..4) {
            Some(prefix) if prefix.eq_ignore_ascii_case("cve-") => cve.to_ascii_uppercase(),
            _ => cve.to_owned(),
        });
        let criteria = Self {
            projects,
            labels,
            repositories: parts(repositories).collect::<Vec<_>>().join(","),
            tags: parts(tags).collect::<Vec<_>>().join(","),
            cves: cves.collect(),
        };
        criteria.filters()?;
        Ok(criteria)
    }

    /// As it was stored with a task.
    pub(crate) fn read(params: &Value) -> Result<Self, String> {
        Self::deserialize(params).map_err(|error| error.to_string())
    }

    /// Its patterns, if it is within bounds.
    pub(crate) fn filters(&self) -> Result<Filters, String> {
        if self.projects.is_empty() {
            return Err("projects is empty: name the projects to export from, by id".to_owned());
        }
        if self.projects.len() > MOST || self.labels.len() > MOST {
            return Err(format!(
                "an export takes at most {MOST} projects and {MOST} labels"
            ));
        }
        if self.cves.len() > MOST_CVES || self.cves.iter().any(|cve| cve.len() > LONGEST_CVE) {
            return Err(format!(
                "cveIds takes at most {MOST_CVES} ids of {LONGEST_CVE} bytes, joined by commas"
            ));
        }
        Ok(Filters {
            repositories: any_of("repositories", &self.repositories)?,
            tags: any_of("tags", &self.tags)?,
        })
    }
}

fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

/// One pattern for a list of them.
fn any_of(name: &str, list: &str) -> Result<Option<Pattern>, String> {
    if list.is_empty() {
        return Ok(None);
    }
    let pattern = Pattern::parse(&format!("{{{list}}}"));
    pattern
        .map(Some)
        .map_err(|error| format!("{name} must be patterns joined by commas: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(repositories: &str, tags: &str, cves: &str) -> Result<Criteria, String> {
        Criteria::new(vec![2, 1, 2], Vec::new(), (repositories, tags, cves))
    }

    #[test]
    fn lists_of_patterns_match_any_of_them() {
        let wanted = of(
            "app*, team/**,p/x",
            "v?.{1,2}, latest",
            "cve-2026-1, GHSA-x ,",
        )
        .unwrap();
        assert_eq!(wanted.projects, [1, 2]);
        assert_eq!(wanted.cves, ["CVE-2026-1", "GHSA-x"]);
        let filters = wanted.filters().unwrap();
        for (name, taken) in [
            ("p/app1", true),
            ("p/team/a/b", true),
            ("p/x", true),
            ("q/x", false),
            ("p/other", false),
        ] {
            assert_eq!(filters.takes(name), taken, "{name}");
        }
        let tags = filters.tags.as_ref().unwrap();
        assert!(tags.matches("v1.2") && tags.matches("latest") && !tags.matches("v1.3"));
        assert_eq!(Criteria::read(&serde_json::json!(wanted)).unwrap(), wanted);
    }

    #[test]
    fn what_has_no_bound_or_no_end_is_refused() {
        assert!(Criteria::new(Vec::new(), Vec::new(), ("", "", "")).is_err());
        assert!(Criteria::new((0..200).collect(), Vec::new(), ("", "", "")).is_err());
        assert!(Criteria::new(vec![1], (0..200).collect(), ("", "", "")).is_err());
        assert!(of("{a", "", "").is_err());
        assert!(of("", "[", "").is_err());
        assert!(of("", &"x".repeat(5000), "").is_err());
        assert!(of("", "", &"x,".repeat(500)).is_err());
        assert!(of("", "", &"x".repeat(500)).is_err());
    }
}
