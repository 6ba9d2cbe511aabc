//! Java archives: `pom.properties` of every artifact inside, the manifest or the file's name where
//! there is none, and archives in archives.

use std::io::Read;

use berth_advisories::{Package, PackageKind};

use super::package;
use super::zip::{self, Member};
use crate::path::base;
use crate::report::Origin;
use crate::spool::{ReadAt, Spares, Spool};

/// A text file in an archive.
const MAX_TEXT: u64 = 1024 * 1024;

/// Where packages and problems of one archive go, and what may still be unpacked of it.
pub struct Archive<'a> {
    /// Called with the path inside, where it was read from, and the package.
    pub found: &'a mut dyn FnMut(String, Origin, Package),
    /// Called with the path inside and what is wrong.
    pub problem: &'a mut dyn FnMut(&str, Trouble),
    /// Bytes that may still be unpacked.
    pub budget: u64,
    /// Archives that may still be opened in each other.
    pub depth: usize,
    /// Whether to stop.
    pub cancel: &'a dyn Fn() -> bool,
    /// Files for archives in archives that are too large for memory.
    pub spares: &'a Spares,
}

/// What is wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be read.
    Damaged(String),
    /// It lies too deep.
    TooDeep,
    /// It unpacks to too much.
    TooLarge,
    /// No temporary file could be written.
    Spool,
}

/// Whether the name is that of a Java archive.
fn is_archive(name: &str) -> bool {
    let (_, extension) = base(name).rsplit_once('.').unwrap_or_default();
    matches!(extension, "jar" | "war" | "ear" | "par" | "hpi" | "jpi")
}

impl Archive<'_> {
    /// Reads one archive and those in it. `path` is where it is.
    pub fn read(&mut self, file: &(impl ReadAt + ?Sized), path: &str) {
        let wanted = |name: &str| {
            is_archive(name)
                || name == "META-INF/MANIFEST.MF"
                || name.starts_with("META-INF/maven/") && name.ends_with("/pom.properties")
        };
        let members = match zip::members(file, wanted) {
            Ok(members) => members,
            Err(error) => {
                (self.problem)(path, Trouble::Damaged(error.to_string()));
                return;
            }
        };
        let mut poms = 0_usize;
        let mut manifest = None;
        for member in &members {
            if (self.cancel)() || self.budget == 0 {
                return;
            }
            if is_archive(&member.name) {
                self.nested(file, member, &format!("{path}!/{}", member.name));
            } else if member.name.ends_with("pom.properties") {
                let text = self.text(file, member, path);
                if let Some(artifact) = text.as_deref().and_then(pom_properties) {
                    poms += 1;
                    (self.found)(path.to_owned(), Origin::JavaPom, artifact);
                }
            } else {
                manifest = self.text(file, member, path);
            }
        }
        if poms == 0
            && let Some(artifact) = from_manifest(manifest.as_deref().unwrap_or_default(), path)
        {
            (self.found)(path.to_owned(), Origin::JavaManifest, artifact);
        }
    }

    fn text(
        &mut self,
        file: &(impl ReadAt + ?Sized),
        member: &Member,
        path: &str,
    ) -> Option<String> {
        let mut bytes = Vec::new();
        let outcome = member.open(file).and_then(|content| {
            let mut content = content.take(MAX_TEXT.min(self.budget));
            Ok(content.read_to_end(&mut bytes)?)
        });
        self.budget = self.budget.saturating_sub(bytes.len() as u64);
        if let Err(error) = outcome {
            (self.problem)(path, Trouble::Damaged(error.to_string()));
            return None;
        }
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn nested(&mut self, file: &(impl ReadAt + ?Sized), member: &Member, path: &str) {
        if self.depth == 0 {
            (self.problem)(path, Trouble::TooDeep);
            return;
        }
        let mut content = match member.open(file) {
            Ok(content) => content,
            Err(error) => {
                (self.problem)(path, Trouble::Damaged(error.to_string()));
                return;
            }
        };
        let mut spool = Spool::new(self.spares);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => {
                    (self.problem)(path, Trouble::Damaged(error.to_string()));
                    return;
                }
            };
            self.budget = self.budget.saturating_sub(count as u64);
            if self.budget == 0 {
                (self.problem)(path, Trouble::TooLarge);
                return;
            }
            if spool.write(&buffer[..count]).is_err() {
                (self.problem)(path, Trouble::Spool);
                return;
            }
            if (self.cancel)() {
                return;
            }
        }
        drop(content);
        self.depth -= 1;
        self.read(&spool, path);
        self.depth += 1;
    }
}

