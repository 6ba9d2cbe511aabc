//! The order of versions, by the rules of whoever packages.
//!
//! Invariant: for each kind [`compare`] is a total order (antisymmetric, transitive) over all
//! strings whatsoever, takes time in proportion to their length and never panics. Numbers have no
//! limit. [`is_valid`] says whether the text is a version by the kind's grammar; where it is not,
//! the order still holds but means nothing, and matching does not rely on it.

mod apk;
mod composer;
mod dpkg;
mod gem;
mod golang;
mod maven;
mod nuget;
mod number;
mod pep440;
mod rpm;
mod semver;

use std::cmp::Ordering;

use crate::PackageKind;

/// Compares two versions of one kind.
pub fn compare(kind: PackageKind, a: &str, b: &str) -> Ordering {
    match kind {
        PackageKind::Deb => dpkg::compare(a, b),
        PackageKind::Apk => apk::compare(a, b),
        PackageKind::Rpm => rpm::compare(a, b),
        PackageKind::Npm | PackageKind::Cargo => semver::compare(a, b),
        PackageKind::Pypi => pep440::compare(a, b),
        PackageKind::Golang => golang::compare(a, b),
        PackageKind::Maven => maven::compare(a, b),
        PackageKind::Gem => gem::compare(a, b),
        PackageKind::Composer => composer::compare(a, b),
        PackageKind::Nuget => nuget::compare(a, b),
    }
}

/// Whether the text is a version by the kind's grammar. Go's `(devel)` and Composer's branches are
/// none.
pub fn is_valid(kind: PackageKind, version: &str) -> bool {
    match kind {
        PackageKind::Deb => dpkg::is_valid(version),
        PackageKind::Apk => apk::is_valid(version),
        PackageKind::Rpm => rpm::is_valid(version),
        PackageKind::Npm | PackageKind::Cargo => semver::is_valid(version),
        PackageKind::Pypi => pep440::is_valid(version),
        PackageKind::Golang => golang::is_valid(version),
        PackageKind::Maven => maven::is_valid(version),
        PackageKind::Gem => gem::is_valid(version),
        PackageKind::Composer => composer::is_valid(version),
        PackageKind::Nuget => nuget::is_valid(version),
    }
}
