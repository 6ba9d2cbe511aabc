//! [`RequestId`] joins an answer, its access line and its errors.
//!
//! Invariant: an id is 1 to 64 characters of `[A-Za-z0-9._-]`, so it can be logged and echoed
//! as it stands.

use std::cell::Cell;
use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::{Builder, Uuid};

/// The id of one request, a request extension set by [`observe`](crate::observe).
#[derive(Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The header the id travels in, both ways (Harbor API conventions).
    pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");
    const LONGEST: usize = 64;

    /// The client's id if it is well formed, else a new one.
    pub fn of(headers: &HeaderMap) -> Self {
        headers
            .get(&Self::HEADER)
            .filter(|value| is_sane(value.as_bytes()))
            .map_or_else(Self::random, |value| Self(value.clone()))
    }

    /// A new random id (a UUID, version 4).
    pub fn random() -> Self {
        let mut text = Uuid::encode_buffer();
        let text = next_uuid().hyphenated().encode_lower(&mut text);
        Self(HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("0")))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The id as a header value, without copying it.
    pub fn header_value(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

fn is_sane(id: &[u8]) -> bool {
    (1..=RequestId::LONGEST).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// One system call a thread, not one a request: ids must be unique, not secret.
fn next_uuid() -> Uuid {
    thread_local! {
        static STATE: Cell<(u64, u64)> = Cell::new(Uuid::new_v4().as_u64_pair());
    }
    let (high, low) = STATE.get();
    let (high, low) = (
        high.wrapping_add(0x9e37_79b9_7f4a_7c15),
        low.wrapping_add(0xd1b5_4a32_d192_ed03),
    );
    STATE.set((high, low));
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&mix(high ^ low.rotate_left(32)).to_be_bytes());
    bytes[8..].copy_from_slice(&mix(low).to_be_bytes());
    Builder::from_random_bytes(bytes).into_uuid()
}

/// Spreads a counter over all bits (the finaliser of SplitMix64).
const fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn given(id: &str) -> HeaderMap {
        HeaderMap::from_iter([(RequestId::HEADER, HeaderValue::from_str(id).unwrap())])
    }

    #[test]
    fn a_sane_id_is_kept_and_any_other_replaced() {
        for id in ["a", "trace-1.2_3", &"x".repeat(64)] {
            assert_eq!(RequestId::of(&given(id)).as_str(), id);
        }
        for id in ["", "two words", "a/b", &"x".repeat(65)] {
            assert_eq!(RequestId::of(&given(id)).as_str().len(), 36, "{id}");
        }
    }

    #[test]
    fn new_ids_are_version_4_and_differ() {
        let ids: HashSet<String> = (0..10_000)
            .map(|_| RequestId::random().as_str().to_owned())
            .collect();
        assert_eq!(ids.len(), 10_000);
        for id in ids {
            assert_eq!(Uuid::parse_str(&id).unwrap().get_version_num(), 4);
        }
    }
}
