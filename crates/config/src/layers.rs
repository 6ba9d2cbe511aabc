//! Defaults, file, environment and command line, laid over each other.
//!
//! Invariant: every value that any source gives belongs to a known key, and the strongest
//! source of each key is remembered.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use config::{Config, FileFormat, Source, Value, ValueKind};

use crate::problem::{Invalid, Origin, Problem};
use crate::{Key, Settings};

/// Largest configuration file or secret file, bytes.
const FILE_BYTES: u64 = 1024 * 1024;

/// The configuration file to read.
#[derive(Clone, Debug, Default)]
pub enum ConfigFile {
    /// None at all.
    #[default]
    None,
    /// This one if it is there.
    Optional(PathBuf),
    /// This one; it is an error if it is not there.
    Required(PathBuf),
}

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The configuration file.
    pub file: ConfigFile,
    /// The environment. Only variables that begin with `BERTH_` count, and an empty one counts
    /// as not set.
    pub env: Vec<(String, String)>,
    /// The command line, by key (`http.listen`).
    pub flags: Vec<(String, String)>,
}

impl Sources {
    /// The given file and this process's environment.
    pub fn of_process(file: ConfigFile) -> Self {
        let env = std::env::vars_os()
            .filter_map(|(name, value)| {
                let name = name.into_string().ok()?;
                Some((name, value.to_string_lossy().into_owned()))
            })
            .collect();
        Self {
            file,
            env,
            flags: Vec::new(),
        }
    }

    /// Adds a value from the command line, if there is one.
    #[must_use]
    pub fn flag(mut self, key: &str, value: Option<impl Into<String>>) -> Self {
        if let Some(value) = value {
            self.flags.push((key.to_owned(), value.into()));
        }
        self
    }
}

/// One key as it stands.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: &'static Key,
    /// Its value as text, secrets hidden; nothing if it is not set.
    pub value: Option<String>,
    /// Where the value came from.
    pub origin: Origin,
}

/// All sources together.
pub(crate) struct Merged {
    pub(crate) config: Config,
    pub(crate) entries: Vec<Entry>,
}

pub(crate) fn merge(sources: &Sources) -> Result<Merged, Invalid> {
    let mut layers = Layers::default();
    for key in Settings::keys() {
        if let Some(text) = key.default {
            layers.set(key.name, &Value::new(None, text), Origin::Default);
        }
    }
    layers.add_file(&sources.file);
    layers.add_env(&sources.env);
    for (name, value) in &sources.flags {
        layers.set(name, &Value::new(None, value.as_str()), Origin::Flag);
    }
    layers.read_secret_files();
    if layers.problems.is_empty() {
        layers.finish()
    } else {
        Err(Invalid {
            problems: layers.problems,
        })
    }
}

#[derive(Default)]
struct Layers {
    values: BTreeMap<&'static str, (ValueKind, Origin)>,
    problems: Vec<Problem>,
}

impl Layers {
    fn complain(&mut self, key: &str, message: impl Into<String>, origin: Origin) {
        self.problems.push(Problem {
            key: key.to_owned(),
            message: message.into(),
            origin,
        });
    }

    /// Lays a value over what is there.
    fn set(&mut self, name: &str, value: &Value, origin: Origin) {
        let Some(key) = Settings::keys().find(|key| key.name == name) else {
            let message = unknown(name, &origin);
            self.complain(name, message, origin);
            return;
        };
        match key.read(value) {
            Ok(value) => {
                self.values.insert(key.name, (value, origin));
            }
            Err(message) => self.complain(name, message, origin),
        }
    }

    fn add_file(&mut self, file: &ConfigFile) {
        let (path, required) = match file {
            ConfigFile::None => return,
            ConfigFile::Optional(path) => (path, false),
            ConfigFile::Required(path) => (path, true),
        };
        let origin = Origin::File(path.clone());
        let text = match read_text(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !required => return,
            Err(error) => return self.complain("", format!("cannot be read: {error}"), origin),
        };
        match config::File::from_str(&text, FileFormat::Toml).collect() {
            Ok(table) => {
                for (name, value) in table {
                    self.add_table(name, &value, &origin);
                }
            }
            Err(error) => self.complain("", format!("is not TOML: {error}"), origin),
        }
    }

