//! What the recorder holds between two flushes.
//!
//! Invariant: every map is bounded; what finds no room is merged more coarsely, and what finds none
//! even then is counted as lost.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::hash::Hash;

use berth_iam::Entry;
use berth_model::{Event, ManifestId, RepositoryId, TagId, Timestamp};

/// Different entries held before like ones are merged more coarsely.
const ENTRIES: usize = 10_000;
/// Coarse entries held on top, and manifests, repositories and tags whose pulls are counted.
const COARSE: usize = 1_000;
const COUNTERS: usize = 50_000;
/// Events held.
const EVENTS: usize = 10_000;
/// In place of the user of merged entries; no user can be called so.
const MANY: &str = "#many";

/// What is left to say when there are too many different entries to say more.
fn coarse(entry: Entry) -> Entry {
    let project = entry.resource.split(['/', ':', '@']).next();
    Entry {
        at: entry.at,
        username: MANY.to_owned(),
        resource: project.unwrap_or_default().to_owned(),
        operation: entry.operation,
        resource_type: entry.resource_type,
        project_id: entry.project_id,
        failed: entry.failed,
        ..Entry::default()
    }
}

#[derive(Debug, Default)]
pub(super) struct Held {
    entries: HashMap<Entry, Times>,
    coarse: HashMap<Entry, Times>,
    pub(super) pulls: Pulls,
    pub(super) events: Vec<Event>,
    pub(super) lost: u64,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    first: Timestamp,
    count: i64,
}

/// Pulls not yet added to the rows they belong to.
#[derive(Debug, Default)]
pub(crate) struct Pulls {
    pub(crate) repositories: HashMap<RepositoryId, i64>,
    pub(crate) manifests: HashMap<ManifestId, (i64, Timestamp)>,
    pub(crate) tags: HashMap<TagId, Timestamp>,
}

impl Pulls {
    pub(crate) fn is_empty(&self) -> bool {
        self.repositories.is_empty() && self.manifests.is_empty() && self.tags.is_empty()
    }
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
            && self.coarse.is_empty()
            && self.pulls.is_empty()
            && self.events.is_empty()
            && self.lost == 0
    }

    pub(super) fn add(&mut self, mut entry: Entry, count: i64) {
        let first = std::mem::take(&mut entry.at);
        let times = Times { first, count };
        let refused = merge(&mut self.entries, entry, times, ENTRIES);
        if let Some(entry) = refused
            && merge(&mut self.coarse, coarse(entry), times, COARSE).is_some()
        {
            self.lost += count.unsigned_abs();
        }
    }

    /// Whether another different entry is held in full.
    pub(super) fn has_room(&self) -> bool {
        self.entries.len() < ENTRIES
    }

    /// Adds `count` pulls, the last of them `at`.
    pub(super) fn pulled(
        &mut self,
        (repository, manifest, tag): (RepositoryId, ManifestId, Option<TagId>),
        count: i64,
        at: Timestamp,
    ) {
        let pulls = &mut self.pulls;
        let mut counted = true;
        if count > 0 {
            counted &= bump(&mut pulls.repositories, repository, count, |held| {
                *held += count;
            });
        }
        counted &= bump(&mut pulls.manifests, manifest, (count, at), |held| {
            *held = (held.0 + count, held.1.max(at));
        });
        if let Some(tag) = tag.filter(|_| at > Timestamp::default()) {
            counted &= bump(&mut pulls.tags, tag, at, |held| *held = (*held).max(at));
        }
        self.lost += u64::from(!counted);
    }

    /// Holds an event.
    pub(super) fn publish(&mut self, event: Event) {
        if self.events.len() < EVENTS {
            self.events.push(event);
        } else {
            self.lost += 1;
        }
    }

    /// Takes back what could not be written.
    pub(super) fn restore(&mut self, unwritten: Self) {
        self.lost += unwritten.lost;
        let newer = std::mem::replace(&mut self.events, unwritten.events);
        for event in newer {
            self.publish(event);
        }
        for (mut entry, times) in unwritten.entries.into_iter().chain(unwritten.coarse) {
            entry.at = times.first;
            self.add(entry, times.count);
        }
        for (id, count) in unwritten.pulls.repositories {
            bump(&mut self.pulls.repositories, id, count, |held| {
                *held += count;
            });
        }
        for (id, (count, at)) in unwritten.pulls.manifests {
            bump(&mut self.pulls.manifests, id, (count, at), |held| {
                *held = (held.0 + count, held.1.max(at));
            });
        }
        for (id, at) in unwritten.pulls.tags {
            bump(&mut self.pulls.tags, id, at, |held| *held = (*held).max(at));
        }
    }

    /// Entries as rows, in the order they came.
    pub(super) fn rows(&self) -> Vec<(Entry, i64)> {
        let held = self.entries.iter().chain(&self.coarse);
        let mut rows: Vec<(Entry, i64)> = held
            .map(|(entry, times)| {
                let mut entry = entry.clone();
                entry.at = times.first;
                (entry, times.count)
            })
            .collect();
        rows.sort_by_key(|(entry, _)| entry.at);
        rows
    }
}

