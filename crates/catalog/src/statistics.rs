//! Counts and the search over everything a viewer sees.

use berth_iam::Caller;
use berth_model::{Action, ProjectId, RepositoryId, Resource};

use crate::{Catalog, CatalogError, Project, Viewer, store};

/// Most hits of each kind in one answer of the search.
const HITS: i64 = 100;

/// Projects and repositories, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Public projects.
    pub public_projects: i64,
    /// Repositories in public projects.
    pub public_repositories: i64,
    /// Private projects that the viewer sees.
    pub private_projects: i64,
    /// Repositories in those.
    pub private_repositories: i64,
    /// Bytes that all projects use, each counted as its quota counts it.
    pub storage: i64,
    /// Whether the viewer sees everything, so that the sums are the system's.
    pub complete: bool,
}

/// A repository found by the search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRepository {
    /// Its id.
    pub id: RepositoryId,
    /// Its project.
    pub project_id: ProjectId,
    /// The project's name.
    pub project_name: String,
    /// Whether everybody may pull from it.
    pub project_public: bool,
    /// Its whole name.
    pub repository_name: String,
    /// How often it was pulled.
    pub pull_count: i64,
}

/// What the search found.
#[derive(Clone, Debug, Default)]
pub struct SearchResult {
    /// Projects, by name.
    pub projects: Vec<Project>,
    /// Repositories, by name.
    pub repositories: Vec<FoundRepository>,
}

impl Catalog {
    /// Counts what the caller sees.
    pub async fn statistics(&self, caller: &Caller) -> Result<Statistics, CatalogError> {
        let viewer = Viewer::of(&caller.actor);
        let filter = store::project::visible(viewer);
        let [private, public] = store::project::totals(self.db(), &filter).await?;
        let complete = viewer == Viewer::Everything;
        let storage = if complete {
            store::quota::total_used(self.db()).await?
        } else {
            0
        };
        Ok(Statistics {
            storage,
            public_projects: public.0,
            public_repositories: public.1,
            private_projects: private.0,
            private_repositories: private.1,
            complete,
        })
    }

    /// The first projects and repositories the caller sees whose name contains `text`.
    pub async fn search(&self, caller: &Caller, text: &str) -> Result<SearchResult, CatalogError> {
        let viewer = Viewer::of(&caller.actor);
        let user = caller.actor.user().map(|user| user.id);
        let mut filter = store::project::visible(viewer);
        filter.and_contains("p.name", text);
        let mut projects =
            store::project::list(self.db(), &filter, user, "ORDER BY p.name", (HITS, 0)).await?;
        self.add_metadata(&mut projects).await?;
        let viewer = Viewer::to(&caller.actor, Resource::Repository, Action::List);
        let mut filter = store::project::visible(viewer);
        filter.and_contains("r.name", text);
        let found = store::repository::search(self.db(), &filter, HITS).await?;
        let repositories = found.into_iter().map(|hit| FoundRepository {
            id: RepositoryId(hit.id),
            project_id: ProjectId(hit.project_id),
            project_name: hit.project_name,
            project_public: hit.project_public,
            repository_name: hit.repository_name,
            pull_count: hit.pull_count,
        });
        Ok(SearchResult {
            projects,
            repositories: repositories.collect(),
        })
    }
}
