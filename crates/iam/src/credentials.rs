//! The `Authorization` header, read (RFC 7617, RFC 6750).
//!
//! Invariant: nothing in it is trusted, and what is longer than any credential is not decoded.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use berth_model::Secret;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::IamError;

/// Longest Basic header: a name of 255 and a password of 128 characters of four bytes, in base64.
const LONGEST_BASIC: usize = 2304;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a request proves itself with.
#[derive(Debug)]
pub(crate) enum Credentials<'a> {
    Basic {
        name: String,
        password: Secret<String>,
    },
    Bearer(&'a str),
}

pub(crate) fn read(header: &HeaderValue) -> Result<Credentials<'_>, IamError> {
    let text = header.to_str().map_err(|_| IamError::Malformed)?;
    let (scheme, rest) = text.split_once(' ').ok_or(IamError::Malformed)?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(Credentials::Bearer(rest))
    } else if scheme.eq_ignore_ascii_case("basic") {
        basic(rest).ok_or(IamError::Malformed)
    } else {
        Err(IamError::Malformed)
    }
}

fn basic(encoded: &str) -> Option<Credentials<'static>> {
    if encoded.len() > LONGEST_BASIC {
        return None;
    }
    let decoded = Zeroizing::new(BASE64.decode(encoded).ok()?);
    // The name ends at the first colon: names have none, passwords may.
    let (name, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Credentials::Basic {
        name: name.to_owned(),
        password: Secret::new(password.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic_of(text: &str) -> HeaderValue {
        HeaderValue::from_str(&format!("Basic {}", BASE64.encode(text))).unwrap()
    }

    #[test]
    fn credentials_are_read() {
        for (text, name, password) in [
            ("jane:Pass1", "jane", "Pass1"),
            ("王小明:pässword:1:2", "王小明", "pässword:1:2"),
            (":", "", ""),
        ] {
            let header = basic_of(text);
            let Ok(Credentials::Basic {
                name: n,
                password: p,
            }) = read(&header)
            else {
                panic!("{text}");
            };
            assert_eq!((n.as_str(), p.expose().as_str()), (name, password));
        }
        let unpadded = HeaderValue::from_static("basic YTpi");
        assert!(matches!(read(&unpadded), Ok(Credentials::Basic { .. })));
        let bearer = HeaderValue::from_static("BEARER a.b.c");
        assert!(matches!(read(&bearer), Ok(Credentials::Bearer("a.b.c"))));
    }

    #[test]
    fn the_longest_name_and_password_fit() {
        let text = format!("{}:{}", "𝒳".repeat(255), "𝒴".repeat(128));
        assert!(read(&basic_of(&text)).is_ok());
    }

    #[test]
    fn anything_else_is_malformed() {
        let long = format!("a:{}", "x".repeat(4_000));
        for header in [
            HeaderValue::from_static(""),
            HeaderValue::from_static("Basic"),
            HeaderValue::from_static("Basic !!!"),
            HeaderValue::from_static("Basic YWI="),
            HeaderValue::from_static("Basic //79/A=="),
            HeaderValue::from_static("Digest a:b"),
            HeaderValue::from_bytes(b"Basic \xff\xfe").unwrap(),
            basic_of(&long),
        ] {
            assert!(
                matches!(read(&header), Err(IamError::Malformed)),
                "{header:?}"
            );
        }
    }

    #[test]
    fn debug_hides_the_password() {
        let header = basic_of("jane:Hunter22");
        assert!(!format!("{:?}", read(&header)).contains("Hunter"));
    }
}
