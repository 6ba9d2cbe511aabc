//! What came back from the server, read whole.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

/// A response with its body.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The answer, which has this status, or a failure that shows it.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The answer, which is an error of the registry with this status and first code.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!(
            (self.status, self.code().as_deref()),
            (status, Some(code)),
            "{}",
            self.text()
        );
        self
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().unwrap())
    }

    /// A header that must be there.
    #[track_caller]
    pub(crate) fn need(&self, name: &str) -> &str {
        let Some(value) = self.header(name) else {
            panic!("no {name} in {:?}", self.headers);
        };
        value
    }

    /// Every value of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let values = self.headers.get_all(name).iter();
        values.map(|value| value.to_str().unwrap()).collect()
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let parsed = serde_json::from_slice(&self.body);
        parsed.unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text, with the status, for people.
    pub(crate) fn text(&self) -> String {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(2000)]);
        format!("{} {body}", self.status)
    }

    /// The first error's code.
    pub(crate) fn code(&self) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        Some(body["errors"][0]["code"].as_str()?.to_owned())
    }

    /// The path and query of the `Link` header.
    pub(crate) fn next(&self) -> Option<String> {
        let link = self.header("link")?;
        let (target, rel) = link.split_once('>').unwrap();
        assert!(rel.contains("rel=\"next\""), "{link}");
        Some(target.strip_prefix('<').unwrap().to_owned())
    }
}