/// Adds to an entry that is held, or holds it if there is room; gives it back if there is none.
fn merge(
    held: &mut HashMap<Entry, Times>,
    entry: Entry,
    times: Times,
    most: usize,
) -> Option<Entry> {
    if let Some(found) = held.get_mut(&entry) {
        found.count += times.count;
        found.first = found.first.min(times.first);
    } else if held.len() < most {
        held.insert(entry, times);
    } else {
        return Some(entry);
    }
    None
}

/// Whether the counter is held now.
fn bump<K: Eq + Hash, V>(
    held: &mut HashMap<K, V>,
    key: K,
    fresh: V,
    add: impl FnOnce(&mut V),
) -> bool {
    let room = held.len() < COUNTERS;
    match held.entry(key) {
        Slot::Occupied(mut slot) => add(slot.get_mut()),
        Slot::Vacant(slot) if room => {
            slot.insert(fresh);
        }
        Slot::Vacant(_) => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use berth_model::ProjectId;

    use super::*;

    fn pull(n: usize) -> Entry {
        Entry {
            at: Timestamp::from_seconds(n as i64 + 1),
            username: format!("user{n}"),
            operation: "pull".to_owned(),
            resource_type: "artifact".to_owned(),
            resource: format!("library/app{n}:v1"),
            project_id: Some(ProjectId(1)),
            repository: format!("library/app{n}"),
            ..Entry::default()
        }
    }

    #[test]
    fn what_is_held_is_bounded_and_everything_is_counted() {
        let mut held = Held::default();
        for n in 0..ENTRIES + 500 {
            held.add(pull(n), 1);
        }
        assert_eq!(held.entries.len(), ENTRIES);
        assert_eq!(held.coarse.len(), 1);
        let rows = held.rows();
        assert_eq!(
            rows.iter().map(|(_, times)| times).sum::<i64>(),
            ENTRIES as i64 + 500
        );
        let (coarse, times) = rows
            .iter()
            .find(|(entry, _)| entry.username == MANY)
            .unwrap();
        assert_eq!((coarse.resource.as_str(), *times), ("library", 500));
        for n in 0..COARSE as i64 + 7 {
            let project_id = Some(ProjectId(n + 2));
            held.add(
                Entry {
                    project_id,
                    ..pull(n as usize)
                },
                1,
            );
        }
        assert_eq!(held.coarse.len(), COARSE);
        assert_eq!(held.lost, 8);
    }

    #[test]
    fn what_could_not_be_written_is_merged_back() {
        let (mut held, mut unwritten) = (Held::default(), Held::default());
        for times in [2, 3] {
            unwritten.add(pull(1), times);
        }
        held.add(
            Entry {
                at: Timestamp::from_seconds(9),
                ..pull(1)
            },
            1,
        );
        unwritten
            .pulls
            .manifests
            .insert(ManifestId(1), (4, Timestamp::from_seconds(7)));
        held.pulls
            .manifests
            .insert(ManifestId(1), (1, Timestamp::from_seconds(9)));
        held.restore(unwritten);
        assert_eq!(held.rows(), [(pull(1), 6)]);
        assert_eq!(
            held.pulls.manifests[&ManifestId(1)],
            (5, Timestamp::from_seconds(9))
        );
    }
}
