//! Settings as an operator gives them.

#![expect(clippy::unwrap_used, reason = "this whole binary is tests")]

use std::path::PathBuf;

use berth_config::{ConfigFile, Invalid, LogFormat, Origin, Settings, Sources};
use tempfile::TempDir;

struct Given {
    dir: TempDir,
    sources: Sources,
}

impl Given {
    fn file(toml: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("berth.toml");
        std::fs::write(&path, toml).unwrap();
        let sources = Sources {
            file: ConfigFile::Required(path),
            ..Sources::default()
        };
        Self { dir, sources }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.sources.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn flag(mut self, key: &str, value: &str) -> Self {
        self.sources = self.sources.flag(key, Some(value));
        self
    }

    fn load(&self) -> Result<Settings, Invalid> {
        Settings::load(&self.sources)
    }

    /// The problems as an operator reads them.
    fn problems(&self) -> Vec<String> {
        let problems = self.load().unwrap_err().problems;
        problems.iter().map(ToString::to_string).collect()
    }
}

#[test]
fn without_anything_the_defaults_hold() {
    let settings = Settings::default();
    assert_eq!(settings.data, PathBuf::from("./berth-data"));
    assert_eq!(settings.http.listen.to_string(), "127.0.0.1:8080");
    let proxies: Vec<String> = settings
        .http
        .trusted_proxies
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(proxies, ["127.0.0.1/32", "::1/128"]);
    assert_eq!(
        settings.database_url().expose(),
        "sqlite://./berth-data/berth.db"
    );
    assert!(settings.storage.sync && settings.gc.enabled && settings.log.access);
    assert_eq!(settings.auth.token_lifetime_seconds, 300);
    assert_eq!(
        (settings.gc.interval_seconds, settings.gc.grace_seconds),
        (3600, 7200)
    );
    assert_eq!(settings.log.format, LogFormat::Text);
    assert!(settings.tracing.otlp_endpoint.is_none());
}

#[test]
fn each_documented_default_is_the_default() {
    for key in Settings::keys() {
        let text = key.doc.concat();
        assert!(!text.is_empty(), "{}", key.name);
        if let Some(default) = key.default().filter(|default| !default.contains(',')) {
            assert!(
                text.contains(&format!("Default {default}")),
                "{}: {text}",
                key.name
            );
        }
    }
}

#[test]
fn the_stronger_source_wins() {
    let toml = "data = \"/file\"\n[gc]\ninterval_seconds = 100\ngrace_seconds = 100\n\
                [log]\nformat = \"json\"\n[http]\ntrusted_proxies = [\"10.0.0.0/8\", \"192.0.2.1\"]\n";
    let given = Given::file(toml)
        .env("BERTH_GC__GRACE_SECONDS", "200")
        .env("BERTH_GC__INTERVAL_SECONDS", "200")
        .env("BERTH_DATA", "")
        .env("OTHER_GC__ENABLED", "no")
        .flag("gc.interval_seconds", "300");
    let settings = given.load().unwrap();
    assert_eq!(settings.gc.interval_seconds, 300, "flag over environment");
    assert_eq!(settings.gc.grace_seconds, 200, "environment over file");
    assert_eq!(
        settings.data,
        PathBuf::from("/file"),
        "an empty variable is not set"
    );
    assert_eq!(settings.log.format, LogFormat::Json, "file over default");
    assert_eq!(settings.http.trusted_proxies[1].to_string(), "192.0.2.1/32");
    assert!(settings.gc.enabled, "default");

    let origin = |key: &str| {
        let entry = settings
            .explain()
            .iter()
            .find(|entry| entry.key.name == key)
            .unwrap();
        (
            entry.value.clone().unwrap_or_default(),
            entry.origin.clone(),
        )
    };
    assert_eq!(origin("gc.interval_seconds"), ("300".into(), Origin::Flag));
    assert_eq!(
        origin("gc.grace_seconds"),
        ("200".into(), Origin::Env("BERTH_GC__GRACE_SECONDS".into()))
    );
    assert_eq!(
        origin("http.trusted_proxies"),
        (
            "10.0.0.0/8,192.0.2.1/32".into(),
            Origin::File(given.path("berth.toml"))
        )
    );
    assert_eq!(origin("storage.sync"), ("true".into(), Origin::Default));
}

#[test]
fn every_key_can_be_set_by_its_variable() {
    let files = Given::file("");
    let url_file = files.path("url");
    std::fs::write(&url_file, "postgres://a/b").unwrap();
    let mut sources = Sources::default();
    let by_file = ["database.url", "configuration.overwrite"];
    for key in Settings::keys().filter(|key| !by_file.contains(&key.name)) {
        let value = match key.name {
            "http.external_url" | "http.internal_url" | "tracing.otlp_endpoint" => {
                "https://registry.example"
            }
            "http.metrics_listen" => "[::1]:9090",
            "database.url_file" | "configuration.overwrite_file" => url_file.to_str().unwrap(),
            "egress.allow" | "egress.no_proxy" => "10.0.0.0/8,hooks.internal",
            "egress.proxy" => "http://proxy.example:3128",
            "http.ca_file" | "egress.ca_file" => "/a.pem",
            name if name.starts_with("http.tls") => "/a.pem",
            _ => key.default().unwrap(),
        }
        .to_owned();
        sources.env.push((key.env(), value));
    }
    let settings = Settings::load(&sources).unwrap();
    for entry in settings
        .explain()
        .iter()
        .filter(|entry| !by_file.contains(&entry.key.name))
    {
        assert_eq!(entry.origin, Origin::Env(entry.key.env()));
    }
    assert_eq!(settings.http.metrics_listen.unwrap().port(), 9090);
    assert_eq!(
        settings.egress.allow.unwrap(),
        ["10.0.0.0/8", "hooks.internal"]
    );
}

#[test]
fn what_may_be_called_are_networks_addresses_and_names() {
    let good = Given::file("[egress]\nallow = [\"192.0.2.7\", \"Hooks.internal\"]\n");
    let allow = good.load().unwrap().egress.allow;
    assert_eq!(allow.unwrap(), ["192.0.2.7/32", "hooks.internal"]);
    for wrong in ["10.0.0.0/33", "http://x", "*.x", "1.2.3"] {
        let given = Given::file(&format!("[egress]\nallow = \"{wrong}\"\n"));
        assert!(given.load().is_err(), "{wrong}");
    }
}

#[test]
fn unknown_keys_are_errors_that_name_the_known_ones() {
    let toml = "speed = 1\n[gc]\nintervall_seconds = 1\n[cache]\nsize = 1\n";
    let given = Given::file(toml).env("BERTH_HTTP__LISTN", "x");
    let problems = given.problems();
    assert_eq!(problems.len(), 4, "{problems:?}");
    for (key, part) in [
        ("speed (file ", "http, database"),
        ("gc.intervall_seconds (file ", "gc.interval_seconds"),
        ("cache (file ", "not a known key"),
        (
            "http.listn (environment BERTH_HTTP__LISTN)",
            "BERTH_HTTP__LISTEN",
        ),
    ] {
        let found = problems
            .iter()
            .any(|text| text.starts_with(key) && text.contains(part));
        assert!(found, "{key}: {problems:?}");
    }
}

#[test]
fn variables_of_others_are_let_be() {
    let given = Given::file("")
        .env("BERTH_ADMIN_PASSWORD", "secret")
        .env("BERTH_TEST_POSTGRES", "postgres://x");
    given.load().unwrap();
}

#[test]
fn bad_values_are_named_with_their_source_all_at_once() {
    let toml = "[http]\nlisten = 8080\ntrusted_proxies = [\"10.0.0.0/99\"]\n[gc]\nenabled = \"yes\"\n\
                [log]\nformat = \"xml\"\n[auth]\nrefresh_token_days = -1\n";
    let problems = Given::file(toml)
        .env("BERTH_STORAGE__SYNC", "maybe")
        .problems();
    let keys: Vec<&str> = problems
        .iter()
        .map(|text| text.split(' ').next().unwrap())
        .collect();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        [
            "auth.refresh_token_days",
            "gc.enabled",
            "http.listen",
            "http.trusted_proxies",
            "log.format",
            "storage.sync"
        ],
        "{problems:?}"
    );
    assert!(
        problems
            .iter()
            .any(|text| text.contains("'10.0.0.0/99' is not a network"))
    );
}

