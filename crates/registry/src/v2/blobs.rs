//! Blobs and uploads over HTTP.

use berth_http::Body;
use berth_oci::{
    Algorithm, Digest, RangeOutcome, RepositoryName, parse_content_range, parse_range,
};
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, IF_NONE_MATCH,
    LOCATION, RANGE,
};
use http::{Response, StatusCode};
use std::str::FromStr;

use super::{Call, answer};
use crate::blobs::Content;
use crate::uploads::{Chunk, RequestBody, location};
use crate::{Registry, RegistryError};
use berth_model::Timestamp;

fn blob_path(name: &RepositoryName, digest: &Digest) -> String {
    format!("/v2/{name}/blobs/{digest}")
}

impl Registry {
    /// GET and HEAD of a blob (end-2).
    pub(super) async fn get_blob(
        &self,
        call: &Call,
        name: &RepositoryName,
        digest: &Digest,
    ) -> Result<Response<Body>, RegistryError> {
        self.allow(call, name, "pull").await?;
        if call.is_head() {
            return Box::pin(self.head_blob(call, name, digest)).await;
        }
        let link = self.find_blob(name, digest).await?;
        call.not_older_than(Timestamp::from_micros(link.project_created_at))?;
        if answer::matches_etag(call.header(IF_NONE_MATCH), digest.as_str()) {
            return Ok(describe(
                answer::answer(StatusCode::NOT_MODIFIED, Body::Empty),
                digest,
            ));
        }
        let (size, content) = self.read_blob(name, digest).await?;
        let range = call
            .header(RANGE)
            .map_or(RangeOutcome::Full, |range| parse_range(range, size));
        let (start, length, status) = match range {
            RangeOutcome::Full => (0, size, StatusCode::OK),
            RangeOutcome::Partial {
                start,
                end_inclusive,
            } => (
                start,
                end_inclusive - start + 1,
                StatusCode::PARTIAL_CONTENT,
            ),
            RangeOutcome::Unsatisfiable => return Err(RegistryError::Range(size)),
        };
        let body = match content {
            Content::Whole(bytes) => {
                Body::from(bytes.slice(start as usize..(start + length) as usize))
            }
            Content::Open(blob) => Body::boxed(blob.stream(start, length)),
        };
        let mut response = describe(answer::answer(status, body), digest);
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
        if status == StatusCode::PARTIAL_CONTENT {
            let range = format!("bytes {start}-{}/{size}", start + length - 1);
            answer::set(&mut response, CONTENT_RANGE, &range);
        }
        Ok(response)
    }

