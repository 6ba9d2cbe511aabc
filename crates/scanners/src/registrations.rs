//! Registrations: keeping them, asking them who they are, and which one a project uses.
//!
//! Invariant: lists never call a scanner: they show what it said of itself last. It is asked when
//! it is registered, changed or read by itself.

use berth_catalog::query::{Column, Filter, Kind, order_by};
use berth_iam::audit::{self, Entry};
use berth_iam::{Caller, ProjectFacts};
use berth_model::{ProjectId, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::adapter::{VULNERABILITY_REPORT, credential_header};
use crate::store::{self, Row};
use crate::{Adapter, AdapterError, Capability, Metadata, Scanned, Scanners, ScannersError};

/// The built-in scanner.
pub const BUILT_IN: &str = "00000000-0000-4000-8000-000000000001";
/// Its name, which no other may have.
const NAME: &str = "Berth";
/// Longest name, description and credential, bytes.
const LONGEST_NAME: usize = 128;
const LONGEST_TEXT: usize = 1024;
const LONGEST_SECRET: usize = 8 * 1024;

pub(crate) const COLUMNS: &[Column] = &[
    Column::new("name", "name", Kind::Text),
    Column::new("description", "description", Kind::Text),
    Column::new("url", "url", Kind::Text),
    Column::new("uuid", "uuid", Kind::Text),
    Column::new("ex_name", "name", Kind::Text),
    Column::new("ex_url", "url", Kind::Text),
    Column::new("create_time", "created_at", Kind::Time),
    Column::new("update_time", "updated_at", Kind::Time),
];

/// What a scanner said of itself last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Seen {
    pub(crate) scanner: Scanned,
    pub(crate) healthy: bool,
    pub(crate) vulnerability: bool,
    pub(crate) sbom: bool,
}

impl Seen {
    fn of(asked: &Result<Metadata, AdapterError>, before: Self) -> Self {
        match asked {
            Ok(metadata) => Self {
                scanner: metadata.scanner.clone(),
                healthy: true,
                vulnerability: metadata.can("vulnerability"),
                sbom: metadata.can("sbom"),
            },
            Err(_) => Self {
                healthy: false,
                ..before
            },
        }
    }
}

/// A scanner.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Its id.
    pub uuid: String,
    /// Its name.
    pub name: String,
    /// Whether it is the one used where nothing else is said.
    pub is_default: bool,
    /// Whether it is switched off.
    pub disabled: bool,
    pub(crate) description: String,
    pub(crate) url: String,
    pub(crate) auth: String,
    pub(crate) skip_verify: bool,
    /// Whether it reaches the registry by the address that servers beside it use.
    pub use_internal_addr: bool,
    pub(crate) seen: Seen,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Registration {
    /// Whether it is the server itself.
    pub fn is_built_in(&self) -> bool {
        self.uuid == BUILT_IN
    }

    /// The scanner that the server brings along.
    fn built_in(is_default: bool) -> Self {
        Self {
            uuid: BUILT_IN.to_owned(),
            name: NAME.to_owned(),
            is_default,
            disabled: false,
            description: "The scanner of this server".to_owned(),
            url: String::new(),
            auth: String::new(),
            skip_verify: false,
            use_internal_addr: true,
            seen: Seen {
                scanner: built_in().scanner,
                healthy: true,
                vulnerability: true,
                sbom: false,
            },
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        }
    }
}

impl From<Row> for Registration {
    fn from(row: Row) -> Self {
        Self {
            created_at: row.created(),
            updated_at: row.updated(),
            // Written here alone; one that cannot be read says nothing.
            seen: serde_json::from_str(&row.seen).unwrap_or_default(),
            uuid: row.uuid,
            name: row.name,
            is_default: row.is_default,
            disabled: row.disabled,
            description: row.description,
            url: row.url,
            auth: row.auth,
            skip_verify: row.skip_verify,
            use_internal_addr: row.use_internal_addr,
        }
    }
}

/// What the built-in scanner says of itself.
fn built_in() -> Metadata {
    let consumes = [
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ];
    Metadata {
        scanner: Scanned {
            name: NAME.to_owned(),
            vendor: NAME.to_owned(),
            version: format!("v{}", env!("CARGO_PKG_VERSION")),
        },
        capabilities: vec![Capability {
            kind: "vulnerability".to_owned(),
            consumes_mime_types: consumes.map(str::to_owned).to_vec(),
            produces_mime_types: vec![VULNERABILITY_REPORT.to_owned()],
        }],
        properties: std::collections::BTreeMap::new(),
    }
}

