//! Whether an entry of an advisory affects a package.
//!
//! Invariant: the answer follows from the package, the distribution and the entry alone. The rules
//! where a version decides nothing:
//! - a version that cannot be read (Go's `(devel)`, a Composer branch) is affected only where the
//!   entry lists it letter by letter, or where every version there ever was is affected;
//! - a package that somebody else than the distribution built is not matched, for the
//!   distribution's versions say nothing about it;
//! - an entry for a module stream affects packages of that stream only, any other entry only
//!   packages of none.

use crate::version;
use crate::{Affected, Distro, Ecosystem, Event, Family, Names, Package, PackageKind, Unfixed};

/// How a package is affected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// What can be done.
    pub status: Status,
    /// The lowest version that mends it.
    pub fixed_version: Option<String>,
}

/// What can be done about it; reports write it in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// No version mends it.
    Unfixed(Unfixed),
    /// A newer version mends it.
    Fixed,
}

impl Status {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Unfixed(Unfixed::UnderInvestigation) => "under_investigation",
            Self::Unfixed(Unfixed::Affected) => "affected",
            Self::Unfixed(Unfixed::FixDeferred) => "fix_deferred",
            Self::Unfixed(Unfixed::WillNotFix) => "will_not_fix",
            Self::Unfixed(Unfixed::EndOfLife) => "end_of_life",
        }
    }
}

/// Why no advisory can speak of a package. A report must be able to say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCovered {
    /// Nothing says which distribution it is, or there are no advisories for that one.
    #[error("there are no advisories for this distribution or release")]
    Distribution,
    /// Somebody else than the distribution built it.
    #[error("somebody else than the distribution built the package")]
    ThirdParty,
}

/// A package made ready to be held against entries.
#[derive(Debug, Clone)]
pub struct Lookup<'a> {
    package: &'a Package,
    ecosystem: Ecosystem,
    names: Vec<(Names, String)>,
}

impl<'a> Lookup<'a> {
    /// Finds where the package's advisories are.
    pub fn new(package: &'a Package, distro: Option<&Distro>) -> Result<Self, NotCovered> {
        let ecosystem = Ecosystem::of(package.kind, distro).ok_or(NotCovered::Distribution)?;
        if is_third_party(package, ecosystem.family()) {
            return Err(NotCovered::ThirdParty);
        }
        let mut names = vec![(
            Names::Package,
            ecosystem.normal_name(&package.name).into_owned(),
        )];
        if package.kind.is_os() {
            let source = package.source.as_ref();
            let name = source.map_or(package.name.as_str(), |source| source.name.as_str());
            names.push((Names::Source, name.to_owned()));
        }
        Ok(Self {
            package,
            ecosystem,
            names,
        })
    }

    /// The key of the package's advisories.
    pub fn ecosystem(&self) -> &Ecosystem {
        &self.ecosystem
    }

    /// The names under which entries may speak of the package, and as what.
    pub fn names(&self) -> impl Iterator<Item = (Names, &str)> {
        self.names
            .iter()
            .map(|(names, name)| (*names, name.as_str()))
    }

    /// Whether the entry affects the package.
    ///
    /// The entry's advisory must be in force: see [`crate::Advisory::is_in_force`].
    pub fn affects(&self, entry: &Affected) -> Option<Match> {
        let named = self
            .names()
            .any(|(names, name)| names == entry.names && name == entry.name);
        if !named || entry.ecosystem != self.ecosystem || !self.is_of_kind(entry) {
            return None;
        }
        let source = self.package.source.as_ref();
        let version = match (entry.names, source) {
            (Names::Source, Some(source)) => source.version.as_str(),
            _ => self.package.version.as_str(),
        };
        affected_version(self.ecosystem.kind(), entry, version)
    }

    /// Whether architecture and module stream are those of the entry.
    fn is_of_kind(&self, entry: &Affected) -> bool {
        let architecture = self.package.architecture.as_deref();
        let on_architecture = entry.architectures.is_empty()
            || architecture.is_none_or(|own| {
                matches!(own, "noarch" | "all") || entry.architectures.iter().any(|one| one == own)
            });
        on_architecture && self.is_of_module(entry)
    }

