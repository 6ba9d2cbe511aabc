//! Which files are of interest, by their path alone.

use crate::path::{base, parent};
use crate::report::Origin;

/// What a file is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interest {
    /// The distribution: `os-release`.
    OsRelease,
    /// The distribution, older: `debian_version`.
    DebianVersion,
    /// The distribution, older: `alpine-release`.
    AlpineRelease,
    /// A package database that is text.
    Database(Origin),
    /// A package database that is read out of order.
    RpmDatabase(Origin),
    /// What SQLite has not yet put into its database.
    RpmLog,
    /// Which files a package of dpkg owns.
    DpkgList,
    /// Packages in a text.
    Metadata(Origin),
    /// A Java archive.
    Archive,
    /// `etc/passwd`, `etc/group` or `etc/shadow`.
    Accounts,
}

/// What the file at `path` is read for.
pub(crate) fn interest(path: &str) -> Option<Interest> {
    let name = base(path);
    Some(match name {
        "os-release" if matches!(parent(path), "etc" | "usr/lib") => Interest::OsRelease,
        "debian_version" if path == "etc/debian_version" => Interest::DebianVersion,
        "alpine-release" if path == "etc/alpine-release" => Interest::AlpineRelease,
        "passwd" | "group" | "shadow" if parent(path) == "etc" => Interest::Accounts,
        "status" if ends_with_dir(path, "dpkg") => Interest::Database(Origin::Dpkg),
        "installed" if ends_with_dir(path, "apk/db") => Interest::Database(Origin::Apk),
        "rpmdb.sqlite" => Interest::RpmDatabase(Origin::RpmSqlite),
        "rpmdb.sqlite-wal" => Interest::RpmLog,
        "Packages.db" if ends_with_dir(path, "rpm") => Interest::RpmDatabase(Origin::RpmNdb),
        "Packages" if ends_with_dir(path, "rpm") => Interest::RpmDatabase(Origin::RpmBdb),
        "package.json" if is_node_module(path) => Interest::Metadata(Origin::NodeModule),
        "METADATA" if has_extension(parent(path), ".dist-info") => {
            Interest::Metadata(Origin::PythonMetadata)
        }
        "PKG-INFO" if has_extension(parent(path), ".egg-info") => {
            Interest::Metadata(Origin::PythonMetadata)
        }
        "Cargo.lock" => Interest::Metadata(Origin::CargoLock),
        "installed.json" if ends_with_dir(path, "composer") => {
            Interest::Metadata(Origin::ComposerInstalled)
        }
        "packages.lock.json" => Interest::Metadata(Origin::NugetLock),
        _ => return by_extension(path, name),
    })
}

fn by_extension(path: &str, name: &str) -> Option<Interest> {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    match extension {
        "jar" | "war" | "ear" | "par" | "hpi" | "jpi" => Some(Interest::Archive),
        "json"
            if stem
                .rsplit_once('.')
                .is_some_and(|(_, kind)| kind == "deps") =>
        {
            Some(Interest::Metadata(Origin::DotnetDeps))
        }
        "gemspec"
            if parent(path)
                .split('/')
                .rev()
                .take(2)
                .any(|part| part == "specifications") =>
        {
            Some(Interest::Metadata(Origin::Gemspec))
        }
        "egg-info" => Some(Interest::Metadata(Origin::PythonMetadata)),
        "list" if ends_with_dir(path, "dpkg/info") => Some(Interest::DpkgList),
        _ if ends_with_dir(path, "dpkg/status.d") && extension != "md5sums" => {
            Some(Interest::Database(Origin::Dpkg))
        }
        _ => None,
    }
}

