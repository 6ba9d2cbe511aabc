//! Advisories in memory, found by the packages they speak of: for the command that works without a
//! database, and for tests.
//!
//! Invariant: what [`AdvisoryIndex::matches`] finds is what trying every entry would find.

use std::collections::HashMap;

use crate::{Advisory, Affected, Distro, Ecosystem, Lookup, Match, NotCovered, Package};

/// Advisories by ecosystem and package name.
#[derive(Debug, Default)]
pub struct AdvisoryIndex {
    advisories: Vec<Advisory>,
    entries: HashMap<Ecosystem, HashMap<String, Vec<(u32, u32)>>>,
}

/// An entry that affects a package.
#[derive(Debug, Clone)]
pub struct Hit<'a> {
    /// The advisory.
    pub advisory: &'a Advisory,
    /// Its entry for the package.
    pub affected: &'a Affected,
    /// How the package is affected.
    pub matched: Match,
}

impl FromIterator<Advisory> for AdvisoryIndex {
    fn from_iter<I: IntoIterator<Item = Advisory>>(advisories: I) -> Self {
        let mut index = Self::default();
        for advisory in advisories {
            index.insert(advisory);
        }
        index
    }
}

impl AdvisoryIndex {
    /// Adds an advisory; one that is not in force is left out.
    pub fn insert(&mut self, advisory: Advisory) {
        if !advisory.is_in_force() {
            return;
        }
        let place = self.advisories.len() as u32;
        for (entry, affected) in advisory.affected.iter().enumerate() {
            let names = self.entries.entry(affected.ecosystem.clone()).or_default();
            let entries = names.entry(affected.name.clone()).or_default();
            entries.push((place, entry as u32));
        }
        self.advisories.push(advisory);
    }

    /// How many advisories it holds.
    pub fn len(&self) -> usize {
        self.advisories.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.advisories.is_empty()
    }

    /// Whether it holds anything about the ecosystem: if not, nothing found means nothing.
    pub fn covers(&self, ecosystem: &Ecosystem) -> bool {
        self.entries.contains_key(ecosystem)
    }

    /// Everything that affects the package.
    pub fn matches(
        &self,
        package: &Package,
        distro: Option<&Distro>,
    ) -> Result<Vec<Hit<'_>>, NotCovered> {
        let lookup = Lookup::new(package, distro)?;
        let mut hits = Vec::new();
        let Some(names) = self.entries.get(lookup.ecosystem()) else {
            return Ok(hits);
        };
        for (as_what, name) in lookup.names() {
            for (place, entry) in names.get(name).into_iter().flatten() {
                let advisory = &self.advisories[*place as usize];
                let affected = &advisory.affected[*entry as usize];
                // A package and its source may have one name: an entry is tried once.
                if affected.names != as_what {
                    continue;
                }
                if let Some(matched) = lookup.affects(affected) {
                    hits.push(Hit {
                        advisory,
                        affected,
                        matched,
                    });
                }
            }
        }
        Ok(hits)
    }
}
