//! Who may do what under `/v2`: the one place that asks, for tokens and for passwords alike.

use berth_iam::access::allows;
use berth_iam::{Actor, Claims, Permission, ProjectFacts};
use berth_model::Timestamp;
use berth_oci::{RepositoryName, parse_route};
use http::Method;
use http::request::Parts;

use super::Call;
use crate::token::permission;
use crate::{Pusher, Registry, RegistryError};

/// Asks a client without credentials to log in, naming the scope that its request needs.
pub(super) fn challenge(parts: &Parts) -> RegistryError {
    let action = match parts.method {
        Method::GET | Method::HEAD => "pull",
        Method::DELETE => "delete",
        _ => "pull,push",
    };
    let scope = match parse_route(parts.method.as_str(), parts.uri.path()) {
        Ok(berth_oci::Route::Catalog) => Some("registry:catalog:*".to_owned()),
        Ok(route) => route.name().map(|name| {
            // Uploads are cancelled by those who push.
            let upload = matches!(route, berth_oci::Route::Upload { .. });
            let action = if upload { "pull,push" } else { action };
            format!("repository:{name}:{action}")
        }),
        Err(_) => None,
    };
    RegistryError::Unauthorized {
        scope,
        insufficient: false,
        message: "log in to use this registry".to_owned(),
    }
}

impl Registry {
    /// Lets a call through that may do `action` ("pull", "push", "delete") in a repository.
    pub(super) async fn allow(
        &self,
        call: &Call,
        name: &RepositoryName,
        action: &'static str,
    ) -> Result<(), RegistryError> {
        if self.may(&call.actor, name, action).await? {
            return Ok(());
        }
        Box::pin(self.refuse(call, name, action)).await
    }

    async fn refuse(
        &self,
        call: &Call,
        name: &RepositoryName,
        action: &'static str,
    ) -> Result<(), RegistryError> {
        let user = self.holder(&call.actor).await?;
        if let Actor::User(user_facts) = &user
            && user_facts.sysadmin
            && self
                .inner
                .catalog
                .project_facts(&user, name.project())
                .await?
                .is_none()
        {
            // Others are not told whether a project exists.
            return Err(RegistryError::ProjectUnknown(name.project().to_owned()));
        }
        let who = match call.actor.name() {
            "" => "anonymous callers".to_owned(),
            name if call.actor.robot_id().is_some() => format!("robot {name}"),
            name => format!("user {name}"),
        };
        let needed = if call.actor.robot_id().is_some() {
            "to give it the permission"
        } else {
            "for a role that may"
        };
        let message = format!(
            "{who} may not {action} in {name}: ask an administrator of project {} {needed}",
            name.project()
        );
        match &call.actor {
            Actor::User(_) | Actor::Robot(_) => Err(RegistryError::Denied(message)),
            Actor::Anonymous | Actor::Token(_) => {
                let actions = if action == "push" {
                    "pull,push"
                } else {
                    action
                };
                Err(RegistryError::Unauthorized {
                    scope: Some(format!("repository:{name}:{actions}")),
                    insufficient: matches!(call.actor, Actor::Token(_)),
                    message,
                })
            }
        }
    }

    async fn may(
        &self,
        actor: &Actor,
        name: &RepositoryName,
        action: &'static str,
    ) -> Result<bool, RegistryError> {
        match actor {
            Actor::Token(claims) => Ok(claims.allows(name.as_str(), action)),
            Actor::User(_) | Actor::Robot(_) | Actor::Anonymous => {
                let facts = self.inner.catalog.project_facts(actor, name.project());
                let facts = Box::pin(facts).await?;
                let wanted: Option<Permission> = permission(action);
                Ok(facts
                    .zip(wanted)
                    .is_some_and(|(facts, wanted)| allows(actor, &facts, wanted)))
            }
        }
    }

    /// Whether a caller may pull from a repository.
    pub(crate) async fn may_pull(
        &self,
        actor: &Actor,
        name: &RepositoryName,
    ) -> Result<bool, RegistryError> {
        let Actor::Token(claims) = actor else {
            return self.may(actor, name, "pull").await;
        };
        // The token may have been asked for the target alone; the user's own rights decide.
        let user = self.holder(actor).await?;
        if self.may(&user, name, "pull").await? {
            return Ok(true);
        }
        if !self.may(actor, name, "pull").await? {
            return Ok(false);
        }
        let facts = self
            .inner
            .catalog
            .project_facts(&user, name.project())
            .await?;
        Ok(facts.is_some_and(|facts| !is_older(claims, facts.created_at)))
    }

    /// Refuses a token that is older than the project of a repository that is only read about:
    /// what is pulled brings the project's age with it.
    pub(super) async fn refuse_older(
        &self,
        call: &Call,
        name: &RepositoryName,
    ) -> Result<(), RegistryError> {
        if !matches!(call.actor, Actor::Token(_)) {
            return Ok(());
        }
        let user = self.holder(&call.actor).await?;
        let facts = self
            .inner
            .catalog
            .project_facts(&user, name.project())
            .await?;
        facts.map_or(Ok(()), |facts| call.not_older_than(facts.created_at))
    }

    /// The user or the robot a token was issued to, as they are now; refused when the account is
    /// gone or has another password since.
    pub(crate) async fn holder(&self, actor: &Actor) -> Result<Actor, RegistryError> {
        match actor {
            Actor::Token(claims) => Ok(self.inner.iam.holder(claims).await?),
            Actor::User(_) | Actor::Robot(_) | Actor::Anonymous => Ok(actor.clone()),
        }
    }

    /// Lets a push through and says who pushes into which project.
    pub(super) async fn pusher(
        &self,
        call: &Call,
        name: &RepositoryName,
        action: &'static str,
    ) -> Result<Pusher, RegistryError> {
        self.allow(call, name, action).await?;
        let user = self.holder(&call.actor).await?;
        let facts: ProjectFacts = self
            .inner
            .catalog
            .project_facts(&user, name.project())
            .await?
            .ok_or_else(|| RegistryError::ProjectUnknown(name.project().to_owned()))?;
        call.not_older_than(facts.created_at)?;
        Ok(Pusher {
            name: call.actor.name().to_owned(),
            address: call.address,
            project: facts.id,
        })
    }
}

/// Whether a token was issued before the project was made. Tokens tell whole seconds.
fn is_older(claims: &Claims, project_created_at: Timestamp) -> bool {
    claims.issued_at().seconds() < project_created_at.seconds()
}

impl Call {
    /// Refuses a token that is older than the project: it was issued for another of that name.
    pub(super) fn not_older_than(
        &self,
        project_created_at: Timestamp,
    ) -> Result<(), RegistryError> {
        let Actor::Token(claims) = &self.actor else {
            return Ok(());
        };
        if !is_older(claims, project_created_at) {
            return Ok(());
        }
        Err(RegistryError::Unauthorized {
            scope: None,
            insufficient: false,
            message: "the token is older than the project: get a new one".to_owned(),
        })
    }
}
