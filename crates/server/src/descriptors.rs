//! Open files: as many as the system lets this process have, shared out.
//!
//! Invariant: connections alone never use up what files and the database need, so that a crowd of
//! clients waits in the kernel's queue and those who were let in are served whole.

use berth_model::Limits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard one and gives the number of connections that may be open.
pub(crate) fn for_connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files could not be raised");
            limit.current
        }
    };
    let connections = share(allowed);
    if connections < Limits::CONNECTIONS {
        tracing::info!(
            open_files = allowed,
            connections,
            "fewer connections than usual, because the system allows few open files"
        );
    }
    connections
}

/// Three quarters of what is allowed; the rest is for files and the database.
fn share(allowed: Option<u64>) -> usize {
    let Some(allowed) = allowed.and_then(|allowed| usize::try_from(allowed).ok()) else {
        return Limits::CONNECTIONS;
    };
    (allowed - allowed / 4).clamp(1, Limits::CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_is_left_for_files() {
        assert_eq!(share(None), Limits::CONNECTIONS);
        assert_eq!(share(Some(1 << 20)), Limits::CONNECTIONS);
        assert_eq!(share(Some(1_024)), 768);
        assert_eq!(share(Some(0)), 1);
    }
}
