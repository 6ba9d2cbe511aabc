//! What values may be, alone and together.

use std::ops::RangeInclusive;

use http::Uri;

use super::{Role, Settings};
use crate::problem::Problem;

/// Longest log filter, bytes.
const LEVEL_BYTES: usize = 1024;

impl Settings {
    /// Everything that is out of range or does not go together.
    pub fn check(&self) -> Vec<Problem> {
        let mut found = Found {
            settings: self,
            problems: Vec::new(),
        };
        found.ranges();
        found.http();
        found.database();
        found.role();
        found.telemetry();
        found.problems
    }
}

struct Found<'a> {
    settings: &'a Settings,
    problems: Vec<Problem>,
}

impl Found<'_> {
    fn add(&mut self, key: &str, message: impl Into<String>) {
        self.problems.push(Problem {
            key: key.to_owned(),
            message: message.into(),
            origin: self.settings.origin(key),
        });
    }

    fn range(&mut self, key: &str, value: u64, range: RangeInclusive<u64>) {
        if !range.contains(&value) {
            let (least, most) = range.into_inner();
            self.add(
                key,
                format!("is {value} but must be from {least} to {most}"),
            );
        }
    }

    fn ranges(&mut self) {
        let (http, auth, gc) = (&self.settings.http, &self.settings.auth, &self.settings.gc);
        let connections = self.settings.database.connections;
        for (key, value, range) in [
            ("http.drain_seconds", http.drain_seconds, 0..=3_600),
            ("database.connections", connections, 2..=1_000),
            (
                "auth.token_lifetime_seconds",
                auth.token_lifetime_seconds,
                60..=3_600,
            ),
            ("auth.refresh_token_days", auth.refresh_token_days, 1..=365),
            (
                "registry.undelete_days",
                self.settings.registry.undelete_days,
                0..=365,
            ),
            ("gc.interval_seconds", gc.interval_seconds, 1..=604_800),
            ("gc.grace_seconds", gc.grace_seconds, 0..=2_592_000),
            (
                "scan.layer_memory_mib",
                self.settings.scan.layer_memory_mib,
                128..=65_536,
            ),
            (
                "scan.layer_seconds",
                self.settings.scan.layer_seconds,
                10..=3_600,
            ),
            ("scrub.rate_mib", self.settings.scrub.rate_mib, 0..=100_000),
            ("jobs.workers", self.settings.jobs.workers, 0..=200),
        ] {
            self.range(key, value, range);
        }
    }

    fn http(&mut self) {
        let http = &self.settings.http;
        if self.settings.data.as_os_str().is_empty() {
            self.add("data", "must name a folder");
        }
        match (&http.tls_cert, &http.tls_key) {
            (Some(_), None) => self.add("http.tls_cert", "needs http.tls_key beside it"),
            (None, Some(_)) => self.add("http.tls_key", "needs http.tls_cert beside it"),
            _ => {}
        }
        if http.metrics_listen == Some(http.listen) && http.listen.port() != 0 {
            self.add("http.metrics_listen", "must differ from http.listen");
        }
        for (key, url) in [
            ("http.external_url", &http.external_url),
            ("http.internal_url", &http.internal_url),
        ] {
            let Some(url) = url else { continue };
            match parse_url(url) {
                Some(uri) if matches!(uri.path(), "" | "/") && uri.query().is_none() => {}
                Some(_) => self.add(key, "must not have a path or a query"),
                None => self.add(key, NO_URL),
            }
        }
    }

    fn database(&mut self) {
        let Some(url) = &self.settings.database.url else {
            return;
        };
        let known = ["postgres://", "postgresql://", "sqlite://"];
        if !known.iter().any(|scheme| url.expose().starts_with(scheme)) {
            self.add(
                "database.url",
                format!("must begin with one of {}", known.join(", ")),
            );
        }
    }

    fn role(&mut self) {
        let role = self.settings.jobs.role;
        if role != Role::All && !self.settings.is_shared() {
            self.add(
                "jobs.role",
                "must be all unless database.url names a PostgreSQL server: SQLite has one process",
            );
        }
        if role == Role::Worker && self.settings.jobs.workers == 0 {
            self.add("jobs.workers", "must be at least 1 in a worker");
        }
    }

    fn telemetry(&mut self) {
        let (log, tracing) = (&self.settings.log, &self.settings.tracing);
        if log.level.is_empty() || log.level.len() > LEVEL_BYTES {
            self.add(
                "log.level",
                format!("must have 1 to {LEVEL_BYTES} characters"),
            );
        }
        if !(0.0..=1.0).contains(&tracing.sample_ratio) {
            self.add("tracing.sample_ratio", "must be from 0 to 1");
        }
        if tracing
            .otlp_endpoint
            .as_deref()
            .is_some_and(|url| parse_url(url).is_none())
        {
            self.add("tracing.otlp_endpoint", NO_URL);
        }
    }
}

const NO_URL: &str = "must be a URL that begins with http:// or https:// and has no user in it";

fn parse_url(text: &str) -> Option<Uri> {
    let uri: Uri = text.parse().ok()?;
    let authority = uri.authority()?;
    let fits = matches!(uri.scheme_str(), Some("http" | "https"))
        && !authority.host().is_empty()
        && !authority.as_str().contains('@');
    fits.then_some(uri)
}
