//! Manifests and referrers over HTTP.

use berth_http::Body;
use berth_model::Timestamp;
use berth_oci::{Digest, Reference, RepositoryName, TagName, media_type, next_link};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, IF_NONE_MATCH, LINK};
use http::{Response, StatusCode};

use super::{Call, answer, read_manifest_body};
use crate::manifests::Push;
use crate::uploads::RequestBody;
use crate::{Registry, RegistryError};

const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const TAG: HeaderName = HeaderName::from_static("oci-tag");
const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");

impl Registry {
    /// GET and HEAD of a manifest (end-3).
    pub(super) async fn get_manifest(
        &self,
        call: &Call,
        name: &RepositoryName,
        reference: &Reference,
    ) -> Result<Response<Body>, RegistryError> {
        self.allow(call, name, "pull").await?;
        let row = self.find_manifest(name, reference).await?;
        call.not_older_than(Timestamp::from_micros(row.project_created_at))?;
        // Who may push and asks by digest whether it is there will not send it if it is.
        if call.is_head()
            && matches!(reference, Reference::Digest(_))
            && self.allow(call, name, "push").await.is_ok()
        {
            self.promise_manifest(name, reference, &row).await?;
        }
        let unchanged = answer::matches_etag(call.header(IF_NONE_MATCH), &row.digest);
        let (status, body) = if unchanged {
            (StatusCode::NOT_MODIFIED, Body::Empty)
        } else if call.is_head() {
            (StatusCode::OK, Body::Empty)
        } else {
            self.ask_guard(&call.actor, name, &row).await?;
            let payload = self.payload(&row).await?;
            self.record_pull(&call.actor, call.address, name, &row, reference);
            (StatusCode::OK, Body::from(payload))
        };
        let mut response = answer::answer(status, body);
        answer::set(&mut response, CONTENT_TYPE, &row.media_type);
        answer::set(&mut response, answer::DIGEST, &row.digest);
        answer::etag(&mut response, &row.digest);
        if !unchanged {
            response
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from(row.size as u64));
        }
        Ok(response)
    }

    /// PUT of a manifest (end-7).
    pub(super) async fn put_manifest(
        &self,
        call: &Call,
        name: &RepositoryName,
        reference: Reference,
        body: RequestBody,
    ) -> Result<Response<Body>, RegistryError> {
        let pusher = self.pusher(call, name, "push").await?;
        let tags = call
            .query
            .all("tag")
            .map(|tag| {
                TagName::parse(tag).map_err(|error| RegistryError::Invalid(error.to_string()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let payload = read_manifest_body(body).await?;
        let content_type = call.header(CONTENT_TYPE).map(str::to_owned);
        let asked = tags.clone();
        let push = Push {
            payload,
            content_type,
            reference,
            tags,
        };
        let pushed = self.push_manifest(&pusher, name, push).await?;
        let path = format!("/v2/{name}/manifests/{}", pushed.digest);
        let mut response = answer::created(&path, &pushed.digest);
        if let Some(subject) = &pushed.subject {
            answer::set(&mut response, SUBJECT, subject.as_str());
        }
        for tag in pushed.tags.iter().filter(|tag| asked.contains(tag)) {
            if let Ok(value) = HeaderValue::from_str(tag.as_str()) {
                response.headers_mut().append(TAG, value);
            }
        }
        Ok(response)
    }

    /// DELETE of a manifest or tag (end-9).
    pub(super) async fn remove_manifest(
        &self,
        call: &Call,
        name: &RepositoryName,
        reference: &Reference,
    ) -> Result<Response<Body>, RegistryError> {
        let pusher = self.pusher(call, name, "delete").await?;
        self.delete_manifest(&pusher, name, reference).await?;
        Ok(answer::empty(StatusCode::ACCEPTED))
    }

    /// GET of a manifest's referrers (end-12).
    pub(super) async fn get_referrers(
        &self,
        call: &Call,
        name: &RepositoryName,
        subject: &Digest,
    ) -> Result<Response<Body>, RegistryError> {
        self.allow(call, name, "pull").await?;
        self.refuse_older(call, name).await?;
        let artifact_type = call
            .query
            .get("artifactType")
            .filter(|wanted| !wanted.is_empty());
        let after = match call.query.get("last") {
            None => 0,
            Some(last) => last.parse().map_err(|_| {
                RegistryError::Invalid("last must be taken from a Link header".to_owned())
            })?,
        };
        let page = self.referrers(name, subject, artifact_type, after).await?;
        let mut response = answer::json(&serde_json::json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_INDEX,
            "manifests": page.referrers,
        }));
        answer::set(&mut response, CONTENT_TYPE, media_type::OCI_INDEX);
        if artifact_type.is_some() {
            answer::set(&mut response, FILTERS, "artifactType");
        }
        if let Some(next) = page.next {
            let next = next.to_string();
            let mut query = vec![("last", next.as_str())];
            if let Some(artifact_type) = artifact_type {
                query.push(("artifactType", artifact_type));
            }
            let path = format!("/v2/{name}/referrers/{subject}");
            answer::set(&mut response, LINK, &next_link(&path, &query));
        }
        Ok(response)
    }
}
