//! What can go wrong with accounts and logins.

use berth_crypto::CryptoError;
use berth_db::DbError;
use berth_model::{Code, Coded, GroupId, NameError, Reason, UserId};

use crate::access::Refusal;
use crate::authority::{AuthorityError, TokenError};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum IamError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The signing keys cannot be used.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The key file cannot be used.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// A token is not believed.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The caller may not.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A name or password breaks the rules.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An `Authorization` header that says nothing usable.
    #[error("the Authorization header cannot be read: send Basic or Bearer credentials")]
    Malformed,
    /// No such user, or another password: the same words, so that names cannot be tried out.
    #[error("the user name or the password is wrong")]
    Credentials,
    /// A refresh token that is unknown, expired or revoked.
    #[error("the refresh token is not valid any more: log in again")]
    Refresh,
    /// A robot that is switched off. Said to those who know its secret only.
    #[error("the robot account is disabled: ask whoever manages it")]
    RobotDisabled,
    /// A robot whose time is over. Said to those who know its secret only.
    #[error("the robot account has expired: ask whoever manages it for a longer duration")]
    RobotExpired,
    /// A token whose holder may not use it any more.
    #[error("the account of this token is gone or was changed since: log in again")]
    Revoked,
    /// Too many failed logins.
    #[error("too many failed logins, try again in {0} s")]
    Locked(u64),
    /// Too many accounts made by visitors.
    #[error("too many accounts were made from here, try again in {0} s")]
    Registrations(u64),
    /// More logins at once than are worked on.
    #[error("too many logins at the same time, try again")]
    Busy,
    /// No such user.
    #[error("there is no user with id {0}")]
    NotFound(UserId),
    /// No such group.
    #[error("there is no user group with id {0}")]
    GroupNotFound(GroupId),
    /// There is such a group.
    #[error("this user group exists already")]
    GroupTaken,
    /// Another user has this name or address.
    #[error("a user with this {0} exists")]
    Taken(&'static str),
    /// A value of a profile that cannot be.
    #[error("{0}")]
    Profile(&'static str),
    /// A change that would leave the system without its owner.
    #[error("{0}")]
    Protected(&'static str),
    /// The old password does not match.
    #[error("the current password is wrong")]
    OldPassword,
    /// The new password is the old one.
    #[error("the new password is the same as the current one")]
    SamePassword,
    /// A `q` or `sort` that cannot be used.
    #[error("{0}")]
    Query(String),
    /// A password could not be hashed, or a stored hash not be read.
    #[error("password hashing failed: {0}")]
    Hash(String),
}

impl Coded for IamError {
    fn code(&self) -> Code {
        match self {
            Self::Db(error) => error.code(),
            Self::Authority(error) => error.code(),
            Self::Crypto(error) => error.code(),
            Self::Token(error) => error.code(),
            Self::Refused(error) => error.code(),
            Self::Malformed
            | Self::Credentials
            | Self::Refresh
            | Self::RobotDisabled
            | Self::RobotExpired
            | Self::Revoked => Code::Unauthorized,
            Self::Locked(_) | Self::Registrations(_) | Self::Busy => Code::TooManyRequests,
            Self::NotFound(_) | Self::GroupNotFound(_) => Code::NotFound,
            Self::Taken(_) | Self::GroupTaken => Code::Conflict,
            Self::Protected(_) | Self::OldPassword => Code::Forbidden,
            Self::Name(_) | Self::Profile(_) | Self::SamePassword | Self::Query(_) => {
                Code::BadRequest
            }
            Self::Hash(_) => Code::Unknown,
        }
    }

    fn reason(&self) -> Option<Reason> {
        Some(match self {
            Self::Name(error) => Reason::named(error.reason()),
            Self::Credentials => Reason::named("credentials"),
            Self::Locked(seconds) => Reason::with("locked", "seconds", seconds),
            Self::Registrations(seconds) => Reason::with("registrations", "seconds", seconds),
            Self::Busy => Reason::named("busy"),
            Self::Taken("username") => Reason::named("user_name_taken"),
            Self::Taken(_) => Reason::named("user_email_taken"),
            Self::GroupTaken => Reason::named("group_taken"),
            Self::OldPassword => Reason::named("old_password"),
            Self::SamePassword => Reason::named("same_password"),
            _ => return None,
        })
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Locked(seconds) | Self::Registrations(seconds) => Some(*seconds),
            Self::Busy => Some(1),
            Self::Db(error) => error.retry_after(),
            _ => None,
        }
    }
}