#[test]
fn values_out_of_range_and_out_of_place_are_refused() {
    for (key, value, part) in [
        ("auth.token_lifetime_seconds", "59", "from 60 to 3600"),
        ("auth.token_lifetime_seconds", "3601", "from 60 to 3600"),
        ("auth.refresh_token_days", "0", "from 1 to 365"),
        ("gc.interval_seconds", "0", "from 1 to"),
        ("tracing.sample_ratio", "1.5", "from 0 to 1"),
        ("tracing.sample_ratio", "NaN", "from 0 to 1"),
        ("tracing.otlp_endpoint", "collector:4318", "http://"),
        ("http.external_url", "ftp://a", "https://"),
        ("http.external_url", "https://u:p@a", "no user"),
        ("http.external_url", "https://a/harbor", "path"),
        ("http.internal_url", "https://a/harbor", "path"),
        ("http.tls_cert", "/a.pem", "http.tls_key"),
        ("http.metrics_listen", "127.0.0.1:8080", "differ"),
        ("database.url", "mysql://a:hunter2@b/c", "postgres://"),
        ("data", "", "folder"),
    ] {
        let given = Given::file("").flag(key, value);
        let problems = given.problems();
        assert_eq!(problems.len(), 1, "{key}={value}: {problems:?}");
        assert!(
            problems[0].starts_with(&format!("{key} (command line)")),
            "{problems:?}"
        );
        assert!(problems[0].contains(part), "{problems:?}");
        assert!(!problems[0].contains("hunter2"));
    }
}

