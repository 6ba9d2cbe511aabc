//! Which addresses a connection may end at.
//!
//! Invariant: what is not known to be a public unicast address is not one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};

/// Networks that are not the public internet (IANA's special-purpose registry), and addresses in
/// public ranges at which clouds serve a machine's own secrets.
const SPECIAL: [([u8; 4], u8); 17] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([168, 63, 129, 16], 32),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 31, 196, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// Whether an address is a public unicast one.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !SPECIAL
        .iter()
        .any(|(network, length)| Ipv4Net::new_assert((*network).into(), *length).contains(&address))
}

/// The address that a mapped or translated one leads to.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let parts = address.segments();
    let last = Ipv4Addr::from(((u32::from(parts[6])) << 16) | u32::from(parts[7]));
    match parts {
        // IPv4-mapped, and the well-known prefix of NAT64.
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(last),
        _ => None,
    }
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Protocol assignments (Teredo among them), documentation, 6to4.
        [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
        [0x2002 | 0x3ffe, ..] => false,
        [0x3fff, second, ..] => second >= 0x1000,
        // Global unicast as far as it is handed out: 2000::/3.
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

/// Whether an address is in a network of one's own: not this machine, not its link, and not where a
/// cloud serves a machine's secrets.
pub(crate) fn is_private(address: IpAddr) -> bool {
    const SECRETS_V4: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
    const SECRETS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    let private_v4 = |address: Ipv4Addr| {
        let shared = Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10);
        address != SECRETS_V4 && (address.is_private() || shared.contains(&address))
    };
    match address {
        IpAddr::V4(address) => private_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => private_v4(inner),
            None => address != SECRETS_V6 && address.segments()[0] & 0xfe00 == 0xfc00,
        },
    }
}

/// What the configuration allows beyond public addresses.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    networks: Vec<IpNet>,
    hosts: Vec<String>,
}

/// An entry that is neither a network nor a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a network like 10.0.0.0/8, an address, or the name of a host")]
pub struct AllowedError(String);

impl Allowed {
    /// Reads networks, addresses and names of hosts.
    pub fn parse<T: AsRef<str>>(entries: &[T]) -> Result<Self, AllowedError> {
        let mut allowed = Self::default();
        for entry in entries {
            let entry = entry.as_ref().trim();
            let network = entry
                .parse::<IpNet>()
                .or_else(|_| entry.parse::<IpAddr>().map(IpNet::from));
            match network {
                Ok(network) => allowed.networks.push(network),
                Err(_) if is_name(entry) => allowed.hosts.push(name_of(entry)),
                Err(_) => return Err(AllowedError(entry.to_owned())),
            }
        }
        Ok(allowed)
    }

    /// Whether a connection to the host of this name may end at any address.
    pub fn has_host(&self, host: &str) -> bool {
        let host = name_of(host);
        self.hosts.contains(&host)
    }

    /// Whether a connection may end at this address.
    pub fn has_address(&self, address: IpAddr) -> bool {
        let inner = match address {
            IpAddr::V6(outer) => embedded(outer).map(IpAddr::V4),
            IpAddr::V4(_) => None,
        };
        let named = |address: IpAddr| self.networks.iter().any(|net| net.contains(&address));
        is_public(address) || named(address) || inner.is_some_and(named)
    }
}

/// A name as names are compared: a last dot and the case say nothing.
fn name_of(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn is_name(text: &str) -> bool {
    let letters = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    // What is all digits and dots is a mistyped address and not a name.
    (1..=253).contains(&text.len())
        && text.bytes().all(letters)
        && text.bytes().any(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn private_networks_are_neither_this_machine_nor_secrets() {
        let private = |text: &str| is_private(text.parse().unwrap());
        for address in [
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "fd12::1",
        ] {
            assert!(private(address), "{address}");
        }
        for address in [
            "127.0.0.1",
            "::1",
            "0.0.0.0",
            "169.254.169.254",
            "fe80::1",
            "100.100.100.200",
            "fd00:ec2::254",
            "224.0.0.1",
            "255.255.255.255",
            "8.8.8.8",
            "::ffff:169.254.169.254",
        ] {
            assert!(!private(address), "{address}");
        }
    }

    #[test]
    fn special_addresses_are_not_public() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::808:808",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2001:10::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "11.0.0.1",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "223.255.255.254",
            "168.63.129.17",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "2a00:1450:4001::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn what_is_allowed_is_what_was_named() {
        let allowed =
            Allowed::parse(&["10.0.0.0/8", "192.168.7.7", "fd00::/8", "Hooks.Internal"]).unwrap();
        for address in [
            "10.9.9.9",
            "::ffff:10.1.1.1",
            "192.168.7.7",
            "fd12::1",
            "8.8.8.8",
        ] {
            assert!(allowed.has_address(address.parse().unwrap()), "{address}");
        }
        for address in ["192.168.7.8", "127.0.0.1", "fe80::1", "::1"] {
            assert!(!allowed.has_address(address.parse().unwrap()), "{address}");
        }
        assert!(allowed.has_host("hooks.internal."));
        assert!(!allowed.has_host("a.hooks.internal"));
        for wrong in [
            "",
            "10.0.0.0/33",
            "1.2.3",
            "a b",
            "http://x",
            "*.internal",
            "[::1]",
        ] {
            assert!(Allowed::parse(&[wrong]).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_mapped_address_is_judged_as_the_one_it_leads_to(bits: u32) {
            let inner = Ipv4Addr::from(bits);
            prop_assert_eq!(
                is_public(IpAddr::V6(inner.to_ipv6_mapped())),
                is_public(IpAddr::V4(inner))
            );
        }

        #[test]
        fn only_global_unicast_and_translations_are_public(bits: u128) {
            let address = Ipv6Addr::from(bits);
            if is_public(IpAddr::V6(address)) {
                let first = address.segments()[0];
                prop_assert!((0x2000..0x4000).contains(&first) || embedded(address).is_some());
            }
        }
    }
}
