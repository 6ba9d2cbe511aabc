//! The order of Go module versions: semantic versions with `v`, pseudo-versions among them, and
//! the versions of the toolchain (`go1.21rc2`), by which the module `stdlib` goes.
//!
//! Invariant: what `golang.org/x/mod/semver` decides for module versions (`+incompatible` is build
//! metadata) and what `go/version` decides for toolchains. `(devel)` is no version.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::semver;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    semver::compare(&module_form(a), &module_form(b))
}

pub(super) fn is_valid(text: &str) -> bool {
    semver::is_valid(&module_form(text))
}

/// `go1.21rc2 X:something` as `1.21-rc.2`; everything else as it is.
fn module_form(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    let toolchain = text.strip_prefix("go").unwrap_or(text);
    if !toolchain.starts_with(|first: char| first.is_ascii_digit()) {
        return Cow::Borrowed(text);
    }
    // What a vendor of toolchains appends does not count.
    let end = toolchain
        .find(|c: char| c.is_ascii_whitespace())
        .unwrap_or(toolchain.len());
    let mut version = &toolchain[..end];
    if toolchain.len() != text.len() {
        version = version
            .split_once('-')
            .map_or(version, |(version, _)| version);
    }
    let split = version
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(version.len());
    let (numbers, rest) = version.split_at(split);
    let word = rest.trim_end_matches(|c: char| c.is_ascii_digit());
    if matches!(word, "alpha" | "beta" | "rc") {
        return Cow::Owned(format!("{numbers}-{word}.{}", &rest[word.len()..]));
    }
    Cow::Borrowed(version)
}
