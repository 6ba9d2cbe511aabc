//! Why something could not be sent or was not answered.

use std::net::IpAddr;
use std::time::Duration;

use berth_model::{Code, Coded};

/// An error of the client.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// An address that cannot be called.
    #[error("{address:?} cannot be called: {reason}")]
    Address {
        /// As it was given, without credentials.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An address that the configuration does not allow.
    #[error(
        "{host} is at {address}, which is not a public address: this server calls such addresses \
         only when its operator lists them in egress.allow"
    )]
    Forbidden {
        /// The host that was to be called.
        host: String,
        /// Where it is.
        address: IpAddr,
    },
    /// A name without an address.
    #[error("the host {0} is not known: {1}")]
    Unresolved(String, String),
    /// More redirects than are followed.
    #[error("the answer was a redirect for the {0}th time: give the final address instead")]
    Redirects(usize),
    /// A redirect that cannot be followed.
    #[error("the answer was a redirect that is not followed: {0}")]
    Redirect(String),
    /// No whole answer in time.
    #[error("there was no whole answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// An answer larger than what is read.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// The client cannot be set up as configured.
    #[error("{0}")]
    Setup(String),
    /// What came could not be written down.
    #[error("the answer could not be written to a file: {0}")]
    File(String),
}

impl EgressError {
    /// Whether trying again later cannot help.
    pub const fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Address { .. }
                | Self::Forbidden { .. }
                | Self::Redirects(_)
                | Self::Redirect(_)
                | Self::TooLarge(_)
                | Self::Setup(_)
        )
    }
}

impl Coded for EgressError {
    fn code(&self) -> Code {
        match self {
            Self::Setup(_) => Code::Unknown,
            _ => Code::BadRequest,
        }
    }
}

/// All that an error and its causes say.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = inner.source();
    }
    text
}
