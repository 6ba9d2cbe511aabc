//! Paths as a runtime resolves them: relative to the root of the image, without `.` and `..`, never
//! above the root.

/// A name of an archive as a path from the root, without a slash at either end. The root is empty.
pub(crate) fn clean(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    // Nearly every name is clean already.
    let trimmed = text.strip_prefix("./").unwrap_or(&text);
    let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
    if !trimmed.is_empty()
        && trimmed
            .split('/')
            .all(|part| !matches!(part, "" | "." | ".."))
    {
        return trimmed.to_owned();
    }
    let mut parts = Vec::new();
    push_all(&mut parts, &text);
    parts.join("/")
}

fn push_all<'a>(parts: &mut Vec<&'a str>, text: &'a str) {
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
}

/// What a symbolic link at `path` points to, as a path from the root.
pub(crate) fn target(path: &str, link: &str) -> String {
    let mut parts = Vec::new();
    if !link.starts_with('/') {
        push_all(&mut parts, parent(path));
    }
    push_all(&mut parts, link);
    parts.join("/")
}

/// The directory that holds it; empty for what is in the root.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The last component.
pub(crate) fn base(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, base)| base)
}

/// Whether `path` is below `directory`.
pub(crate) fn is_below(path: &str, directory: &str) -> bool {
    directory.is_empty()
        || path
            .strip_prefix(directory)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// What the name of an entry takes away from the layers below.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Whiteout {
    /// This path and what is below it.
    Path(String),
    /// Everything in this directory.
    Opaque(String),
    /// A name that is reserved and means nothing.
    Reserved,
}

/// Reads a name that begins with `.wh.`.
pub(crate) fn whiteout(path: &str) -> Option<Whiteout> {
    let hidden = base(path).strip_prefix(".wh.")?;
    let parent = parent(path);
    Some(match hidden {
        ".wh..opq" => Whiteout::Opaque(parent.to_owned()),
        "" => Whiteout::Reserved,
        _ if hidden.starts_with(".wh.") => Whiteout::Reserved,
        _ if parent.is_empty() => Whiteout::Path(hidden.to_owned()),
        _ => Whiteout::Path(format!("{parent}/{hidden}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_paths_from_the_root() {
        for (name, path) in [
            ("./etc/os-release", "etc/os-release"),
            ("etc//os-release", "etc/os-release"),
            ("/etc/./x/../os-release", "etc/os-release"),
            ("../../etc/os-release", "etc/os-release"),
            ("././var/", "var"),
            ("./", ""),
            ("..", ""),
            ("a/.wh.b", "a/.wh.b"),
        ] {
            assert_eq!(clean(name.as_bytes()), path, "{name}");
        }
        assert_eq!(clean(b"a/\xff"), "a/\u{fffd}");
    }

    #[test]
    fn links_resolve_from_their_directory() {
        assert_eq!(
            target("etc/os-release", "../usr/lib/os-release"),
            "usr/lib/os-release"
        );
        assert_eq!(target("lib", "usr/lib"), "usr/lib");
        assert_eq!(target("a/b", "/x/y"), "x/y");
        assert_eq!(target("a/b", "../../../x"), "x");
    }

    #[test]
    fn whiteouts_name_what_they_hide() {
        let path = |text: &str| Some(Whiteout::Path(text.into()));
        assert_eq!(whiteout("a/.wh.b"), path("a/b"));
        assert_eq!(whiteout(".wh.b"), path("b"));
        assert_eq!(
            whiteout("a/.wh..wh..opq"),
            Some(Whiteout::Opaque("a".into()))
        );
        assert_eq!(
            whiteout(".wh..wh..opq"),
            Some(Whiteout::Opaque(String::new()))
        );
        assert_eq!(whiteout("a/.wh..wh.plnk"), Some(Whiteout::Reserved));
        assert_eq!(whiteout("a/.wh."), Some(Whiteout::Reserved));
        assert_eq!(whiteout("a/wh.b"), None);
    }
}