/// A scanner as somebody wants it. A credential that is absent stays as it was for this address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) url: String,
    pub(crate) auth: String,
    pub(crate) credential: Option<Secret<String>>,
    pub(crate) skip_verify: bool,
    pub(crate) use_internal_addr: bool,
    pub(crate) disabled: bool,
}

/// What a sealed credential opens with: not for another scanner, and not for another address.
fn context(uuid: &str, url: &str) -> String {
    format!("scanner {uuid} {url}")
}

impl Scanners {
    /// A page of the scanners; the built-in one comes first where nothing is filtered.
    pub(crate) async fn list(
        &self,
        (q, sort): (&str, &str),
        (limit, offset): (i64, i64),
    ) -> Result<(Vec<Registration>, i64), ScannersError> {
        let db = &self.inner.db;
        let mut filter = Filter::new();
        filter.and_query(q, COLUMNS)?;
        let order = order_by(sort, COLUMNS, "created_at DESC", "id DESC")?;
        let first = i64::from(q.trim().is_empty());
        let part = match offset {
            0 => ((limit - first).max(0), 0),
            _ => (limit, offset - first),
        };
        let (rows, total) = store::list(db, &filter, &order, part).await?;
        let mut found = Vec::with_capacity(rows.len() + 1);
        if first == 1 && offset == 0 {
            let other = store::default(db).await?;
            found.push(Registration::built_in(other.is_none()));
        }
        found.extend(rows.into_iter().map(Registration::from));
        Ok((found, total + first))
    }

    async fn row(&self, uuid: &str) -> Result<Row, ScannersError> {
        let found = store::find(&self.inner.db, uuid).await?;
        found.ok_or_else(|| ScannersError::NotFound(uuid.chars().take(64).collect()))
    }

    /// The scanner with this id, as it said of itself last.
    pub async fn registration(&self, uuid: &str) -> Result<Registration, ScannersError> {
        if uuid == BUILT_IN {
            let other = store::default(&self.inner.db).await?;
            return Ok(Registration::built_in(other.is_none()));
        }
        Ok(self.row(uuid).await?.into())
    }

    /// As [`Self::registration`], asked anew.
    pub(crate) async fn ask(&self, uuid: &str) -> Result<Registration, ScannersError> {
        if uuid != BUILT_IN {
            let row = self.row(uuid).await?;
            if !row.disabled {
                let asked = self.adapter_of(&row)?.metadata().await;
                self.keep_seen(&row, &asked).await?;
            }
        }
        self.registration(uuid).await
    }

    async fn keep_seen(
        &self,
        row: &Row,
        asked: &Result<Metadata, AdapterError>,
    ) -> Result<(), ScannersError> {
        let before: Seen = serde_json::from_str(&row.seen).unwrap_or_default();
        let seen = Seen::of(asked, before.clone());
        if seen == before {
            return Ok(());
        }
        let (uuid, seen) = (row.uuid.clone(), serde_json::json!(seen).to_string());
        self.inner
            .db
            .write(move |tx| Box::pin(async move { Ok(store::see(tx, &uuid, &seen).await?) }))
            .await
    }

    /// What the scanner says of itself now.
    pub(crate) async fn metadata(&self, uuid: &str) -> Result<Metadata, ScannersError> {
        if uuid == BUILT_IN {
            return Ok(built_in());
        }
        let row = self.row(uuid).await?;
        let asked = self.adapter_of(&row)?.metadata().await;
        self.keep_seen(&row, &asked).await?;
        Ok(asked?)
    }

    fn adapter_of(&self, row: &Row) -> Result<Adapter, ScannersError> {
        let sealed = row.credential.as_deref();
        let opened = sealed
            .map(|sealed| {
                self.inner
                    .sealer
                    .open(&context(&row.uuid, &row.url), sealed)
            })
            .transpose()?;
        let credential =
            opened.map(|plain| Secret::new(String::from_utf8_lossy(&plain).into_owned()));
        let header =
            credential_header(&row.auth, credential.as_ref()).map_err(ScannersError::Invalid)?;
        let egress = self.inner.egress.clone();
        Ok(Adapter::new(egress, &row.url, header, row.skip_verify))
    }

    /// The external scanner with this id, to be spoken to.
    ///
    /// # Errors
    /// [`ScannersError::BuiltIn`] for the one that is no other server.
    pub async fn adapter(&self, uuid: &str) -> Result<Adapter, ScannersError> {
        if uuid == BUILT_IN {
            return Err(ScannersError::BuiltIn("spoken to"));
        }
        let row = self.row(uuid).await?;
        if row.disabled {
            return Err(ScannersError::Disabled(row.name));
        }
        self.adapter_of(&row)
    }

