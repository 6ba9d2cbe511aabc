//! The token service (distribution's token specification, as Harbor answers it).
//!
//! A token holds what was asked for, cut down to what the caller may do now. Asking for more than
//! that is no error; wrong credentials are.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use berth_iam::access::allows;
use berth_iam::{AccessEntry, Actor, IamError, IssuedToken, Permission, ProjectFacts};
use berth_model::{Action, Coded, Limits, Resource, Secret};
use berth_oci::{RepositoryName, Scope, parse_scopes};
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};

use crate::{Registry, RegistryError};

/// The service name tokens are for, as in Harbor.
pub(crate) const SERVICE: &str = "harbor-registry";

/// The answer to a token request. GET clients read `token`, OAuth ones `access_token`.
#[derive(Debug, Serialize)]
pub(crate) struct TokenAnswer {
    token: String,
    access_token: String,
    expires_in: u64,
    issued_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Who it was given to, for the access line.
    #[serde(skip)]
    pub(crate) caller: String,
}

impl TokenAnswer {
    fn new(issued: IssuedToken, actor: &Actor) -> Self {
        Self {
            token: issued.token.clone(),
            access_token: issued.token,
            expires_in: issued.expires_in,
            issued_at: issued.issued_at.to_rfc3339(),
            scope: None,
            refresh_token: None,
            caller: actor.name().to_owned(),
        }
    }
}

/// The form of a POST to the token service (OAuth 2).
#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    grant_type: String,
    #[serde(default)]
    service: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    access_type: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    refresh_token: String,
}

