//! Where audit lines go, as the setting has it.

use crate::NotifyError;

/// How lines travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Udp,
    Tcp,
    Tls,
}

/// A log server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) transport: Transport,
    pub(super) host: String,
    pub(super) port: u16,
}

impl Destination {
    /// Reads `host:port`, perhaps after `tcp://`, `udp://` or `tls://`; TCP where nothing is said.
    pub(super) fn parse(text: &str) -> Result<Self, NotifyError> {
        let (transport, rest) = match text.split_once("://") {
            Some(("udp", rest)) => (Transport::Udp, rest),
            Some(("tls", rest)) => (Transport::Tls, rest),
            Some(("tcp", rest)) => (Transport::Tcp, rest),
            _ => (Transport::Tcp, text),
        };
        let read = rest
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let Some((host, port)) = read else {
            return Err(NotifyError::Invalid(format!(
                "{text:?} is no log server: write host:port, perhaps after tcp://, udp:// or tls://"
            )));
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Self {
            transport,
            host: host.to_owned(),
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_setting_allows_them() {
        let read = |text: &str| {
            let found = Destination::parse(text).unwrap();
            (found.transport, found.host, found.port)
        };
        let logs = "logs.example".to_owned();
        assert_eq!(
            read("logs.example:514"),
            (Transport::Tcp, logs.clone(), 514)
        );
        assert_eq!(
            read("udp://logs.example:5"),
            (Transport::Udp, logs.clone(), 5)
        );
        assert_eq!(
            read("tls://logs.example:6514"),
            (Transport::Tls, logs, 6514)
        );
        assert_eq!(
            read("tcp://[::1]:601"),
            (Transport::Tcp, "::1".to_owned(), 601)
        );
        assert!(Destination::parse("logs.example").is_err());
    }
}