    /// Asks an address whether a scanner is there.
    pub(crate) async fn ping(&self, wanted: &Wanted) -> Result<(), ScannersError> {
        let header = self.check(wanted).await?;
        let egress = self.inner.egress.clone();
        let adapter = Adapter::new(egress, &wanted.url, header, wanted.skip_verify);
        adapter.metadata().await?;
        Ok(())
    }

    async fn check(
        &self,
        wanted: &Wanted,
    ) -> Result<Option<(http::HeaderName, http::HeaderValue)>, ScannersError> {
        let refuse = |sentence: String| Err(ScannersError::Invalid(sentence));
        if wanted.name.is_empty() || wanted.name.len() > LONGEST_NAME {
            return refuse(format!("name must have 1 to {LONGEST_NAME} bytes"));
        }
        if wanted.name.eq_ignore_ascii_case(NAME) {
            return Err(ScannersError::Taken("name"));
        }
        if wanted.description.len() > LONGEST_TEXT {
            return refuse(format!("description has at most {LONGEST_TEXT} bytes"));
        }
        let secret = wanted.credential.as_ref();
        if secret.is_some_and(|it| it.expose().len() > LONGEST_SECRET) {
            return refuse(format!(
                "access_credential has at most {LONGEST_SECRET} bytes"
            ));
        }
        let url = self.inner.egress.check_now(&wanted.url).await?;
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("url is the address before /api/v1, without a query".to_owned());
        }
        credential_header(&wanted.auth, secret).map_err(ScannersError::Invalid)
    }

    fn seal(&self, uuid: &str, wanted: &Wanted) -> Result<Option<Vec<u8>>, ScannersError> {
        if wanted.auth.is_empty() {
            return Ok(None);
        }
        let context = context(uuid, &wanted.url);
        let secret = wanted.credential.as_ref();
        let sealed = secret.map(|it| self.inner.sealer.seal(&context, it.expose().as_bytes()));
        Ok(sealed.transpose()?)
    }

    /// Registers a scanner; gives its id. One that does not answer now is registered all the same.
    pub(crate) async fn create(
        &self,
        caller: &Caller,
        mut wanted: Wanted,
    ) -> Result<String, ScannersError> {
        normalise(&mut wanted);
        self.check(&wanted).await?;
        let uuid = Uuid::new_v4().to_string();
        let now = self.inner.clock.now();
        let row = Row {
            credential: self.seal(&uuid, &wanted)?,
            uuid: uuid.clone(),
            name: wanted.name,
            description: wanted.description,
            url: wanted.url,
            auth: wanted.auth,
            disabled: wanted.disabled,
            is_default: false,
            skip_verify: wanted.skip_verify,
            use_internal_addr: wanted.use_internal_addr,
            seen: "{}".to_owned(),
            created_at: now.micros(),
            updated_at: now.micros(),
        };
        let entry = Entry::by(caller, "create", "scanner", now).on(row.name.clone());
        let new = row.clone();
        self.inner
            .db
            .write::<_, ScannersError, _>(move |tx| {
                Box::pin(async move {
                    if let Some(taken) = store::taken(tx, "", &new.name, &new.url).await? {
                        return Err(ScannersError::Taken(taken));
                    }
                    if !store::insert(tx, &new).await? {
                        return Err(ScannersError::Taken("name or address"));
                    }
                    record(tx, entry).await
                })
            })
            .await?;
        let asked = self.adapter_of(&row)?.metadata().await;
        self.keep_seen(&row, &asked).await?;
        Ok(uuid)
    }

    /// Changes a scanner.
    pub(crate) async fn change(
        &self,
        caller: &Caller,
        uuid: &str,
        mut wanted: Wanted,
    ) -> Result<(), ScannersError> {
        if uuid == BUILT_IN {
            return Err(ScannersError::BuiltIn("changed"));
        }
        normalise(&mut wanted);
        let before = self.row(uuid).await?;
        if wanted.credential.is_none()
            && wanted.url == before.url
            && let Some(sealed) = &before.credential
        {
            let plain = self
                .inner
                .sealer
                .open(&context(uuid, &before.url), sealed)?;
            wanted.credential = Some(Secret::new(String::from_utf8_lossy(&plain).into_owned()));
        }
        self.check(&wanted).await?;
        if wanted.disabled && before.is_default {
            return Err(ScannersError::IsDefault(before.name));
        }
        let now = self.inner.clock.now();
        let row = Row {
            credential: self.seal(uuid, &wanted)?,
            name: wanted.name,
            description: wanted.description,
            url: wanted.url,
            auth: wanted.auth,
            disabled: wanted.disabled,
            skip_verify: wanted.skip_verify,
            use_internal_addr: wanted.use_internal_addr,
            updated_at: now.micros(),
            ..before
        };
        let entry = Entry::by(caller, "update", "scanner", now).on(row.name.clone());
        let new = row.clone();
        self.inner
            .db
            .write::<_, ScannersError, _>(move |tx| {
                Box::pin(async move {
                    let taken = store::taken(tx, &new.uuid, &new.name, &new.url).await?;
                    if let Some(taken) = taken {
                        return Err(ScannersError::Taken(taken));
                    }
                    if !store::update(tx, &new).await? {
                        return Err(ScannersError::NotFound(new.uuid));
                    }
                    record(tx, entry).await
                })
            })
            .await?;
        if !row.disabled {
            let asked = self.adapter_of(&row)?.metadata().await;
            self.keep_seen(&row, &asked).await?;
        }
        Ok(())
    }

    /// Takes a scanner away; the projects that use it use the default one again.
    pub(crate) async fn remove(
        &self,
        caller: &Caller,
        uuid: &str,
    ) -> Result<Registration, ScannersError> {
        let found = self.registration(uuid).await?;
        if found.is_built_in() {
            return Err(ScannersError::BuiltIn("deleted"));
        }
        if found.is_default {
            return Err(ScannersError::IsDefault(found.name));
        }
        let now = self.inner.clock.now();
        let entry = Entry::by(caller, "delete", "scanner", now).on(found.name.clone());
        let gone = found.clone();
        self.inner
            .db
            .write::<_, ScannersError, _>(move |tx| {
                Box::pin(async move {
                    if !store::delete(tx, &gone.uuid).await? {
                        // Made the default, or gone, since it was read.
                        return Err(ScannersError::IsDefault(gone.name));
                    }
                    record(tx, entry).await
                })
            })
            .await?;
        Ok(found)
    }

    /// Makes a scanner the default.
    pub(crate) async fn make_default(
        &self,
        caller: &Caller,
        uuid: &str,
    ) -> Result<(), ScannersError> {
        let found = self.registration(uuid).await?;
        if found.disabled {
            return Err(ScannersError::Disabled(found.name));
        }
        let entry = Entry::by(caller, "update", "scanner", self.inner.clock.now())
            .on(found.name)
            .saying("made the default");
        let uuid = uuid.to_owned();
        self.inner
            .db
            .write::<_, ScannersError, _>(move |tx| {
                Box::pin(async move {
                    store::make_default(tx, &uuid).await?;
                    record(tx, entry).await
                })
            })
            .await
    }

    /// The scanner that a project uses: the one it chose while that is there, else the default.
    pub async fn of_project(&self, project: ProjectId) -> Result<Registration, ScannersError> {
        let db = &self.inner.db;
        if let Some(chosen) = store::of_project(db, project).await? {
            match self.registration(&chosen).await {
                Err(ScannersError::NotFound(_)) => {}
                found => return found,
            }
        }
        Ok(match store::default(db).await? {
            Some(row) => row.into(),
            None => Registration::built_in(true),
        })
    }

    /// Has a project use this scanner.
    pub(crate) async fn choose(
        &self,
        caller: &Caller,
        project: &ProjectFacts,
        uuid: &str,
    ) -> Result<(), ScannersError> {
        let found = self.registration(uuid).await?;
        if found.disabled {
            return Err(ScannersError::Disabled(found.name));
        }
        let entry = Entry::by(caller, "update", "project", self.inner.clock.now())
            .on(project.name.clone())
            .in_project(project.id)
            .saying(format!("scanner {}", found.name));
        let project = project.id;
        self.inner
            .db
            .write::<_, ScannersError, _>(move |tx| {
                Box::pin(async move {
                    store::set_of_project(tx, project, &found.uuid).await?;
                    record(tx, entry).await
                })
            })
            .await
    }
}

fn normalise(wanted: &mut Wanted) {
    let kept = wanted.url.trim_end_matches('/').len();
    wanted.url.truncate(kept);
    if wanted.auth == "None" {
        wanted.auth.clear();
    }
}

async fn record(tx: &mut berth_db::Tx, entry: Entry) -> Result<(), ScannersError> {
    Ok(audit::record(tx, entry).await?)
}