impl Registry {
    /// `GET /service/token`.
    pub(crate) async fn token_by_get(
        &self,
        query: &str,
        headers: &HeaderMap,
        address: IpAddr,
    ) -> Result<TokenAnswer, RegistryError> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
            .map_err(|_| RegistryError::Invalid("the query is not readable".to_owned()))?;
        let value = |name: &str| {
            pairs
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, v)| v.as_str())
        };
        check_service(value("service").unwrap_or_default())?;
        let scopes = pairs
            .iter()
            .filter(|(key, _)| key == "scope")
            .map(|(_, v)| v.as_str());
        let scopes = parse_scopes(scopes)?;
        let actor = self
            .inner
            .iam
            .authenticate(headers.get(header::AUTHORIZATION), address)
            .await?;
        if matches!(&actor, Actor::Token(claims) if !claims.is_scanner()) {
            return Err(unauthorized(
                "log in with a user name and password to get a token",
            ));
        }
        if scopes.is_empty() && matches!(actor, Actor::Anonymous) {
            return Err(unauthorized("log in with a user name and password"));
        }
        let offline = value("offline_token").is_some_and(|value| value == "true");
        self.answer(&actor, &scopes, offline).await
    }

    /// `POST /service/token`.
    pub(crate) async fn token_by_post(
        &self,
        body: &[u8],
        address: IpAddr,
    ) -> Result<TokenAnswer, RegistryError> {
        let form: Form = serde_urlencoded::from_bytes(body).map_err(|_| {
            RegistryError::Invalid("the body is not a readable form (RFC 6749)".to_owned())
        })?;
        check_service(&form.service)?;
        if form.client_id.is_empty() {
            return Err(RegistryError::Invalid("client_id is missing".to_owned()));
        }
        let scopes = parse_scopes(std::iter::once(form.scope.as_str()))?;
        let iam = &self.inner.iam;
        let (actor, old_refresh) = match form.grant_type.as_str() {
            "password" => {
                let password = Secret::new(form.password);
                (iam.log_in(&form.username, &password, address).await?, None)
            }
            "refresh_token" => {
                let user = iam.redeem_refresh(&form.refresh_token, SERVICE).await?;
                (Actor::User(user), Some(form.refresh_token))
            }
            other => {
                return Err(RegistryError::Unsupported(format!(
                    "grant_type {other:?} is not supported: use password or refresh_token"
                )));
            }
        };
        let offline = form.access_type == "offline" && old_refresh.is_none();
        let mut answer = self.answer(&actor, &scopes, offline).await?;
        answer.refresh_token = answer.refresh_token.or(old_refresh);
        answer.scope = Some(form.scope);
        Ok(answer)
    }

    async fn answer(
        &self,
        actor: &Actor,
        scopes: &[Scope],
        offline: bool,
    ) -> Result<TokenAnswer, RegistryError> {
        if let Actor::Token(claims) = actor {
            // A scanner's: whatever it asks for, it has what it was given.
            let authority = self.inner.iam.authority();
            let issued = authority.again(claims).map_err(IamError::from)?;
            return Ok(TokenAnswer::new(issued, actor));
        }
        let mut projects = HashMap::new();
        let mut access = Vec::with_capacity(scopes.len());
        for scope in scopes.iter().take(Limits::TOKEN_SCOPES) {
            let actions = self.granted(actor, scope, &mut projects).await?;
            access.push(AccessEntry {
                kind: scope.kind.clone(),
                name: scope.name.clone(),
                actions,
            });
        }
        let lifetime = self.token_lifetime();
        let issued = self.inner.iam.issue(actor, SERVICE, access, lifetime)?;
        let refresh_token = match actor {
            Actor::User(user) if offline => {
                Some(self.inner.iam.issue_refresh(user, SERVICE).await?)
            }
            _ => None,
        };
        Ok(TokenAnswer {
            refresh_token,
            ..TokenAnswer::new(issued, actor)
        })
    }

    /// The requested actions of a scope that the caller may do.
    /// What the setting says, in minutes; as long as it says what the configuration file does,
    /// the file's seconds.
    fn token_lifetime(&self) -> Duration {
        let file = self
            .inner
            .options
            .token_lifetime
            .max(Duration::from_mins(1));
        let minutes = self
            .inner
            .catalog
            .settings()
            .token_expiration
            .unsigned_abs();
        if file.as_secs().div_ceil(60) == minutes {
            file
        } else {
            Duration::from_mins(minutes)
        }
    }

    async fn granted(
        &self,
        actor: &Actor,
        scope: &Scope,
        projects: &mut HashMap<String, Option<ProjectFacts>>,
    ) -> Result<Vec<String>, RegistryError> {
        let every = scope.actions.contains("*");
        if scope.kind == "registry" && scope.name == "catalog" {
            let may = matches!(actor, Actor::User(_) | Actor::Robot(_));
            return Ok(if may {
                vec!["*".to_owned()]
            } else {
                Vec::new()
            });
        }
        let Ok(name) = RepositoryName::parse(&scope.name) else {
            return Ok(Vec::new());
        };
        if scope.kind != "repository" {
            return Ok(Vec::new());
        }
        let project = name.project();
        if !projects.contains_key(project) {
            let facts = self.inner.catalog.project_facts(actor, project).await?;
            projects.insert(project.to_owned(), facts);
        }
        let Some(Some(facts)) = projects.get(project) else {
            return Ok(Vec::new());
        };
        let granted = ["pull", "push", "delete"]
            .into_iter()
            .filter(|action| every || scope.actions.contains(*action))
            .filter(|action| permission(action).is_some_and(|wanted| allows(actor, facts, wanted)))
            .map(str::to_owned)
            .collect();
        Ok(granted)
    }
}

/// The permission behind an action of a token.
pub(crate) fn permission(action: &str) -> Option<Permission> {
    let (resource, action) = match action {
        "pull" => (Resource::Repository, Action::Pull),
        "push" => (Resource::Repository, Action::Push),
        "delete" => (Resource::Artifact, Action::Delete),
        _ => return None,
    };
    Some(Permission::new(resource, action))
}

fn check_service(service: &str) -> Result<(), RegistryError> {
    // Some clients leave it out; a token for another service must not be asked for here.
    if service.is_empty() || service == SERVICE {
        return Ok(());
    }
    Err(RegistryError::Invalid(format!(
        "service {service:?} is not known: this is {SERVICE}"
    )))
}

fn unauthorized(message: &str) -> RegistryError {
    RegistryError::Unauthorized {
        scope: None,
        insufficient: false,
        message: message.to_owned(),
    }
}

/// Whether an error means that the credentials were wrong.
pub(crate) fn is_unauthorized(error: &RegistryError) -> bool {
    error.code() == berth_model::Code::Unauthorized
}
