//! Secrets in texts: one pass over the text for words that every secret has near it, and then the
//! pattern of the rule around each hit.

use std::sync::{LazyLock, OnceLock};

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};

use super::Finding;
use super::rules::RULES;
use crate::path::base;

/// A pattern is looked for on the line of its keyword and so far around it.
const BEFORE: usize = 128;
const AFTER: usize = 16 * 1024;

/// Findings of one file that are kept.
const MAX_OF_A_FILE: usize = 50;

/// Attempts of patterns on one file. A text made of keywords costs no more than this.
const MAX_ATTEMPTS: usize = 20_000;

struct Compiled {
    keywords: AhoCorasick,
    /// The rule of each keyword.
    of: Vec<usize>,
    /// The pattern of each rule, made when its keyword is met: most layers meet few, and a process
    /// reads one layer.
    patterns: Vec<OnceLock<Option<Regex>>>,
}

impl Compiled {
    fn pattern(&self, rule: usize) -> Option<&Regex> {
        let made = || compile(RULES[rule].pattern);
        self.patterns[rule].get_or_init(made).as_ref()
    }
}

fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).unicode(false).build().ok()
}

static COMPILED: LazyLock<Option<Compiled>> = LazyLock::new(|| {
    let pairs: Vec<(usize, &str)> = RULES
        .iter()
        .enumerate()
        .flat_map(|(index, rule)| rule.keywords.iter().map(move |keyword| (index, *keyword)))
        .collect();
    Some(Compiled {
        keywords: AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(pairs.iter().map(|(_, keyword)| keyword))
            .ok()?,
        of: pairs.iter().map(|(index, _)| *index).collect(),
        patterns: RULES.iter().map(|_| OnceLock::new()).collect(),
    })
});

/// Directories whose texts come from packages, or are examples.
const PASSED_OVER: [&str; 12] = [
    "usr/share/",
    "usr/include/",
    "usr/lib/",
    "usr/lib32/",
    "usr/lib64/",
    "lib/",
    "lib64/",
    "usr/local/go/",
    "usr/local/include/",
    "usr/local/lib/python",
    "var/lib/dpkg/",
    "var/lib/apt/",
];

/// Directories of that name anywhere.
const PASSED_OVER_ANYWHERE: [&str; 12] = [
    "node_modules",
    "site-packages",
    "dist-packages",
    "vendor",
    "test",
    "tests",
    "testdata",
    "__pycache__",
    "locale",
    "locales",
    "gems",
    ".git",
];

/// Whether a file is searched, by its path.
pub fn is_searched(path: &str) -> bool {
    let name = base(path);
    let (_, extension) = name.rsplit_once('.').unwrap_or_default();
    let passed_over = PASSED_OVER.iter().any(|prefix| path.starts_with(prefix))
        || path
            .rsplit('/')
            .skip(1)
            .any(|part| PASSED_OVER_ANYWHERE.contains(&part) || part.ends_with(".dist-info"));
    !passed_over
        && !matches!(
            extension,
            "md" | "po"
                | "mo"
                | "pyc"
                | "pyi"
                | "so"
                | "a"
                | "o"
                | "h"
                | "svg"
                | "css"
                | "map"
                | "gz"
                | "xz"
                | "zst"
                | "png"
                | "jpg"
                | "gif"
                | "woff"
                | "woff2"
                | "ttf"
                | "crt"
                | "sum"
        )
}

/// Secrets in a text, at most `most`.
pub fn search(path: &str, text: &[u8], most: usize) -> Vec<Finding> {
    let Some(compiled) = COMPILED.as_ref() else {
        return Vec::new();
    };
    let most = most.min(MAX_OF_A_FILE);
    let mut findings: Vec<Finding> = Vec::new();
    let mut lines = Lines::new(text);
    // How far each rule has looked: several keywords near each other are one attempt.
    let mut done = vec![0_usize; RULES.len()];
    let hits = compiled.keywords.find_overlapping_iter(text);
    for hit in hits.take(MAX_ATTEMPTS) {
        if findings.len() >= most {
            break;
        }
        let index = compiled.of[hit.pattern().as_usize()];
        if hit.start() < done[index] {
            continue;
        }
        let Some(pattern) = compiled.pattern(index) else {
            continue;
        };
        let rule = &RULES[index];
        let start = line_start(text, hit.start(), done[index]);
        let end = if rule.id == "private-key" || rule.id == "jwt" || rule.id == "pypi-token" {
            text.len().min(hit.end() + AFTER)
        } else {
            line_end(text, hit.end())
        };
        done[index] = end.max(hit.end());
        for captures in pattern.captures_iter(&text[start..end]) {
            let Some(secret) = captures.get(1) else {
                continue;
            };
            if findings.len() >= most {
                break;
            }
            if entropy(secret.as_bytes()) < rule.entropy || is_placeholder(secret.as_bytes()) {
                continue;
            }
            let whole = captures.get(0).unwrap_or(secret);
            findings.push(Finding {
                path: path.to_owned(),
                line: Some(lines.of(start + whole.start())),
                rule: format!("secret-{}", rule.id),
                severity: rule.severity,
                title: rule.title.to_owned(),
                detail: excerpt(&text[start..end], whole.start(), secret.range()),
            });
        }
    }
    findings.sort();
    findings.dedup();
    findings
}

