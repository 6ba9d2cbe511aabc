//! The order of NuGet versions: up to four numbers, a pre-release as in semantic versions but
//! without regard to case, build metadata that does not count.
//!
//! Invariant: what `NuGetVersion` decides; missing numbers are 0.

use std::cmp::Ordering;

use super::semver;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (semver::split(a).0, semver::split(b).0);
    semver::compare_numbers(a.numbers, b.numbers).then_with(|| {
        semver::compare_pre_release(a.pre_release, b.pre_release, |left, right| {
            // In upper case, so that `_` comes after the letters.
            let upper = |text: &[u8]| text.to_ascii_uppercase();
            upper(left).cmp(&upper(right))
        })
    })
}

pub(super) fn is_valid(text: &str) -> bool {
    semver::is_valid(text)
}
