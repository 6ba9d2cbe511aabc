//! Quotas: how many bytes each project may hold, and how many it holds.
//!
//! Invariant: what is charged never passes a limit that is in force, whatever is pushed at the
//! same time; giving back is never refused. [`charge`] is the last thing a transaction does, so
//! that the one row all pushes into a project share is locked for its commit only.

mod told;

use berth_db::{DbError, Tx};
use berth_iam::{Caller, Entry};
use berth_model::{Code, Coded, ProjectId, Timestamp};

use crate::query::{Column, Filter, Kind, order_by};
use crate::settings::{MOST_STORAGE, UNLIMITED};
use crate::{Catalog, CatalogError, record_in, store};

pub use told::QuotaPush;

/// A limit and what is used of it, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaUse {
    /// The limit; [`UNLIMITED`] is none.
    pub hard: i64,
    /// What is used.
    pub used: i64,
}

impl QuotaUse {
    /// Whether `bytes` more are within the limit.
    pub const fn fits(&self, bytes: i64) -> bool {
        self.hard < 0 || self.used.saturating_add(bytes) <= self.hard
    }
}

/// The quota of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The project, whose id is also the quota's.
    pub project_id: ProjectId,
    /// Its name.
    pub project_name: String,
    /// Who made the project.
    pub owner_name: String,
    /// The limit and what is used of it.
    pub storage: QuotaUse,
    /// When the project was made.
    pub created_at: Timestamp,
    /// When the limit was changed last.
    pub updated_at: Timestamp,
}

/// Which quotas are listed.
#[derive(Clone, Debug, Default)]
pub struct QuotaFilter {
    /// Harbor's kind of quota; there is only `project`.
    pub reference: Option<String>,
    /// The project, as text.
    pub reference_id: Option<String>,
    /// A `q` of the API.
    pub q: String,
    /// A `sort` of the API.
    pub sort: String,
}

/// A push that does not fit into its project.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the quota of project {project} is used up: it may hold {}, holds {}, and {} more do not fit. \
     Delete what is not needed (its space is free after garbage collection), or ask a system \
     administrator for a larger quota",
    size(.storage.hard), size(.storage.used), size(*.wanted)
)]
pub struct QuotaExceeded {
    /// The project's name.
    pub project: String,
    /// Its limit and what it uses.
    pub storage: QuotaUse,
    /// What was to be added.
    pub wanted: i64,
}

impl Coded for QuotaExceeded {
    fn code(&self) -> Code {
        Code::Denied
    }
}

impl From<QuotaExceeded> for DbError {
    fn from(error: QuotaExceeded) -> Self {
        Self::Refused(Box::new(error))
    }
}

/// A size as people read it, and exactly.
fn size(bytes: i64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut shown = None;
    let mut scaled = bytes as f64;
    for unit in UNITS {
        if scaled < 1024.0 {
            break;
        }
        scaled /= 1024.0;
        shown = Some(format!("{scaled:.1} {unit}"));
    }
    match shown {
        Some(shown) => format!("{shown} ({bytes} bytes)"),
        None => format!("{bytes} bytes"),
    }
}

/// Adds `bytes` to what a project uses or, negative, takes them from it; `enforced`: within the
/// limit. What `push` it is for says that the project is nearly full, if it makes it so.
///
/// # Errors
/// [`QuotaExceeded`] within [`DbError::Refused`] when they do not fit.
pub async fn charge(
    tx: &mut Tx,
    project: ProjectId,
    bytes: i64,
    enforced: bool,
    push: Option<&QuotaPush>,
) -> Result<(), DbError> {
    if bytes <= 0 || !enforced {
        return store::quota::change(tx, project, bytes).await;
    }
    if let Some(before) = store::quota::add(tx, project, bytes).await? {
        if let Some(push) = push {
            push.tell_if_nearly_full(tx, project, before, bytes).await?;
        }
        return Ok(());
    }
    let found = store::quota::find_in(tx, project).await?;
    let (project, storage) = found.ok_or(DbError::NotFound)?;
    Err(QuotaExceeded {
        project,
        storage,
        wanted: bytes,
    }
    .into())
}

/// Checks a limit that somebody wants to set.
pub(crate) fn check_limit(what: &str, limit: i64) -> Result<(), CatalogError> {
    if limit == UNLIMITED || (1..=MOST_STORAGE).contains(&limit) {
        Ok(())
    } else {
        Err(CatalogError::Invalid(format!(
            "{what} must be -1 for unlimited, or 1 to {MOST_STORAGE} bytes"
        )))
    }
}