    fn is_of_module(&self, entry: &Affected) -> bool {
        if self.package.kind != PackageKind::Rpm {
            return true;
        }
        let own = self.package.module.as_deref();
        let is_modular = own.is_some() || is_modular_release(&self.package.version);
        match (entry.module.as_deref(), own) {
            (None, _) => !is_modular,
            (Some("*"), _) | (Some(_), None) => is_modular,
            (Some(stream), Some(own)) => own == stream,
        }
    }
}

/// Whether an entry affects a package of such a distribution.
pub fn affects(entry: &Affected, package: &Package, distro: Option<&Distro>) -> Option<Match> {
    Lookup::new(package, distro).ok()?.affects(entry)
}

/// Whether a release such as `1.module_el8.6.0+3338` was built for a module stream.
pub(crate) fn is_modular_release(version: &str) -> bool {
    version
        .rsplit_once('-')
        .is_some_and(|(_, release)| release.contains(".module"))
}

fn affected_version(kind: PackageKind, entry: &Affected, version: &str) -> Option<Match> {
    let readable = version::is_valid(kind, version);
    let held: Vec<bool> = entry
        .ranges
        .iter()
        .map(|range| {
            if readable {
                holds(kind, range, version)
            } else {
                matches!(range.as_slice(), [only] if only.is_beginning())
            }
        })
        .collect();
    // Lists are long and say what ranges say: they are read where no range holds.
    let listed = !held.contains(&true);
    if listed && !is_listed(kind, entry, version, readable) {
        return None;
    }
    let fixed = entry
        .ranges
        .iter()
        .zip(&held)
        .filter(|(_, held)| readable && (**held || listed))
        .filter_map(|(range, _)| next_fix(kind, range, version))
        .min_by(|a, b| version::compare(kind, a, b));
    Some(Match {
        status: fixed.map_or(Status::Unfixed(entry.unfixed), |_| Status::Fixed),
        fixed_version: fixed.map(str::to_owned),
    })
}

fn is_listed(kind: PackageKind, entry: &Affected, version: &str, readable: bool) -> bool {
    let mut versions = entry.versions.iter();
    versions.any(|listed| {
        listed == version || (readable && version::compare(kind, listed, version).is_eq())
    })
}

/// Whether the version lies within the range, whose events are in order.
fn holds(kind: PackageKind, range: &[Event], version: &str) -> bool {
    let mut within = false;
    for event in range {
        let order = if event.is_beginning() {
            std::cmp::Ordering::Less
        } else {
            version::compare(kind, event.version(), version)
        };
        match event {
            Event::Introduced(_) if order.is_le() => within = true,
            Event::Fixed(_) | Event::Limit(_) if order.is_le() => within = false,
            Event::LastAffected(_) if order.is_lt() => within = false,
            _ => {}
        }
    }
    within
}

/// The fix that ends the stretch of the range in which the version lies.
fn next_fix<'a>(kind: PackageKind, range: &'a [Event], version: &str) -> Option<&'a str> {
    for event in range {
        let order = version::compare(kind, event.version(), version);
        match event {
            Event::Fixed(fixed) if order.is_gt() => return Some(fixed),
            Event::LastAffected(_) if order.is_ge() => return None,
            Event::Limit(_) if order.is_gt() => return None,
            _ => {}
        }
    }
    None
}

/// Who builds a distribution's own packages, as `Vendor` or `Origin` names them.
fn is_third_party(package: &Package, family: Family) -> bool {
    let own = match family {
        Family::Debian => "debian",
        Family::Ubuntu => "ubuntu",
        Family::AlmaLinux => "almalinux",
        Family::Rocky => "rocky",
        // CentOS is read with Red Hat's advisories.
        Family::RedHat => "red hat",
        Family::Suse | Family::OpenSuse => "suse",
        Family::Mageia => "mageia",
        Family::AzureLinux => "microsoft",
        Family::Photon => "vmware",
        _ => return false,
    };
    let Some(vendor) = package.vendor.as_deref().map(str::trim) else {
        return false;
    };
    if vendor.is_empty() {
        return false;
    }
    let vendor = vendor.to_ascii_lowercase();
    let is_own = vendor.contains(own) || (family == Family::RedHat && vendor.contains("centos"));
    !is_own
}
