//! Vulnerabilities that are let pass, by the system and by projects.
//!
//! Invariant: a list names each vulnerability once and is bounded, so that it can be read whole.

use berth_iam::Caller;
use berth_model::{ProjectId, Timestamp};

use crate::{Catalog, CatalogError, Entry, record_in, store};

/// Most vulnerabilities of one list.
const MOST: usize = 2000;
/// Longest name of a vulnerability, bytes.
const LONGEST: usize = 64;

/// What is let pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowlist {
    /// Names like `CVE-2026-0001`.
    pub items: Vec<String>,
    /// Seconds since the epoch after which nothing is let pass; none: never.
    pub expires_at: Option<i64>,
    /// When it was set first; the epoch if it never was.
    pub created_at: Timestamp,
    /// When it was set last; the epoch if it never was.
    pub updated_at: Timestamp,
}

/// A list to be set, checked.
#[derive(Clone, Debug)]
pub struct NewAllowlist {
    pub(crate) items: Vec<String>,
    pub(crate) expires_at: Option<i64>,
}

impl NewAllowlist {
    /// A list of these names, until then.
    pub fn new(items: Vec<String>, expires_at: Option<i64>) -> Result<Self, CatalogError> {
        let refuse = |sentence: String| Err(CatalogError::Invalid(sentence));
        if items.len() > MOST {
            return refuse(format!("an allow-list holds at most {MOST} items"));
        }
        if expires_at.is_some_and(|at| at < 0) {
            return refuse("expires_at must be seconds since 1970, or absent".to_owned());
        }
        let mut sorted: Vec<&str> = items.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        let legal =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
        for (index, item) in sorted.iter().enumerate() {
            if !(1..=LONGEST).contains(&item.len()) || !item.bytes().all(legal) {
                return refuse(format!(
                    "{item:?} is no name of a vulnerability, like CVE-2026-0001"
                ));
            }
            if index > 0 && sorted.get(index - 1) == Some(item) {
                return refuse(format!("{item} is in the allow-list twice"));
            }
        }
        Ok(Self { items, expires_at })
    }
}

impl Catalog {
    /// The system's list.
    pub async fn system_allowlist(&self) -> Result<Allowlist, CatalogError> {
        let mut found = store::allowlist::of(self.db(), &[store::allowlist::SYSTEM]).await?;
        Ok(found.remove(&store::allowlist::SYSTEM).unwrap_or_default())
    }

    /// Replaces the system's list.
    pub async fn set_system_allowlist(
        &self,
        caller: &Caller,
        new: NewAllowlist,
    ) -> Result<(), CatalogError> {
        let now = self.clock().now();
        let entry = Entry::by(caller, "update", "configuration", now)
            .on("CVE allow-list")
            .saying(format!("{} items", new.items.len()));
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    store::allowlist::put(tx, store::allowlist::SYSTEM, &new, now).await?;
                    record_in(tx, entry).await
                })
            })
            .await
    }

    /// The lists of these projects, in their order; empty ones where none was set.
    pub(crate) async fn allowlists(
        &self,
        projects: &[ProjectId],
    ) -> Result<Vec<Allowlist>, CatalogError> {
        let mut found = store::allowlist::of(self.db(), projects).await?;
        let lists = projects
            .iter()
            .map(|id| found.remove(id).unwrap_or_default());
        Ok(lists.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_and_each_once() {
        let check = |items: &[&str]| {
            let items = items.iter().map(|item| (*item).to_owned()).collect();
            NewAllowlist::new(items, None).is_ok()
        };
        assert!(check(&[]));
        assert!(check(&[
            "CVE-2026-1",
            "GHSA-aaaa-bbbb-cccc",
            "RHSA-2026:0001"
        ]));
        assert!(!check(&["CVE-2026-1", "CVE-2026-2", "CVE-2026-1"]));
        for bad in ["", " CVE-2026-1", "CVE-2026-1;", "<b>", &"C".repeat(65)] {
            assert!(!check(&[bad]), "{bad:?}");
        }
        let many: Vec<String> = (0..=MOST).map(|n| format!("CVE-2026-{n}")).collect();
        assert!(NewAllowlist::new(many.clone(), None).is_err());
        assert!(NewAllowlist::new(many[1..].to_vec(), Some(0)).is_ok());
        assert!(NewAllowlist::new(Vec::new(), Some(-1)).is_err());
    }
}