const COLUMNS: &[Column] = &[
    Column::new("id", "q.project_id", Kind::Integer),
    Column::new("reference_id", "q.project_id", Kind::Integer),
    Column::new("name", "p.name", Kind::Text),
    Column::new("owner_name", "u.username", Kind::Text),
    // Unlimited is the largest limit.
    Column::new(
        "hard.storage",
        "(CASE WHEN q.hard < 0 THEN 9223372036854775807 ELSE q.hard END)",
        Kind::Integer,
    ),
    Column::new("used.storage", "q.used", Kind::Integer),
    Column::new("creation_time", "q.created_at", Kind::Time),
    Column::new("update_time", "q.updated_at", Kind::Time),
];

impl Catalog {
    /// The quota of a project that exists.
    pub async fn quota(&self, project: ProjectId) -> Result<Quota, CatalogError> {
        store::quota::get(self.db(), project)
            .await?
            .ok_or_else(|| not_found(project))
    }

    /// A page of the quotas, and how many there are in all.
    pub async fn list_quotas(
        &self,
        wanted: &QuotaFilter,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Quota>, i64), CatalogError> {
        let mut filter = Filter::new();
        if wanted
            .reference
            .as_deref()
            .is_some_and(|kind| kind != "project")
        {
            filter.and("FALSE");
        }
        match wanted.reference_id.as_deref().map(str::parse::<i64>) {
            None => {}
            Some(Ok(project)) => {
                let project = filter.bind(project);
                filter.and(format!("q.project_id = {project}"));
            }
            // Not the id of any project.
            Some(Err(_)) => filter.and("FALSE"),
        }
        filter.and_query(&wanted.q, COLUMNS)?;
        let order = order_by(
            &wanted.sort,
            COLUMNS,
            "q.created_at DESC",
            "q.project_id DESC",
        )?;
        let total = store::quota::count(self.db(), &filter).await?;
        let quotas = store::quota::list(self.db(), &filter, &order, limit, offset).await?;
        Ok((quotas, total))
    }

    /// Changes the limit of a project. One below what the project holds stops further pushes and
    /// takes nothing away.
    pub async fn update_quota(
        &self,
        caller: &Caller,
        project: ProjectId,
        hard: i64,
    ) -> Result<(), CatalogError> {
        check_limit("hard.storage", hard)?;
        let now = self.clock().now();
        let name = self.quota(project).await?.project_name;
        let entry = Entry::by(caller, "update", "quota", now)
            .on(name)
            .in_project(project)
            .saying(format!("the limit is {hard} bytes"));
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    record_in(tx, entry).await?;
                    if !store::quota::set_hard(tx, project, hard, now).await? {
                        return Err(not_found(project));
                    }
                    Ok(())
                })
            })
            .await
    }

    /// How `bytes` more would pass the limit of the project of this name as things stand; `None`
    /// when they fit. For refusing early; only [`charge`] decides.
    pub async fn would_exceed(
        &self,
        project: &str,
        bytes: i64,
    ) -> Result<Option<(ProjectId, QuotaExceeded)>, CatalogError> {
        if !self.settings().quota_per_project_enable {
            return Ok(None);
        }
        let limited = store::quota::limited(self.db(), project).await?;
        Ok(limited
            .filter(|(_, storage)| !storage.fits(bytes))
            .map(|(id, storage)| {
                let exceeded = QuotaExceeded {
                    project: project.to_owned(),
                    storage,
                    wanted: bytes,
                };
                (id, exceeded)
            }))
    }
}

fn not_found(project: ProjectId) -> CatalogError {
    CatalogError::NotFound(format!("quota {project} not found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_unlimited_or_positive_and_bounded() {
        for limit in [-1, 1, MOST_STORAGE] {
            assert!(check_limit("x", limit).is_ok(), "{limit}");
        }
        for limit in [0, -2, i64::MIN, MOST_STORAGE + 1, i64::MAX] {
            assert!(check_limit("x", limit).is_err(), "{limit}");
        }
    }

    #[test]
    fn what_fits_and_what_does_not() {
        let storage = QuotaUse { hard: 10, used: 6 };
        assert!(storage.fits(4));
        assert!(!storage.fits(5));
        assert!(!storage.fits(i64::MAX));
        let unlimited = QuotaUse { hard: -1, used: 6 };
        assert!(unlimited.fits(i64::MAX));
    }

    #[test]
    fn a_refusal_says_limit_use_and_what_to_do() {
        let refused = QuotaExceeded {
            project: "team".to_owned(),
            storage: QuotaUse {
                hard: 10 << 20,
                used: 9 << 20,
            },
            wanted: 1_572_864,
        };
        let told = refused.to_string();
        for part in [
            "project team",
            "10.0 MiB (10485760 bytes)",
            "9.0 MiB (9437184 bytes)",
            "1.5 MiB (1572864 bytes)",
            "Delete",
        ] {
            assert!(told.contains(part), "{told}");
        }
        assert_eq!(size(1023), "1023 bytes");
    }
}
