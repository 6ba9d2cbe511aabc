//! What the distribution says of itself: its release and the databases of its package managers.
//!
//! Every parser here takes any bytes, reads what makes sense, and says when some of it did not.

pub mod apk;
pub mod dpkg;
pub mod release;
pub mod rpm;

use std::collections::HashMap;

use berth_advisories::Package;

/// What a database gave.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The packages, in the order of the database.
    pub packages: Vec<Package>,
    /// What could not be read, if anything.
    pub problem: Option<String>,
}

/// Which package owns which file, by the hash of the path. A collision would mark a file as owned
/// that is not; with 64 bits nobody meets one by chance.
#[derive(Debug, Default)]
pub struct Owners {
    names: Vec<String>,
    files: HashMap<u64, u32>,
}

/// More files than any distribution has; a database that claims more is not believed further.
const MAX_OWNED: usize = 2_000_000;

impl Owners {
    /// A package whose files follow.
    pub fn package(&mut self, name: &str) -> u32 {
        if self.names.last().map(String::as_str) != Some(name) {
            self.names.push(name.to_owned());
        }
        (self.names.len() - 1) as u32
    }

    /// A file of that package.
    pub fn file(&mut self, path: &str, package: u32) {
        if self.files.len() < MAX_OWNED {
            self.files.insert(hash(path), package);
        }
    }

    /// The package that owns the file.
    pub fn of(&self, path: &str) -> Option<&str> {
        let package = self.files.get(&hash(path))?;
        self.names.get(*package as usize).map(String::as_str)
    }
}

fn hash(path: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    without_merged(path).hash(&mut hasher);
    hasher.finish()
}

/// Databases still name `/bin/x` where the file is at `/usr/bin/x`.
fn without_merged(path: &str) -> &str {
    path.strip_prefix("usr/").unwrap_or(path)
}
