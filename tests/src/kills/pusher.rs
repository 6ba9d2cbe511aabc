//! Pushes, tags, mounts, deletes and abandons uploads until the server dies.
//!
//! Invariant: a pusher alone writes to its repository, one request at a time, and writes down
//! what may be true before it asks and what is true once it is answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::api::Reply;
use crate::content::{Numbers, digest, unique};
use crate::image::{CONFIG, LAYER, MANIFEST, descriptor};
use crate::{Api, Login};
use reqwest::Method;
use serde_json::json;

use super::{PUSHERS, Shared};

/// The connection broke: whether the request was carried out is not known.
pub(super) type Cut = reqwest::Error;

/// Most images kept at once, so that looking after them stays quick.
const KEPT: usize = 10;

/// What is known about a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    There,
    Gone,
    /// Asked for, and cut off before the answer.
    Unsure,
}

/// A manifest and all it needs.
#[derive(Debug)]
pub(super) struct Pushed {
    pub(super) manifest: Vec<u8>,
    pub(super) blobs: Vec<Arc<[u8]>>,
    pub(super) state: State,
}

/// An upload that was begun and left.
#[derive(Debug)]
pub(super) struct Unfinished {
    pub(super) location: String,
    pub(super) blob: Arc<[u8]>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Pusher {
    pub(super) login: Login,
    pub(super) repository: String,
    pub(super) shared: Arc<Shared>,
    pub(super) numbers: Numbers,
    pub(super) manifests: BTreeMap<String, Pushed>,
    /// What each tag may point to.
    pub(super) tags: BTreeMap<String, BTreeSet<Option<String>>>,
    pub(super) unfinished: Vec<Unfinished>,
    pub(super) pushed: u64,
    pub(super) deleted: u64,
    pub(super) uploaded: u64,
    pub(super) mounted: u64,
    pub(super) found: u64,
    pub(super) resumed: u64,
    pub(super) retagged: u64,
    pub(super) blobs_deleted: u64,
    pub(super) repositories_deleted: u64,
    /// Requests that were answered.
    pub(super) events: u64,
}

impl Pusher {
    pub(super) fn new(number: usize, login: Login, shared: Arc<Shared>, seed: u64) -> Self {
        Self {
            login,
            repository: format!("library/pusher-{number}"),
            shared,
            numbers: Numbers::new(seed),
            manifests: BTreeMap::new(),
            tags: BTreeMap::new(),
            unfinished: Vec::new(),
            pushed: 0,
            deleted: 0,
            uploaded: 0,
            mounted: 0,
            found: 0,
            resumed: 0,
            retagged: 0,
            blobs_deleted: 0,
            repositories_deleted: 0,
            events: 0,
        }
    }

    /// Works until the connection breaks, which only a kill may do.
    pub(super) async fn work(&mut self, api: &Api) {
        while !self.shared.killed.load(Ordering::SeqCst) {
            if let Err(cut) = self.step(api).await {
                // The flag is set before the kill.
                let killed = self.shared.killed.load(Ordering::SeqCst);
                assert!(killed, "the server broke off by itself: {cut:?}");
            }
        }
    }

    async fn step(&mut self, api: &Api) -> Result<(), Cut> {
        let many = self.there().len() >= KEPT;
        match self.numbers.below(16) {
            0..=6 if !many => self.push(api).await,
            7 => self.delete_tag(api).await,
            8 if self.unfinished.len() < 3 => self.begin_and_leave(api).await,
            9 => self.push_orphan(api).await,
            10 => self.retag(api).await,
            11 => self.delete_blob(api).await,
            12 if self.numbers.below(8) == 0 => self.delete_repository(api).await,
            13 | 14 => self.read_back(api).await,
            _ => self.delete_manifest(api).await,
        }
    }

    /// Sends a request and counts its answer.
    pub(super) async fn ask(
        &mut self,
        api: &Api,
        request: reqwest::RequestBuilder,
    ) -> Result<Reply, Cut> {
        let answer = api.try_send(request).await?;
        self.events += 1;
        Ok(answer)
    }

    /// The digests of manifests known to be there.
    pub(super) fn there(&self) -> Vec<String> {
        self.manifests
            .iter()
            .filter(|(_, pushed)| pushed.state == State::There)
            .map(|(digest, _)| digest.clone())
            .collect()
    }

