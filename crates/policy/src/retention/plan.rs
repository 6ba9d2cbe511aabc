//! What rules decide about, and what follows from their decisions for the artifacts.
//!
//! Invariant: what a kept index names and what speaks of a kept artifact stays.

use super::{HashMap, HashSet, Timestamp};

/// A tag of the repository.
#[derive(Clone, Debug)]
pub struct Tagged {
    /// Its name.
    pub name: String,
    /// What it names.
    pub digest: String,
    /// When it was pointed there.
    pub pushed_at: Timestamp,
    /// When it was pulled by its name.
    pub pulled_at: Option<Timestamp>,
}

/// An artifact of the repository.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its digest.
    pub digest: String,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// When it was pulled by any name.
    pub pulled_at: Option<Timestamp>,
    /// It has no tag so far, and a push may be about to name it.
    pub fresh: bool,
    /// What it names as an index.
    pub children: Vec<String>,
    /// What it is about, as a signature is.
    pub subject: Option<String>,
}

/// A tag, or an artifact that has none and is part of nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The tag's name.
    pub tag: Option<String>,
    /// The artifact's digest.
    pub digest: String,
    /// When the tag was pointed there, or the artifact pushed.
    pub pushed_at: Timestamp,
    /// When it was pulled last.
    pub pulled_at: Option<Timestamp>,
}

impl Candidate {
    /// What it is called: its tag, else its digest.
    pub fn name(&self) -> &str {
        self.tag.as_deref().unwrap_or(&self.digest)
    }
}

/// What becomes of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A rule keeps it.
    Retain {
        /// Which one, from 1.
        rule: usize,
    },
    /// No rule keeps it, but it is immutable.
    Immutable,
    /// No rule keeps it.
    Delete,
}

/// A candidate and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// The tag or artifact.
    pub candidate: Candidate,
    /// What becomes of it.
    pub decision: Decision,
}

/// What retention does to a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Every candidate, oldest push first.
    pub reviewed: Vec<Reviewed>,
    /// Digests of artifacts that go with the last of their tags.
    pub artifacts: HashSet<String>,
}

/// What rules decide about: every tag that does not belong to another artifact, and every artifact
/// without a tag that is part of nothing.
pub(super) fn candidates(tags: Vec<Tagged>, held: &[Held]) -> Vec<Candidate> {
    let there: HashMap<&str, &Held> = held.iter().map(|it| (it.digest.as_str(), it)).collect();
    let belongs = |it: &Held| {
        let subject = it.subject.as_deref();
        subject.is_some_and(|subject| subject != it.digest && there.contains_key(subject))
    };
    let parts: HashSet<&str> = held
        .iter()
        .flat_map(|it| it.children.iter().map(String::as_str))
        .collect();
    let mut last_by_tag: HashMap<&str, Option<Timestamp>> = HashMap::new();
    for tag in &tags {
        let last = last_by_tag.entry(&tag.digest).or_default();
        *last = (*last).max(tag.pulled_at);
    }
    let mut all: Vec<Candidate> = held
        .iter()
        .filter(|it| !last_by_tag.contains_key(it.digest.as_str()))
        .filter(|it| !it.fresh && !belongs(it) && !parts.contains(it.digest.as_str()))
        .map(|it| Candidate {
            tag: None,
            digest: it.digest.clone(),
            pushed_at: it.pushed_at,
            pulled_at: it.pulled_at,
        })
        .collect();
    // A pull by digest names no tag. Where it is the last one it counts for every tag, so that
    // what is in use by its digest does not look unused.
    let by_digest: HashMap<String, Option<Timestamp>> = last_by_tag
        .iter()
        .filter_map(|(digest, last)| {
            let pulled = there.get(digest)?.pulled_at;
            (pulled > *last).then(|| ((*digest).to_owned(), pulled))
        })
        .collect();
    for tag in tags {
        if there.get(tag.digest.as_str()).is_none_or(|it| belongs(it)) {
            continue;
        }
        all.push(Candidate {
            pulled_at: tag
                .pulled_at
                .max(by_digest.get(&tag.digest).copied().flatten()),
            tag: Some(tag.name),
            digest: tag.digest,
            pushed_at: tag.pushed_at,
        });
    }
    all.sort_by(|one, other| (one.pushed_at, one.name()).cmp(&(other.pushed_at, other.name())));
    all
}

/// Adds to the decisions which artifacts go.
pub(super) fn settle(reviewed: Vec<Reviewed>, held: &[Held]) -> Plan {
    let there: HashMap<&str, &Held> = held.iter().map(|it| (it.digest.as_str(), it)).collect();
    let mut belonging: HashMap<&str, Vec<&str>> = HashMap::new();
    for it in held {
        if let Some(subject) = &it.subject {
            belonging.entry(subject).or_default().push(&it.digest);
        }
    }
    let mut waiting: Vec<&str> = reviewed
        .iter()
        .filter(|it| it.decision != Decision::Delete)
        .map(|it| it.candidate.digest.as_str())
        .collect();
    let mut stays: HashSet<&str> = HashSet::new();
    while let Some(digest) = waiting.pop() {
        if stays.insert(digest) {
            let children = there.get(digest).map(|it| it.children.as_slice());
            waiting.extend(children.unwrap_or_default().iter().map(String::as_str));
            waiting.extend(belonging.get(digest).into_iter().flatten().copied());
        }
    }
    let artifacts = reviewed
        .iter()
        .map(|it| it.candidate.digest.as_str())
        .filter(|digest| !stays.contains(digest))
        .map(str::to_owned)
        .collect();
    Plan {
        reviewed,
        artifacts,
    }
}