    /// Goes down into sections; there is one level of them.
    fn add_table(&mut self, name: String, value: &Value, origin: &Origin) {
        match &value.kind {
            ValueKind::Table(table) if is_section(&name) => {
                for (key, value) in table {
                    self.set(&format!("{name}.{key}"), value, origin.clone());
                }
            }
            _ => self.set(&name, value, origin.clone()),
        }
    }

    fn add_env(&mut self, env: &[(String, String)]) {
        for (variable, value) in env {
            let Some(rest) = variable.strip_prefix("BERTH_") else {
                continue;
            };
            // The first administrator's password is read where that account is made.
            // Read by commands, once, and never kept.
            let password = matches!(rest, "ADMIN_PASSWORD" | "PASSWORD");
            let foreign = password || rest.starts_with("TEST_");
            if foreign || value.is_empty() {
                continue;
            }
            let name = rest.to_lowercase().replace("__", ".");
            let origin = Origin::Env(variable.clone());
            self.set(&name, &Value::new(None, value.as_str()), origin);
        }
    }

    /// Replaces each `x_file` of a secret `x` by what the file holds.
    fn read_secret_files(&mut self) {
        for key in Settings::keys().filter(|key| key.is_secret()) {
            let by_file = format!("{}_file", key.name);
            let Some((ValueKind::String(path), origin)) = self.values.get(by_file.as_str()) else {
                continue;
            };
            let (path, origin) = (PathBuf::from(path), origin.clone());
            if let Some((_, other)) = self.values.get(key.name) {
                if rank(other) > rank(&origin) {
                    continue;
                }
                if rank(other) == rank(&origin) {
                    let message = format!("is set together with {}; set one of them", key.name);
                    self.complain(&by_file, message, origin);
                    continue;
                }
            }
            match read_text(&path) {
                Ok(text) if !text.trim().is_empty() => {
                    let value = ValueKind::String(text.trim().to_owned());
                    self.values.insert(key.name, (value, origin));
                }
                Ok(_) => self.complain(&by_file, format!("{} is empty", path.display()), origin),
                Err(error) => {
                    let message = format!("cannot read {}: {error}", path.display());
                    self.complain(&by_file, message, origin);
                }
            }
        }
    }

    fn finish(self) -> Result<Merged, Invalid> {
        let entries = Settings::keys()
            .map(|key| {
                let set = self.values.get(key.name);
                Entry {
                    key,
                    value: set.map(|(value, _)| key.show(value)),
                    origin: set.map(|(_, origin)| origin.clone()).unwrap_or_default(),
                }
            })
            .collect();
        let mut builder = Config::builder();
        for (name, (value, _)) in self.values {
            builder = builder
                .set_override(name, value)
                .map_err(|error| internal(&error))?;
        }
        let config = builder.build().map_err(|error| internal(&error))?;
        Ok(Merged { config, entries })
    }
}

fn internal(error: &config::ConfigError) -> Invalid {
    Invalid {
        problems: vec![Problem {
            key: String::new(),
            message: error.to_string(),
            origin: Origin::Default,
        }],
    }
}

const fn rank(origin: &Origin) -> u8 {
    match origin {
        Origin::Default => 0,
        Origin::File(_) => 1,
        Origin::Env(_) => 2,
        Origin::Flag => 3,
    }
}

fn is_section(name: &str) -> bool {
    Settings::keys().any(|key| {
        key.name
            .split_once('.')
            .is_some_and(|(section, _)| section == name)
    })
}

/// What to say of a key that is not there: what is.
fn unknown(name: &str, origin: &Origin) -> String {
    let shown = |key: &Key| match origin {
        Origin::Env(_) => key.env(),
        _ => key.name.to_owned(),
    };
    let section = name.split_once('.').map_or(name, |(section, _)| section);
    let beside: Vec<String> = Settings::keys()
        .filter(|key| {
            key.name
                .split_once('.')
                .is_some_and(|(other, _)| other == section)
        })
        .map(shown)
        .collect();
    if beside.is_empty() {
        let mut sections: Vec<&str> = Settings::keys()
            .filter_map(|key| key.name.split_once('.').map(|(section, _)| section))
            .collect();
        sections.dedup();
        return format!(
            "is not a known key; there are data and the sections {}",
            sections.join(", ")
        );
    }
    format!("is not a known key; there are {}", beside.join(", "))
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if file.take(FILE_BYTES + 1).read_to_string(&mut text)? as u64 > FILE_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}
