//! What a pusher deletes: tags, manifests, layers, its whole repository. Each is gone at once.

use std::collections::BTreeSet;

use crate::Api;
use crate::content::digest;
use reqwest::Method;

use super::pusher::{Cut, Pusher, State};

impl Pusher {
    pub(super) async fn delete_tag(&mut self, api: &Api) -> Result<(), Cut> {
        let set: Vec<_> = self
            .tags
            .iter()
            .filter(|(_, may)| !may.contains(&None))
            .map(|(tag, _)| tag.clone())
            .collect();
        if set.is_empty() {
            return Ok(());
        }
        let tag = set[self.pick(set.len())].clone();
        self.tags.entry(tag.clone()).or_default().insert(None);
        let path = format!("/v2/{}/manifests/{tag}", self.repository);
        let request = api.request(Method::DELETE, &path, Some(&self.login));
        let _ = self.ask(api, request).await?.expect(202);
        self.tags.insert(tag, BTreeSet::from([None]));
        self.is_gone(api, &path).await
    }

    pub(super) async fn delete_manifest(&mut self, api: &Api) -> Result<(), Cut> {
        let there = self.there();
        if there.is_empty() {
            return Ok(());
        }
        let digest = there[self.pick(there.len())].clone();
        self.state(&digest, State::Unsure);
        let pointing = Some(digest.clone());
        for may in self.tags.values_mut() {
            if may.contains(&pointing) {
                may.insert(None);
            }
        }
        let path = format!("/v2/{}/manifests/{digest}", self.repository);
        let request = api.request(Method::DELETE, &path, Some(&self.login));
        let _ = self.ask(api, request).await?.expect(202);
        self.state(&digest, State::Gone);
        for may in self.tags.values_mut() {
            may.remove(&pointing);
        }
        self.deleted += 1;
        self.is_gone(api, &path).await
    }

    /// Deletes a layer. One that a manifest needs has to stay.
    pub(super) async fn delete_blob(&mut self, api: &Api) -> Result<(), Cut> {
        let layer = self.pick_layer();
        let needed = self
            .manifests
            .values()
            .any(|pushed| pushed.state == State::There && pushed.blobs.contains(&layer));
        let path = format!("/v2/{}/blobs/{}", self.repository, digest(&layer));
        let request = api.request(Method::DELETE, &path, Some(&self.login));
        let answer = self.ask(api, request).await?;
        if needed {
            let _ = answer.expect(400);
            let request = api.request(Method::GET, &path, Some(&self.login));
            let read = self.ask(api, request).await?.expect(200);
            assert!(read.body == *layer, "{}: other bytes", read.line);
            return Ok(());
        }
        // Held only for a while, it may have been collected.
        assert!(matches!(answer.status, 202 | 404), "{answer:?}");
        self.blobs_deleted += u64::from(answer.status == 202);
        self.is_gone(api, &path).await
    }

    /// Deletes the repository with all that is in it. The next push makes it again.
    pub(super) async fn delete_repository(&mut self, api: &Api) -> Result<(), Cut> {
        for pushed in self.manifests.values_mut() {
            if pushed.state == State::There {
                pushed.state = State::Unsure;
            }
        }
        for may in self.tags.values_mut() {
            may.insert(None);
        }
        let (project, name) = self.repository.split_once('/').unwrap();
        let path = format!("/api/v2.0/projects/{project}/repositories/{name}");
        let request = api.request(Method::DELETE, &path, Some(&self.login));
        let answer = self.ask(api, request).await?;
        assert!(matches!(answer.status, 200 | 404), "{answer:?}");
        for pushed in self.manifests.values_mut() {
            assert!(
                answer.status == 200 || pushed.state == State::Gone,
                "there is no {}, which holds manifests",
                self.repository
            );
            pushed.state = State::Gone;
        }
        for may in self.tags.values_mut() {
            *may = BTreeSet::from([None]);
        }
        self.repositories_deleted += u64::from(answer.status == 200);
        let layer = digest(&self.pick_layer());
        let mut paths = vec![format!("/v2/{}/blobs/{layer}", self.repository)];
        for reference in self.manifests.keys().chain(self.tags.keys()) {
            paths.push(format!("/v2/{}/manifests/{reference}", self.repository));
        }
        for path in paths {
            self.is_gone(api, &path).await?;
        }
        Ok(())
    }

    /// Demands that what was just deleted cannot be read any more.
    async fn is_gone(&mut self, api: &Api, path: &str) -> Result<(), Cut> {
        let request = api.request(Method::GET, path, Some(&self.login));
        let _ = self.ask(api, request).await?.expect(404);
        Ok(())
    }

    /// Deletes all that is left, at the end of a run.
    pub(super) async fn delete_all(&mut self, api: &Api) {
        self.delete_repository(api).await.unwrap();
    }
}