    pub(super) fn pick(&mut self, end: usize) -> usize {
        self.numbers.below(end as u64) as usize
    }

    pub(super) fn pick_layer(&mut self) -> Arc<[u8]> {
        let number = self.pick(self.shared.layers.len());
        self.shared.layers[number].clone()
    }

    async fn push(&mut self, api: &Api) -> Result<(), Cut> {
        let layers: Vec<_> = (0..=self.pick(3)).map(|_| self.pick_layer()).collect();
        let config = json!({"mark": unique("")}).to_string().into_bytes();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, &config),
            "layers": layers.iter().map(|one| descriptor(LAYER, one)).collect::<Vec<_>>(),
        });
        let manifest = manifest.to_string().into_bytes();
        let mut blobs = layers;
        blobs.push(config.into());
        let started = Instant::now();
        for blob in &blobs {
            self.push_blob(api, blob).await?;
        }
        let digest = digest(&manifest);
        let tag = format!("tag-{}", self.numbers.below(6));
        self.manifests.insert(
            digest.clone(),
            Pushed {
                manifest: manifest.clone(),
                blobs,
                state: State::Unsure,
            },
        );
        let unset = || BTreeSet::from([None]);
        let before = self.tags.get(&tag).cloned().unwrap_or_else(unset);
        self.tags
            .entry(tag.clone())
            .or_insert_with(unset)
            .insert(Some(digest.clone()));
        let path = format!("/v2/{}/manifests/{tag}", self.repository);
        let request = api
            .request(Method::PUT, &path, Some(&self.login))
            .header("content-type", MANIFEST)
            .body(manifest);
        let answer = self.ask(api, request).await?;
        if answer.status == 201 {
            self.state(&digest, State::There);
            self.tags.insert(tag, BTreeSet::from([Some(digest)]));
            self.pushed += 1;
            return Ok(());
        }
        // What was pushed first may be collected once the grace is over, and only then.
        let late = started.elapsed() >= Duration::from_secs(u64::from(self.shared.grace));
        assert!(
            late && answer.status == 400,
            "a whole image was refused after {:?}: {answer:?}",
            started.elapsed()
        );
        self.state(&digest, State::Gone);
        self.tags.insert(tag, before);
        Ok(())
    }

    pub(super) fn state(&mut self, digest: &str, state: State) {
        self.manifests.get_mut(digest).unwrap().state = state;
    }

    /// Pushes a blob in one of the ways that clients do.
    async fn push_blob(&mut self, api: &Api, blob: &Arc<[u8]>) -> Result<(), Cut> {
        let digest = digest(blob);
        match self.numbers.below(5) {
            0 => {
                let path = format!("/v2/{}/blobs/{digest}", self.repository);
                let head = api.request(Method::HEAD, &path, Some(&self.login));
                if self.ask(api, head).await?.status == 200 {
                    self.found += 1;
                    return Ok(());
                }
                self.push_whole(api, &digest, blob).await
            }
            1 => self.push_whole(api, &digest, blob).await,
            2 => self.mount(api, &digest, blob).await,
            _ => {
                let pieces = 1 + self.pick(4);
                let location = self.begin(api).await?;
                let location = self.send_chunks(api, location, blob, 0, pieces).await?;
                self.finish(api, &location, &digest).await
            }
        }
    }

    async fn push_whole(&mut self, api: &Api, digest: &str, blob: &Arc<[u8]>) -> Result<(), Cut> {
        let path = format!("/v2/{}/blobs/uploads/?digest={digest}", self.repository);
        let request = api
            .request(Method::POST, &path, Some(&self.login))
            .header("content-type", "application/octet-stream")
            .body(blob.to_vec());
        let _ = self.ask(api, request).await?.expect(201);
        self.uploaded += 1;
        Ok(())
    }

    /// Mounts from another pusher, or from wherever the server finds it; what cannot be mounted is
    /// uploaded.
    async fn mount(&mut self, api: &Api, digest: &str, blob: &Arc<[u8]>) -> Result<(), Cut> {
        let from = match self.pick(PUSHERS + 1) {
            PUSHERS => String::new(),
            other => format!("&from=library/pusher-{other}"),
        };
        let path = format!(
            "/v2/{}/blobs/uploads/?mount={digest}{from}",
            self.repository
        );
        let request = api.request(Method::POST, &path, Some(&self.login));
        let answer = self.ask(api, request).await?;
        if answer.status == 201 {
            self.mounted += 1;
            return Ok(());
        }
        let location = answer.expect(202).header("location").to_owned();
        let location = self.send_chunks(api, location, blob, 0, 1).await?;
        self.finish(api, &location, digest).await
    }

    async fn begin(&mut self, api: &Api) -> Result<String, Cut> {
        let path = format!("/v2/{}/blobs/uploads/", self.repository);
        let request = api.request(Method::POST, &path, Some(&self.login));
        let answer = self.ask(api, request).await?.expect(202);
        Ok(answer.header("location").to_owned())
    }

    /// Sends what comes after `start`, in `pieces`; gives where to go on.
    pub(super) async fn send_chunks(
        &mut self,
        api: &Api,
        mut location: String,
        blob: &[u8],
        start: usize,
        pieces: usize,
    ) -> Result<String, Cut> {
        let size = (blob.len() - start).div_ceil(pieces).max(1);
        let mut sent = start;
        for piece in blob[start..].chunks(size) {
            let answer = self.send_chunk(api, &location, sent, piece).await?;
            sent += piece.len();
            let range = format!("0-{}", sent - 1);
            assert_eq!(answer.header("range"), range, "{}", answer.line);
            answer.header("location").clone_into(&mut location);
        }
        Ok(location)
    }

    async fn send_chunk(
        &mut self,
        api: &Api,
        location: &str,
        start: usize,
        piece: &[u8],
    ) -> Result<Reply, Cut> {
        let request = api
            .request(Method::PATCH, location, Some(&self.login))
            .header("content-type", "application/octet-stream")
            .header(
                "content-range",
                format!("{start}-{}", start + piece.len() - 1),
            )
            .body(piece.to_vec());
        Ok(self.ask(api, request).await?.expect(202))
    }

    pub(super) async fn finish(
        &mut self,
        api: &Api,
        location: &str,
        digest: &str,
    ) -> Result<(), Cut> {
        let joint = if location.contains('?') { '&' } else { '?' };
        let path = format!("{location}{joint}digest={digest}");
        let request = api.request(Method::PUT, &path, Some(&self.login));
        let _ = self.ask(api, request).await?.expect(201);
        self.uploaded += 1;
        Ok(())
    }

    /// Begins an upload that is taken up again later, perhaps by the next process.
    async fn begin_and_leave(&mut self, api: &Api) -> Result<(), Cut> {
        let location = self.begin(api).await?;
        let blob: Arc<[u8]> = self.numbers.bytes(100_000).into();
        self.unfinished.push(Unfinished {
            location: location.clone(),
            blob: blob.clone(),
        });
        let half = &blob[..50_000];
        self.send_chunks(api, location, half, 0, 2).await?;
        Ok(())
    }

    /// Pushes a layer that nothing will refer to: work for the collector.
    async fn push_orphan(&mut self, api: &Api) -> Result<(), Cut> {
        let layer = self.pick_layer();
        self.push_blob(api, &layer).await
    }

    /// Sets another tag, or one that names something else, to a manifest that is there.
    async fn retag(&mut self, api: &Api) -> Result<(), Cut> {
        let there = self.there();
        if there.is_empty() {
            return Ok(());
        }
        let digest = there[self.pick(there.len())].clone();
        let tag = format!("tag-{}", self.numbers.below(6));
        let unset = || BTreeSet::from([None]);
        let may = self.tags.entry(tag.clone()).or_insert_with(unset);
        may.insert(Some(digest.clone()));
        let path = format!("/v2/{}/manifests/{tag}", self.repository);
        let request = api
            .request(Method::PUT, &path, Some(&self.login))
            .header("content-type", MANIFEST)
            .body(self.manifests[&digest].manifest.clone());
        let _ = self.ask(api, request).await?.expect(201);
        self.tags.insert(tag, BTreeSet::from([Some(digest)]));
        self.retagged += 1;
        Ok(())
    }
}