/// Whether the directory that holds the file is `directory` or ends with it.
fn ends_with_dir(path: &str, directory: &str) -> bool {
    parent(path)
        .strip_suffix(directory)
        .is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

fn has_extension(name: &str, extension: &str) -> bool {
    base(name).len() > extension.len() && name.ends_with(extension)
}

/// `node_modules/NAME/package.json` or `node_modules/@SCOPE/NAME/package.json`, nothing deeper in
/// the package.
fn is_node_module(path: &str) -> bool {
    let mut parts = path.rsplit('/').skip(2);
    match parts.next() {
        Some("node_modules") => true,
        Some(scope) if scope.starts_with('@') => parts.next() == Some("node_modules"),
        _ => false,
    }
}

/// Where the databases of an image are, in the order in which one is believed before the other.
pub(crate) const OS_DATABASES: [(&str, Origin); 12] = [
    ("var/lib/dpkg/status", Origin::Dpkg),
    ("lib/apk/db/installed", Origin::Apk),
    ("usr/lib/apk/db/installed", Origin::Apk),
    ("var/lib/rpm/rpmdb.sqlite", Origin::RpmSqlite),
    ("usr/lib/sysimage/rpm/rpmdb.sqlite", Origin::RpmSqlite),
    ("usr/share/rpm/rpmdb.sqlite", Origin::RpmSqlite),
    ("var/lib/rpm/Packages.db", Origin::RpmNdb),
    ("usr/lib/sysimage/rpm/Packages.db", Origin::RpmNdb),
    ("usr/share/rpm/Packages.db", Origin::RpmNdb),
    ("var/lib/rpm/Packages", Origin::RpmBdb),
    ("usr/lib/sysimage/rpm/Packages", Origin::RpmBdb),
    ("usr/share/rpm/Packages", Origin::RpmBdb),
];

/// Where distroless images keep one status file for each package.
pub(crate) const STATUS_DIRECTORY: &str = "var/lib/dpkg/status.d";

/// Where the distribution is named, in the order of belief.
pub(crate) const RELEASES: [&str; 4] = [
    "etc/os-release",
    "usr/lib/os-release",
    "etc/alpine-release",
    "etc/debian_version",
];

/// Whether a link at `path` may lead a package manager to its database or to `os-release`.
pub(crate) fn leads_to_database(path: &str) -> bool {
    OS_DATABASES
        .iter()
        .map(|(database, _)| *database)
        .chain([STATUS_DIRECTORY])
        .chain(RELEASES)
        .any(|known| {
            known == path
                || known
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.starts_with('/'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_what_a_file_is_read_for() {
        use Interest::{Archive, Database, DpkgList, Metadata, OsRelease, RpmDatabase};
        for (path, expected) in [
            ("var/lib/dpkg/status", Some(Database(Origin::Dpkg))),
            ("var/lib/dpkg/status-old", None),
            ("var/lib/dpkg/status.d/base", Some(Database(Origin::Dpkg))),
            ("var/lib/dpkg/status.d/base.md5sums", None),
            ("var/lib/dpkg/info/libc6:amd64.list", Some(DpkgList)),
            ("usr/lib/apk/db/installed", Some(Database(Origin::Apk))),
            ("var/lib/rpm/Packages", Some(RpmDatabase(Origin::RpmBdb))),
            ("Packages", None),
            ("etc/os-release", Some(OsRelease)),
            ("srv/etc/os-release", None),
            (
                "a/node_modules/b/package.json",
                Some(Metadata(Origin::NodeModule)),
            ),
            (
                "a/node_modules/@s/b/package.json",
                Some(Metadata(Origin::NodeModule)),
            ),
            ("a/node_modules/b/dist/package.json", None),
            ("a/package.json", None),
            ("package.json", None),
            (
                "x/foo-1.dist-info/METADATA",
                Some(Metadata(Origin::PythonMetadata)),
            ),
            ("x/.dist-info/METADATA", None),
            ("x/foo.egg-info", Some(Metadata(Origin::PythonMetadata))),
            (
                "g/specifications/a-1.gemspec",
                Some(Metadata(Origin::Gemspec)),
            ),
            (
                "g/specifications/default/a-1.gemspec",
                Some(Metadata(Origin::Gemspec)),
            ),
            ("g/gems/a-1/a.gemspec", None),
            (
                "v/composer/installed.json",
                Some(Metadata(Origin::ComposerInstalled)),
            ),
            ("app/x.deps.json", Some(Metadata(Origin::DotnetDeps))),
            ("app/x.war", Some(Archive)),
            ("", None),
        ] {
            assert_eq!(interest(path), expected, "{path}");
        }
    }

    #[test]
    fn links_on_the_way_to_a_database_are_kept() {
        assert!(leads_to_database("var"));
        assert!(leads_to_database("var/lib/dpkg/status"));
        assert!(leads_to_database("lib"));
        assert!(!leads_to_database("var/lib/dpkg/statusx"));
        assert!(!leads_to_database("va"));
    }
}
