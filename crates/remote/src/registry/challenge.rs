//! What a server wants to see: `WWW-Authenticate` (RFC 9110, section 11.6.1), one challenge a line.

/// A challenge.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    /// In lower case.
    pub(super) scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// Reads the first challenge of a line; what is no parameter ends it.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        let (scheme, mut rest) = line.split_once(' ').unwrap_or((line, ""));
        if scheme.is_empty() || !scheme.bytes().all(|it| it.is_ascii_alphanumeric()) {
            return None;
        }
        let mut parameters = Vec::new();
        while let Some((key, after)) = rest.split_once('=') {
            let key = key.trim_matches([' ', ',', '\t']).to_ascii_lowercase();
            if key.is_empty() || key.contains(' ') {
                break;
            }
            let (value, after) = value(after.trim_start());
            parameters.push((key, value));
            rest = after;
        }
        Some(Self {
            scheme: scheme.to_ascii_lowercase(),
            parameters,
        })
    }

    /// A parameter.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == key)?;
        Some(&found.1)
    }
}

/// A value, quoted or not, and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, letter) in quoted.char_indices() {
        match letter {
            _ if escaped => {
                value.push(letter);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return (value, &quoted[at + 1..]),
            _ => value.push(letter),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let challenge = Challenge::parse(
            r#"Bearer realm="https://example.org/token",service="a, \"b\"",scope="repository:a/b:pull,push""#,
        )
        .unwrap();
        assert_eq!(challenge.scheme, "bearer");
        assert_eq!(challenge.get("realm"), Some("https://example.org/token"));
        assert_eq!(challenge.get("service"), Some(r#"a, "b""#));
        assert_eq!(challenge.get("scope"), Some("repository:a/b:pull,push"));
        assert_eq!(challenge.get("error"), None);
        let bare = Challenge::parse("BASIC realm=registry, charset=\"UTF-8\"").unwrap();
        assert_eq!(
            (&*bare.scheme, bare.get("charset")),
            ("basic", Some("UTF-8"))
        );
        assert_eq!(Challenge::parse("Negotiate").unwrap().scheme, "negotiate");
        for none in ["", "  ", "\"", "=,"] {
            assert_eq!(Challenge::parse(none), None, "{none}");
        }
        // Whatever it is, it is read to its end.
        for odd in [
            "a =",
            "a b=\"",
            "a b=\"\\",
            "a ,,,=1",
            "a b=1 c=2",
            "a b===",
        ] {
            let _ = Challenge::parse(odd);
        }
    }
}
