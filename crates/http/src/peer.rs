//! Who is calling: the peer of the connection and the client behind trusted proxies.
//!
//! Invariant: a forwarding header counts only when the hop that sent it is trusted, so a client
//! cannot choose the address it is logged and limited by.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use http::HeaderValue;
use http::{HeaderMap, HeaderName, header::GetAll};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Most hops that are followed through `X-Forwarded-For`.
const HOPS: usize = 16;

/// The connection a request came in on, a request extension set by [`serve`](crate::serve).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnInfo {
    /// The other end of the socket.
    pub peer: SocketAddr,
    /// Whether this server ended TLS.
    pub tls: bool,
}

/// The client as the application sees it, a request extension set by [`observe`](crate::observe).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddr {
    /// The client's address, behind trusted proxies if there are any.
    pub ip: IpAddr,
    /// Whether the client speaks HTTPS, to this server or to a trusted proxy.
    pub https: bool,
}

/// The networks whose forwarding headers are believed.
#[derive(Clone, Debug)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Trusts exactly `networks`.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(networks.into_iter().collect())
    }

    /// Trusts nobody: the peer is the client.
    pub fn none() -> Self {
        Self::new([])
    }

    /// The client of a request that came in on `conn` with `headers`.
    pub fn resolve(&self, conn: ConnInfo, headers: &HeaderMap) -> ClientAddr {
        const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
        const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

        let peer = conn.peer.ip().to_canonical();
        if !self.trusts(peer) {
            return ClientAddr {
                ip: peer,
                https: conn.tls,
            };
        }
        let ip = self.client_of(peer, headers.get_all(FOR));
        // The last entry is the one the nearest, trusted proxy wrote.
        let https = match headers.get_all(PROTO).iter().next_back() {
            Some(value) => last_entry(value).eq_ignore_ascii_case("https"),
            None => conn.tls,
        };
        ClientAddr { ip, https }
    }

    fn trusts(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&ip))
    }

    /// Walks from the nearest hop outwards and stops at the first that is not trusted.
    fn client_of(&self, peer: IpAddr, forwarded: GetAll<'_, HeaderValue>) -> IpAddr {
        let mut client = peer;
        let hops = forwarded
            .iter()
            .rev()
            .flat_map(|value| value.to_str().unwrap_or("?").rsplit(','))
            .take(HOPS);
        for hop in hops {
            let Some(ip) = parse_hop(hop.trim()) else {
                break;
            };
            client = ip;
            if !self.trusts(ip) {
                break;
            }
        }
        client
    }
}

impl Default for TrustedProxies {
    /// Trusts the loopback addresses.
    fn default() -> Self {
        Self::new([
            IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8)),
            IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)),
        ])
    }
}

fn last_entry(value: &HeaderValue) -> &str {
    value
        .to_str()
        .unwrap_or_default()
        .rsplit(',')
        .next()
        .unwrap_or_default()
        .trim()
}

/// Reads `1.2.3.4`, `1.2.3.4:567`, `::1`, `[::1]` and `[::1]:567`.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    bare.parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .ok()
        .map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(
        proxies: &TrustedProxies,
        peer: &str,
        headers: &[(&'static str, &str)],
    ) -> (String, bool) {
        let conn = ConnInfo {
            peer: SocketAddr::new(peer.parse().unwrap(), 4000),
            tls: false,
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let client = proxies.resolve(conn, &map);
        (client.ip.to_string(), client.https)
    }

    #[test]
    fn strangers_are_not_believed() {
        let headers = [
            ("x-forwarded-for", "10.9.9.9"),
            ("x-forwarded-proto", "https"),
        ];
        let got = resolve(&TrustedProxies::default(), "203.0.113.7", &headers);
        assert_eq!(got, ("203.0.113.7".into(), false));
        let got = resolve(&TrustedProxies::none(), "127.0.0.1", &headers);
        assert_eq!(got, ("127.0.0.1".into(), false));
    }

    #[test]
    fn the_nearest_untrusted_hop_is_the_client() {
        let proxies = TrustedProxies::new([
            "127.0.0.0/8".parse().unwrap(),
            "10.0.0.0/8".parse().unwrap(),
        ]);
        for (forwarded, client) in [
            ("198.51.100.1", "198.51.100.1"),
            // The client wrote the first entry itself.
            ("1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
            ("198.51.100.1:5432", "198.51.100.1"),
            ("[2001:db8::1]:99", "2001:db8::1"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("198.51.100.1, junk, 10.0.0.2", "10.0.0.2"),
            ("", "127.0.0.1"),
        ] {
            let got = resolve(&proxies, "127.0.0.1", &[("x-forwarded-for", forwarded)]);
            assert_eq!(got.0, client, "{forwarded}");
        }
        // Several lines are one list.
        let lines = [
            ("x-forwarded-for", "198.51.100.1"),
            ("x-forwarded-for", "10.0.0.2"),
        ];
        assert_eq!(
            resolve(&proxies, "::ffff:127.0.0.1", &lines).0,
            "198.51.100.1"
        );
    }

    #[test]
    fn the_walk_is_bounded() {
        let proxies = TrustedProxies::new(["0.0.0.0/0".parse().unwrap()]);
        let long = vec!["9.9.9.9"; 5_000].join(",") + &",10.0.0.1".repeat(HOPS);
        assert_eq!(
            resolve(&proxies, "127.0.0.1", &[("x-forwarded-for", &long)]).0,
            "10.0.0.1"
        );
    }

    #[test]
    fn the_nearest_proxy_says_whether_it_is_https() {
        let proxies = TrustedProxies::default();
        for (value, https) in [
            ("https", true),
            ("HTTPS", true),
            ("http", false),
            ("http, https", true),
            ("https, http", false),
        ] {
            assert_eq!(
                resolve(&proxies, "::1", &[("x-forwarded-proto", value)]).1,
                https,
                "{value}"
            );
        }
    }
}
