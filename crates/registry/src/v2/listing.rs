//! Lists of tags and repositories over HTTP, in byte order, by keyset.

use berth_catalog::Viewer;
use berth_http::Body;
use berth_model::{Action, Limits, Resource};
use berth_oci::{RepositoryName, next_link};
use http::Response;
use http::header::LINK;

use super::{Call, answer};
use crate::store::tags;
use crate::{Registry, RegistryError};

impl Registry {
    /// GET of a repository's tags (end-8).
    pub(super) async fn get_tags(
        &self,
        call: &Call,
        name: &RepositoryName,
    ) -> Result<Response<Body>, RegistryError> {
        self.allow(call, name, "pull").await?;
        self.refuse_older(call, name).await?;
        let (n, last) = call.page()?;
        let repository = self
            .inner
            .catalog
            .find_repository(name.as_str())
            .await?
            .ok_or_else(|| RegistryError::NameUnknown(name.to_string()))?;
        let found = tags::page_after(&self.inner.db, repository.id, last, n as i64 + 1).await?;
        let (names, more) = cut(found, n);
        let mut response = answer::json(&serde_json::json!({"name": name.as_str(), "tags": names}));
        let path = format!("/v2/{name}/tags/list");
        link_next(
            &mut response,
            &path,
            n,
            more.then(|| names.last()).flatten(),
        );
        Ok(response)
    }

    /// GET of the catalog: the repositories that the caller may pull from.
    pub(super) async fn get_catalog(&self, call: &Call) -> Result<Response<Body>, RegistryError> {
        let (n, last) = call.page()?;
        let actor = self.holder(&call.actor).await?;
        let viewer = Viewer::to(&actor, Resource::Repository, Action::Pull);
        let found = self.inner.catalog.page_after(last, n + 1, viewer).await?;
        let (names, more) = cut(found, n);
        let mut response = answer::json(&serde_json::json!({"repositories": names}));
        link_next(
            &mut response,
            "/v2/_catalog",
            n,
            more.then(|| names.last()).flatten(),
        );
        Ok(response)
    }
}

impl Call {
    /// How many names are wanted, and after which.
    fn page(&self) -> Result<(usize, &str), RegistryError> {
        let n = match self.query.get("n") {
            None => Limits::V2_PAGE_DEFAULT,
            Some(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                // More digits than a number holds is more than a page holds too.
                text.parse::<usize>()
                    .unwrap_or(usize::MAX)
                    .min(Limits::V2_PAGE)
            }
            Some(text) => {
                return Err(RegistryError::Invalid(format!(
                    "n must be a number from 0, not {text:?}"
                )));
            }
        };
        let last = self.query.get("last").unwrap_or_default();
        // No name holds a NUL, so what comes after it moves no name; PostgreSQL cannot compare it.
        let last = last.split('\0').next().unwrap_or_default();
        Ok((n, last))
    }
}

/// The first `n` of what was found, and whether there is more. Of nothing there is no more.
fn cut(mut found: Vec<String>, n: usize) -> (Vec<String>, bool) {
    let more = n > 0 && found.len() > n;
    found.truncate(n);
    (found, more)
}

fn link_next(response: &mut Response<Body>, path: &str, n: usize, last: Option<&String>) {
    if let Some(last) = last {
        let n = n.to_string();
        answer::set(
            response,
            LINK,
            &next_link(path, &[("n", &n), ("last", last)]),
        );
    }
}
