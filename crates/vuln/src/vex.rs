//! What people say about vulnerabilities of a project's images: OpenVEX documents.
//!
//! Invariant: they are applied when something is read and never stored with what was found, so a
//! document that comes, changes or goes counts at once, and no image is scanned again.

mod routes;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use berth_advisories::{Purl, VexDocument, VexSubject, parse_openvex, vex_verdict};
use berth_db::DbError;
use berth_model::ProjectId;

use crate::Scanning;
use crate::matching::Identified;
use crate::store::images::FoundRow;
use crate::store::{feeds, packages, vex};

pub(crate) use routes::endpoints;

/// Projects whose documents are remembered, read.
const REMEMBERED: usize = 64;

/// Documents that were read, by project, with the revision that they were read of.
#[derive(Debug, Default)]
pub(crate) struct Remembered(Mutex<HashMap<ProjectId, Read>>);

#[derive(Clone, Debug)]
struct Read {
    revision: Vec<(i64, i64)>,
    documents: Arc<Vec<VexDocument>>,
}

impl Remembered {
    fn of(&self, project: ProjectId, revision: &[(i64, i64)]) -> Option<Arc<Vec<VexDocument>>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read = known.get(&project).filter(|it| it.revision == revision)?;
        Some(Arc::clone(&read.documents))
    }

    fn keep(
        &self,
        project: ProjectId,
        revision: Vec<(i64, i64)>,
        documents: &Arc<Vec<VexDocument>>,
    ) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        let documents = Arc::clone(documents);
        known.insert(
            project,
            Read {
                revision,
                documents,
            },
        );
    }
}

/// Where an image is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Where<'a> {
    pub(crate) project: ProjectId,
    pub(crate) repository: &'a str,
    pub(crate) digest: &'a str,
}

/// What was said of a finding.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) status: &'static str,
    pub(crate) justification: String,
    /// The document's own id.
    pub(crate) document: String,
    /// Whether the finding does not count.
    pub(crate) silences: bool,
}

impl Scanning {
    /// Whether a project has documents.
    pub(crate) async fn has_vex(&self, project: ProjectId) -> Result<bool, DbError> {
        Ok(!self.documents(project).await?.is_empty())
    }

    async fn documents(&self, project: ProjectId) -> Result<Arc<Vec<VexDocument>>, DbError> {
        let revision = vex::revisions(&self.db, project).await?;
        if revision.is_empty() {
            return Ok(Arc::default());
        }
        if let Some(known) = self.vex.of(project, &revision) {
            return Ok(known);
        }
        let contents = vex::contents(&self.db, project).await?;
        let documents = contents.iter().filter_map(|(name, content)| {
            let read = parse_openvex(name, content);
            read.inspect_err(
                |error| tracing::error!(%error, name, "a document cannot be read any more"),
            )
            .ok()
        });
        let documents: Arc<Vec<VexDocument>> = Arc::new(documents.collect());
        self.vex.keep(project, revision, &documents);
        Ok(documents)
    }

    /// What was said of each of these findings of an image; nothing at all, and nothing is asked,
    /// where its project has no documents.
    pub(crate) async fn said(
        &self,
        image: Where<'_>,
        rows: &[FoundRow],
    ) -> Result<Option<Vec<Option<Said>>>, DbError> {
        let documents = self.documents(image.project).await?;
        if documents.is_empty() || rows.is_empty() {
            return Ok(None);
        }
        let unique = |of: fn(&FoundRow) -> i64| {
            let mut ids: Vec<i64> = rows.iter().map(of).filter(|id| *id != 0).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let bodies = packages::bodies(&self.db, &unique(|row| row.package_id)).await?;
        let purls: HashMap<i64, Purl> = bodies
            .into_iter()
            .filter_map(|(id, body)| {
                let known: Identified = serde_json::from_slice(&body).ok()?;
                Some((id, Purl::of(&known.package, known.distro.as_ref())))
            })
            .collect();
        let advisories = feeds::bodies(&self.db, &unique(|row| row.advisory_id)).await?;
        let mut digests = vec![image.digest.to_owned()];
        digests.extend(vex::indexes(&self.db, (image.repository, image.digest)).await?);
        let digests: Vec<&str> = digests.iter().map(String::as_str).collect();
        let own = self.purl_of(image);
        let said = rows.iter().map(|row| {
            // What an external scanner names has no package URL: it is meant with its whole image.
            let unknown = "pkg:generic/unknown".parse();
            let package = match purls.get(&row.package_id) {
                Some(purl) => purl.clone(),
                None => unknown.ok()?,
            };
            let mut ids = vec![row.name.as_str()];
            if let Some(advisory) = advisories.get(&row.advisory_id) {
                ids.push(&advisory.id);
                ids.extend(advisory.aliases.iter().map(String::as_str));
            }
            let subject = VexSubject {
                vulnerabilities: &ids,
                package: &package,
                digests: &digests,
                image: own.as_ref(),
            };
            verdict(&documents, &subject)
        });
        Ok(Some(said.collect()))
    }

    /// The package URL of an image, where everybody reaches it.
    fn purl_of(&self, image: Where<'_>) -> Option<Purl> {
        let (_, name) = image.repository.rsplit_once('/')?;
        let url = self.outside.external_url.as_deref().unwrap_or_default();
        let host = url.split_once("://").map_or(url, |(_, host)| host);
        let digest = image.digest.replace(':', "%3A");
        let place = format!("{}/{}", host.trim_end_matches('/'), image.repository);
        format!("pkg:oci/{name}@{digest}?repository_url={place}")
            .parse()
            .ok()
    }
}

/// The latest that was said; of one moment, what stands in the later document.
fn verdict(documents: &[VexDocument], subject: &VexSubject<'_>) -> Option<Said> {
    let found = documents.iter().filter_map(|document| {
        let statement = vex_verdict([document], subject)?;
        Some((document, statement))
    });
    let (document, statement) = found.max_by_key(|(_, statement)| statement.timestamp)?;
    Some(Said {
        status: statement.status.as_str(),
        justification: statement.justification.clone().unwrap_or_default(),
        document: document.id.clone(),
        silences: statement.status.silences(),
    })
}
