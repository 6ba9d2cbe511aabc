//! The `Link` header that leads to the next page (OCI distribution 1.1, RFC 8288).
//!
//! Invariant: whatever the path and values hold, the header is one line of ASCII whose target
//! ends at the only `>`.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands for itself in a query value: `unreserved` of RFC 3986, section 2.3.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What may not stand in a path. `%` may: the path is encoded already where it must be.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Builds `</v2/p/r/tags/list?n=2&last=b>; rel="next"`.
pub fn next_link(path: &str, query: &[(&str, &str)]) -> String {
    let mut link = String::with_capacity(path.len() + 64);
    let mut separator = '?';
    // Writing to a String does not fail.
    let _ = write!(link, "<{}", utf8_percent_encode(path, PATH));
    for (key, value) in query {
        let _ = write!(
            link,
            "{separator}{}={}",
            utf8_percent_encode(key, QUERY),
            utf8_percent_encode(value, QUERY)
        );
        separator = '&';
    }
    link.push_str(">; rel=\"next\"");
    link
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links() {
        assert_eq!(
            next_link("/v2/p/r/tags/list", &[("n", "2"), ("last", "v1.0_a-b")]),
            "</v2/p/r/tags/list?n=2&last=v1.0_a-b>; rel=\"next\""
        );
        assert_eq!(
            next_link("/v2/_catalog", &[("last", "p/r")]),
            "</v2/_catalog?last=p%2Fr>; rel=\"next\""
        );
        assert_eq!(
            next_link("/x", &[("artifactType", "a/b+json; c=\"d\"&e")]),
            "</x?artifactType=a%2Fb%2Bjson%3B%20c%3D%22d%22%26e>; rel=\"next\""
        );
        assert_eq!(next_link("/x", &[]), "</x>; rel=\"next\"");
    }

    proptest! {
        #[test]
        fn nothing_breaks_out(path in ".{0,20}", key in ".{0,10}", value in ".{0,20}") {
            let link = next_link(&path, &[(&key, &value)]);
            prop_assert_eq!(link.matches('>').count(), 1);
            prop_assert!(link.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            let (_, rest) = link.split_once('?').unwrap();
            let (read_key, read) = rest.split_once('=').unwrap();
            let read = read.strip_suffix(">; rel=\"next\"").unwrap();
            let decode = |text: &str| {
                percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
            };
            prop_assert_eq!(decode(read_key), key);
            prop_assert_eq!(decode(read), value);
        }
    }
}
