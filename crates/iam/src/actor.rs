//! [`Actor`]: who a request is made by, once its credentials have been checked.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::FromRequestParts;
use berth_http::ApiError;
use berth_model::{Code, RobotId, UserId};
use http::request::Parts;

use crate::authority::Claims;
use crate::robots::Robot;

/// A user whose credentials were checked for this request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The row of `user_account`.
    pub id: UserId,
    /// The login name.
    pub name: String,
    /// Whether the user administers the whole system.
    pub sysadmin: bool,
}

/// Who a request is made by. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Actor {
    /// Nobody in particular: no credentials were sent.
    Anonymous,
    /// A user, by password.
    User(Arc<User>),
    /// A robot, by its secret: who may do what its permissions say and nothing else.
    Robot(Arc<Robot>),
    /// The holder of a token of our own, who may do what the token says and nothing else.
    Token(Arc<Claims>),
}

impl Actor {
    /// The name to show and to log; empty for anonymous.
    pub fn name(&self) -> &str {
        match self {
            Self::Anonymous => "",
            Self::User(user) => &user.name,
            Self::Robot(robot) => &robot.name,
            Self::Token(claims) => claims.subject(),
        }
    }

    /// The user behind the credentials, whichever they were.
    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Self::Anonymous | Self::Robot(_) => None,
            Self::User(user) => Some(user.id),
            Self::Token(claims) => claims.user_id(),
        }
    }

    /// The robot behind the credentials, whichever they were.
    pub fn robot_id(&self) -> Option<RobotId> {
        match self {
            Self::Anonymous | Self::User(_) => None,
            Self::Robot(robot) => Some(robot.id),
            Self::Token(claims) => claims.robot_id(),
        }
    }

    /// The user, if one logged in by password.
    pub fn user(&self) -> Option<&User> {
        match self {
            Self::User(user) => Some(user),
            Self::Anonymous | Self::Robot(_) | Self::Token(_) => None,
        }
    }

    /// The robot, if one logged in by its secret.
    pub fn robot(&self) -> Option<&Robot> {
        match self {
            Self::Robot(robot) => Some(robot),
            Self::Anonymous | Self::User(_) | Self::Token(_) => None,
        }
    }

    /// Whether there are no credentials, or only a token that was given to nobody in particular.
    pub fn is_anonymous(&self) -> bool {
        match self {
            Self::Anonymous => true,
            Self::User(_) | Self::Robot(_) => false,
            Self::Token(claims) => claims.user_id().is_none() && claims.robot_id().is_none(),
        }
    }
}

/// The actor and where the request comes from; a request extension that the authentication layer
/// sets on every request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// From where, behind trusted proxies.
    pub address: IpAddr,
    /// A line of the access log was begun for this request.
    noted: Arc<AtomicBool>,
}

impl Caller {
    /// Who calls from where.
    pub fn new(actor: Actor, address: IpAddr) -> Self {
        Self {
            actor,
            address,
            noted: Arc::default(),
        }
    }

    /// A line of the access log speaks of this request.
    pub(crate) fn note(&self) {
        self.noted.store(true, Ordering::Relaxed);
    }

    /// Whether a line of the access log speaks of this request, so that the gate writes none.
    pub fn is_noted(&self) -> bool {
        self.noted.load(Ordering::Relaxed)
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // A route that is served without the authentication layer must not be taken for anonymous.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            ApiError::new(
                Code::Unknown,
                "the authentication layer is missing before this route",
            )
        })
    }
}