#[test]
fn a_file_that_is_missing_or_broken_is_named() {
    let broken = Given::file("[http\n").problems();
    assert!(
        broken[0].contains("berth.toml") && broken[0].contains("is not TOML"),
        "{broken:?}"
    );

    let mut given = Given::file("");
    let gone = given.path("gone.toml");
    given.sources.file = ConfigFile::Required(gone.clone());
    assert!(given.problems()[0].contains("gone.toml: cannot be read"));
    given.sources.file = ConfigFile::Optional(gone);
    given.load().unwrap();
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let mut given = Given::file("");
    let path = given.path("url");
    std::fs::write(&path, "postgres://berth:hunter2@db/berth\n").unwrap();
    given = given.env("BERTH_DATABASE__URL_FILE", path.to_str().unwrap());
    let settings = given.load().unwrap();
    assert_eq!(
        settings.database_url().expose(),
        "postgres://berth:hunter2@db/berth"
    );
    let shown = format!("{settings:?} {:?}", settings.explain());
    assert!(!shown.contains("hunter2"), "{shown}");
    let entry = settings
        .explain()
        .iter()
        .find(|entry| entry.key.name == "database.url")
        .unwrap();
    assert_eq!(entry.value.as_deref(), Some("(secret)"));

    // A stronger source of the value itself wins; one as strong is a mistake.
    let stronger = given.flag("database.url", "sqlite:///x").load().unwrap();
    assert_eq!(stronger.database_url().expose(), "sqlite:///x");
    let both = Given::file("[database]\nurl = \"sqlite:///x\"\nurl_file = \"/y\"\n").problems();
    assert!(both[0].contains("set one of them"), "{both:?}");

    let empty = Given::file("");
    std::fs::write(empty.path("url"), "\n").unwrap();
    let path = empty.path("url");
    let problems = empty
        .flag("database.url_file", path.to_str().unwrap())
        .problems();
    assert!(problems[0].contains("is empty"), "{problems:?}");
}