fn line_start(text: &[u8], at: usize, least: usize) -> usize {
    let least = at.saturating_sub(BEFORE).max(least.min(at));
    memchr::memrchr(b'\n', &text[least..at]).map_or(least, |found| least + found + 1)
}

fn line_end(text: &[u8], at: usize) -> usize {
    let most = text.len().min(at + AFTER);
    memchr::memchr(b'\n', &text[at..most]).map_or(most, |found| at + found)
}

/// Numbers of lines, for places in order or nearly so.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
}

impl<'a> Lines<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
        }
    }

    fn of(&mut self, place: usize) -> u32 {
        let count = |bytes: &[u8]| memchr::memchr_iter(b'\n', bytes).count() as u32;
        if place >= self.at {
            self.line += count(&self.text[self.at..place]);
        } else {
            self.line -= count(&self.text[place..self.at]);
        }
        self.at = place;
        self.line
    }
}

/// Bits of information in each byte.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let total = bytes.len().max(1) as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum()
}

/// Examples that stand in documentation and samples.
fn is_placeholder(secret: &[u8]) -> bool {
    let text = String::from_utf8_lossy(secret).to_ascii_lowercase();
    [
        "example",
        "changeme",
        "placeholder",
        "your_",
        "your-",
        "xxxx",
        "****",
        "....",
        "password",
    ]
    .iter()
    .any(|word| text.contains(word))
}

/// The place with the secret struck out: never more of it than its public prefix.
fn excerpt(window: &[u8], from: usize, secret: std::ops::Range<usize>) -> String {
    let before = &window[from.max(secret.start.saturating_sub(40))..secret.start];
    let shown = if secret.len() >= 24 { 4 } else { 0 };
    let mut text: String = String::from_utf8_lossy(before)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    text.push_str(&String::from_utf8_lossy(
        &window[secret.start..secret.start + shown],
    ));
    text.push_str("********");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules_of(text: &str) -> Vec<String> {
        let found = search("etc/app.conf", text.as_bytes(), 100);
        found.into_iter().map(|one| one.rule).collect()
    }

    /// Joined at run time, so that no text of ours looks like a secret.
    fn joined(parts: &[&str]) -> String {
        parts.concat()
    }

    #[test]
    fn all_rules_compile() {
        let compiled = COMPILED.as_ref().unwrap();
        for (index, rule) in RULES.iter().enumerate() {
            assert!(compiled.pattern(index).is_some(), "{}", rule.id);
        }
        for rule in RULES {
            assert!(
                rule.keywords
                    .iter()
                    .all(|word| *word == word.to_lowercase()),
                "{}",
                rule.id
            );
        }
    }

    #[test]
    fn secrets_are_found_and_struck_out() {
        let body = "q7Zk2Lw9Xn4Rb8Tc1Vy6Mp3Hs5Jd0GfAeQrS";
        let samples = [
            (
                joined(&["AK", "IAQ3EGWK5TJXN2PRLV"]),
                "secret-aws-access-key-id",
            ),
            (joined(&["gh", "p_", body]), "secret-github-token"),
            (joined(&["gl", "pat-", &body[..20]]), "secret-gitlab-token"),
            (joined(&["sk_", "live_", &body[..24]]), "secret-stripe-key"),
            (joined(&["npm", "_", body]), "secret-npm-token"),
            (joined(&["AI", "za", &body[..35]]), "secret-google-api-key"),
            (
                joined(&["postgres://u:", &body[..12], "@db/x"]),
                "secret-url-credentials",
            ),
            (
                joined(&["api_key = \"", &body[..20], "\""]),
                "secret-password-assignment",
            ),
            (
                joined(&[
                    "-----BEGIN RSA PRIV",
                    "ATE KEY-----\nMIIEowIBAAKCAQEA",
                    body,
                    body,
                ]),
                "secret-private-key",
            ),
            (
                joined(&["{\"auth\": \"", "dXNlcjpwYXNzd29yZDEyMw==", "\"}"]),
                "secret-docker-auth",
            ),
        ];
        for (secret, rule) in samples {
            let text = format!("first\nvalue {secret}\nlast\n");
            let found = search("etc/app.conf", text.as_bytes(), 100);
            assert!(
                found.iter().any(|one| one.rule == rule),
                "{rule}: {found:?}"
            );
            for one in &found {
                assert_eq!(one.line, Some(2), "{one:?}");
                assert!(!one.detail.contains(&body[8..16]), "{one:?}");
            }
        }
    }

    #[test]
    fn ordinary_texts_have_none() {
        for text in [
            "password = \"changeme-changeme\"",
            "password: ${DB_PASSWORD}",
            "token = \"aaaaaaaaaaaaaaaaaaaaaaa\"",
            "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA",
            "https://example.org/path:with@sign",
            "# a private key-----\n",
        ] {
            assert_eq!(rules_of(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn hostile_texts_cost_little() {
        let keywords = "password=".repeat(1_000_000);
        assert!(search("x", keywords.as_bytes(), 100).len() <= MAX_OF_A_FILE);
        let line = vec![b'a'; 10_000_000];
        assert_eq!(search("x", &line, 100), []);
    }

    #[test]
    fn files_of_packages_are_passed_over() {
        assert!(is_searched("app/.env"));
        assert!(is_searched("etc/ssl/private/server.key"));
        assert!(is_searched("root/.aws/credentials"));
        assert!(!is_searched("usr/share/doc/x"));
        assert!(!is_searched("app/node_modules/x/index.js"));
        assert!(!is_searched("app/README.md"));
    }
}