    async fn head_blob(
        &self,
        call: &Call,
        name: &RepositoryName,
        digest: &Digest,
    ) -> Result<Response<Body>, RegistryError> {
        let link = match self.allow(call, name, "push").await {
            Ok(()) => self.promise_blob(name, digest).await?,
            Err(_) => self.find_blob(name, digest).await?,
        };
        call.not_older_than(Timestamp::from_micros(link.project_created_at))?;
        let mut response = describe(answer::answer(StatusCode::OK, Body::Empty), digest);
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(link.size as u64));
        Ok(response)
    }

    /// DELETE of a blob (end-10).
    pub(super) async fn remove_blob(
        &self,
        call: &Call,
        name: &RepositoryName,
        digest: &Digest,
    ) -> Result<Response<Body>, RegistryError> {
        let pusher = self.pusher(call, name, "delete").await?;
        self.delete_blob(&pusher, name, digest).await?;
        Ok(answer::empty(StatusCode::ACCEPTED))
    }

    /// POST that begins an upload, takes a whole blob, or mounts one (end-4, end-11).
    pub(super) async fn post_upload(
        &self,
        call: &Call,
        name: &RepositoryName,
        body: RequestBody,
    ) -> Result<Response<Body>, RegistryError> {
        let pusher = self.pusher(call, name, "push").await?;
        if let Some(digest) = call.query.get("mount") {
            let digest = read_digest(digest)?;
            // A source that cannot be a repository cannot be mounted from: an upload begins.
            let from = call.query.get("from").map(RepositoryName::parse);
            let mounted = match from {
                Some(Err(_)) => false,
                Some(Ok(from)) => {
                    self.mount(&call.actor, &pusher, name, &digest, Some(&from))
                        .await?
                }
                None => {
                    self.mount(&call.actor, &pusher, name, &digest, None)
                        .await?
                }
            };
            if mounted {
                return Ok(answer::created(&blob_path(name, &digest), &digest));
            }
        } else if let Some(digest) = call.query.get("digest") {
            let digest = read_digest(digest)?;
            let chunk = call.chunk(body)?;
            self.put_blob(&pusher, name, &digest, chunk).await?;
            return Ok(answer::created(&blob_path(name, &digest), &digest));
        }
        let algorithm = match call.query.get("digest-algorithm") {
            None => Algorithm::Sha256,
            Some(text) => Algorithm::from_str(text).map_err(|_| {
                RegistryError::DigestInvalid(format!(
                    "digest algorithm {text:?} is not supported: use sha256 or sha512"
                ))
            })?,
        };
        let id = self.begin_upload(&pusher, name, algorithm).await?;
        Ok(answer::upload(
            StatusCode::ACCEPTED,
            &location(name, &id),
            &id,
            0,
        ))
    }

    /// GET of an upload's state (end-13).
    pub(super) async fn get_upload(
        &self,
        call: &Call,
        name: &RepositoryName,
        id: &str,
    ) -> Result<Response<Body>, RegistryError> {
        self.allow(call, name, "push").await?;
        let offset = self.upload_offset(call.actor.name(), name, id).await?;
        Ok(answer::upload(
            StatusCode::NO_CONTENT,
            &location(name, id),
            id,
            offset,
        ))
    }

    /// PATCH with the next chunk (end-5).
    pub(super) async fn patch_upload(
        &self,
        call: &Call,
        name: &RepositoryName,
        id: &str,
        body: RequestBody,
    ) -> Result<Response<Body>, RegistryError> {
        self.allow(call, name, "push").await?;
        let chunk = call.chunk(body)?;
        let offset = self.append(call.actor.name(), name, id, chunk).await?;
        Ok(answer::upload(
            StatusCode::ACCEPTED,
            &location(name, id),
            id,
            offset,
        ))
    }

    /// PUT that ends an upload (end-6).
    pub(super) async fn put_upload(
        &self,
        call: &Call,
        name: &RepositoryName,
        id: &str,
        body: RequestBody,
    ) -> Result<Response<Body>, RegistryError> {
        let pusher = self.pusher(call, name, "push").await?;
        let digest = call.query.get("digest").ok_or_else(|| {
            RegistryError::DigestInvalid("the digest parameter is missing".to_owned())
        })?;
        let digest = read_digest(digest)?;
        let chunk = call.chunk(body)?;
        self.finish(&pusher, name, id, &digest, chunk).await?;
        Ok(answer::created(&blob_path(name, &digest), &digest))
    }

    /// DELETE that cancels an upload (end-14).
    pub(super) async fn delete_upload(
        &self,
        call: &Call,
        name: &RepositoryName,
        id: &str,
    ) -> Result<Response<Body>, RegistryError> {
        self.allow(call, name, "push").await?;
        self.cancel(call.actor.name(), name, id).await?;
        let mut response = answer::empty(StatusCode::NO_CONTENT);
        response.headers_mut().remove(LOCATION);
        Ok(response)
    }
}

impl Call {
    /// The body with what its headers announce.
    fn chunk(&self, body: RequestBody) -> Result<Chunk, RegistryError> {
        let range = match self.header(CONTENT_RANGE) {
            None => None,
            Some(header) => Some(
                parse_content_range(header)
                    .map_err(|error| RegistryError::SizeInvalid(error.to_string()))?,
            ),
        };
        let length = self
            .header(CONTENT_LENGTH)
            .and_then(|length| length.parse().ok());
        Ok(Chunk {
            range,
            length,
            body,
        })
    }
}

fn read_digest(text: &str) -> Result<Digest, RegistryError> {
    Digest::from_str(text).map_err(|error| RegistryError::DigestInvalid(error.to_string()))
}

fn describe(mut response: Response<Body>, digest: &Digest) -> Response<Body> {
    answer::set(&mut response, answer::DIGEST, digest.as_str());
    answer::etag(&mut response, digest.as_str());
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response
}