/// `groupId`, `artifactId` and `version`.
fn pom_properties(text: &str) -> Option<Package> {
    let get = |key: &str| {
        text.lines()
            .filter_map(|line| line.split_once(['=', ':']))
            .find(|(name, _)| name.trim() == key)
            .map(|(_, value)| value.trim())
    };
    let name = format!("{}:{}", get("groupId")?, get("artifactId")?);
    let version = get("version")?;
    // Placeholders that nobody filled in.
    if name.contains("${") || version.contains("${") {
        return None;
    }
    package(PackageKind::Maven, &name, version, [])
}

/// The best of the manifest's attributes and the name of the file.
fn from_manifest(text: &str, path: &str) -> Option<Package> {
    let unfolded = text.replace("\r\n", "\n").replace("\n ", "");
    // The first part is about the archive, the others about single files in it.
    let main: Vec<(&str, &str)> = unfolded
        .split("\n\n")
        .next()?
        .lines()
        .take(1000)
        .filter_map(|line| line.split_once(": "))
        .collect();
    let get = |keys: &[&str]| {
        keys.iter().find_map(|key| {
            let found = main.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
            let value = found?.1.split(';').next()?.trim();
            let sane = !value.is_empty() && !value.contains([' ', '$']);
            sane.then_some(value)
        })
    };
    let (file_name, file_version) = from_file_name(base(path));
    let version = get(&[
        "Implementation-Version",
        "Bundle-Version",
        "Specification-Version",
    ]);
    let symbolic = get(&["Bundle-SymbolicName", "Automatic-Module-Name"]);
    let group = get(&["Implementation-Vendor-Id"]);
    let artifact = file_version
        .map(|_| file_name)
        .or_else(|| get(&["Implementation-Title", "Specification-Title"]))
        .or_else(|| symbolic.map(|name| name.rsplit('.').next().unwrap_or(name)))
        .unwrap_or(file_name);
    let version = file_version.or(version)?;
    // Without a group only the artifact is known; a bundle is mostly called GROUP.ARTIFACT.
    let group = group.or_else(|| {
        let before = symbolic?.strip_suffix(artifact)?.strip_suffix('.')?;
        (!before.is_empty()).then_some(before)
    });
    let name = group.map_or_else(
        || artifact.to_owned(),
        |group| format!("{group}:{artifact}"),
    );
    package(PackageKind::Maven, &name, version, [])
}

/// `commons-lang3-3.12.0.jar`: the name and the version.
fn from_file_name(file: &str) -> (&str, Option<&str>) {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let digit_after = |at: &usize| stem.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
    match stem.match_indices('-').map(|(at, _)| at).find(digit_after) {
        Some(at) if at > 0 => (&stem[..at], Some(&stem[at + 1..])),
        _ => (stem, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_name_artifacts() {
        let text = "#Generated\r\nversion=2.14.1\r\ngroupId=org.apache.logging.log4j\r\nartifactId=log4j-core\r\n";
        let artifact = pom_properties(text).unwrap();
        assert_eq!(artifact.name, "org.apache.logging.log4j:log4j-core");
        assert_eq!(artifact.version, "2.14.1");
        assert_eq!(
            pom_properties("groupId=a\nartifactId=b\nversion=${x}"),
            None
        );
    }

    #[test]
    fn manifests_and_names_help_out() {
        let name = |text: &str, path: &str| {
            from_manifest(text, path).map(|one| format!("{} {}", one.name, one.version))
        };
        assert_eq!(
            name(
                "Manifest-Version: 1.0\nBundle-SymbolicName: org.exam\n ple.thing;singleton:=true\nBundle-Version: 1.2",
                "a/thing.jar"
            ),
            Some("org.example:thing 1.2".into())
        );
        assert_eq!(
            name("", "x/commons-lang3-3.12.0.jar"),
            Some("commons-lang3 3.12.0".into())
        );
        assert_eq!(
            name("Implementation-Vendor-Id: g\n", "a-1.jar"),
            Some("g:a 1".into())
        );
        assert_eq!(name("Implementation-Title: My App\n", "app.jar"), None);
    }
}
