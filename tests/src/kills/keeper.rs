//! Looks, after a restart, whether the server kept its word.

use std::collections::{BTreeSet, HashSet};

use crate::Api;
use crate::content::digest;
use reqwest::Method;

use super::pusher::{Cut, Pusher, State, Unfinished};

impl Pusher {
    /// Compares the server with what it has answered, and settles what was not answered.
    pub(super) async fn verify(&mut self, api: &Api) {
        let digests: Vec<_> = self.manifests.keys().cloned().collect();
        let mut read = HashSet::new();
        for digest in digests {
            self.verify_manifest(api, &digest, &mut read).await;
        }
        // What is known to be gone was just seen to be: it need not be asked for again.
        self.manifests
            .retain(|_, pushed| pushed.state == State::There);
        let tags: Vec<_> = self.tags.keys().cloned().collect();
        for tag in tags {
            self.verify_tag(api, &tag).await;
        }
        for upload in std::mem::take(&mut self.unfinished) {
            self.resume(api, upload).await;
        }
    }

    /// Reads an image while everybody works: the manifest, one of its blobs, and a tag.
    pub(super) async fn read_back(&mut self, api: &Api) -> Result<(), Cut> {
        let there = self.there();
        if there.is_empty() {
            return Ok(());
        }
        let name = there[self.pick(there.len())].clone();
        let pushed = &self.manifests[&name];
        let manifest = pushed.manifest.clone();
        let blobs = pushed.blobs.clone();
        let blob = &blobs[self.pick(blobs.len())];
        let layer = digest(blob);
        for (kind, reference, bytes) in [
            ("manifests", name.as_str(), manifest.as_slice()),
            ("blobs", layer.as_str(), blob),
        ] {
            let path = format!("/v2/{}/{kind}/{reference}", self.repository);
            let request = api.request(Method::GET, &path, Some(&self.login));
            let read = self.ask(api, request).await?.expect(200);
            assert!(read.body == bytes, "{}: other bytes", read.line);
        }
        let tag = format!("tag-{}", self.numbers.below(6));
        let path = format!("/v2/{}/manifests/{tag}", self.repository);
        let request = api.request(Method::HEAD, &path, Some(&self.login));
        let answer = self.ask(api, request).await?;
        let now = match answer.status {
            200 => Some(answer.header("docker-content-digest").to_owned()),
            404 => None,
            _ => panic!("{answer:?}"),
        };
        let known = self.tags.get(&tag);
        assert!(
            known.map_or(now.is_none(), |may| may.contains(&now)),
            "{path} is {now:?}, not one of {known:?}"
        );
        Ok(())
    }

    async fn verify_manifest(&mut self, api: &Api, digest: &str, read: &mut HashSet<String>) {
        let answer = api
            .get_manifest(&self.login, &self.repository, digest)
            .await;
        let pushed = self.manifests.get_mut(digest).unwrap();
        let there = match (answer.status, pushed.state) {
            (200, State::There | State::Unsure) => true,
            (404, State::Gone | State::Unsure) => false,
            (status, state) => panic!("{} answered {status}, but it is {state:?}", answer.line),
        };
        if !there {
            pushed.state = State::Gone;
            return;
        }
        assert!(
            answer.body == pushed.manifest,
            "{}: other bytes",
            answer.line
        );
        pushed.state = State::There;
        for blob in &pushed.blobs {
            verify_blob(api, &self.login, &self.repository, blob, read).await;
        }
    }

    async fn verify_tag(&mut self, api: &Api, tag: &str) {
        let answer = api.get_manifest(&self.login, &self.repository, tag).await;
        let now = match answer.status {
            200 => Some(digest(&answer.body)),
            404 => None,
            _ => panic!("{answer:?}"),
        };
        let may = &self.tags[tag];
        assert!(
            may.contains(&now),
            "{} is {now:?}, not one of {may:?}",
            answer.line
        );
        if let Some(digest) = &now {
            assert!(
                self.manifests.contains_key(digest),
                "{} names what is gone",
                answer.line
            );
        }
        self.tags.insert(tag.to_owned(), BTreeSet::from([now]));
    }

    /// Goes on where the server says it is.
    async fn resume(&mut self, api: &Api, upload: Unfinished) {
        let answer = api
            .get(&upload.location, Some(&self.login))
            .await
            .expect(204);
        // `0-0` is how an empty upload is written; one byte alone is never sent here.
        let end = answer.header("range").trim_start_matches("0-");
        let offset = match end.parse::<usize>().unwrap() {
            0 => 0,
            end => end + 1,
        };
        assert!(offset <= 50_000, "{} has more than was sent", answer.line);
        let location = answer.header("location").to_owned();
        let digest = digest(&upload.blob);
        let location = self
            .send_chunks(api, location, &upload.blob, offset, 2)
            .await
            .unwrap();
        self.finish(api, &location, &digest).await.unwrap();
        let mut read = HashSet::new();
        verify_blob(api, &self.login, &self.repository, &upload.blob, &mut read).await;
        self.resumed += 1;
    }
}

/// Reads a blob once a round.
async fn verify_blob(
    api: &Api,
    login: &crate::Login,
    repository: &str,
    blob: &[u8],
    read: &mut HashSet<String>,
) {
    let digest = digest(blob);
    if !read.insert(digest.clone()) {
        return;
    }
    let path = format!("/v2/{repository}/blobs/{digest}");
    let answer = api.get(&path, Some(login)).await.expect(200);
    assert!(answer.body == blob, "{path}: other bytes");
}
