//! Files that are doubtful by their names and permissions.

use super::{Finding, Severity};
use crate::path::base;

const SECRET_NAMES: [&str; 18] = [
    "credentials",
    "credentials.json",
    "credentials.xml",
    "credential",
    "credential.json",
    "password.txt",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "secret_token.rb",
    "carrierwave.rb",
    "omniauth.rb",
    "database.yml",
    ".env",
    ".netrc",
    ".pgpass",
    ".htpasswd",
];

const SECRET_EXTENSIONS: [&str; 11] = [
    "secret",
    "ovpn",
    "private_key",
    "cscfg",
    "rdp",
    "bek",
    "tpm",
    "jks",
    "psafe3",
    "agilekeychain",
    "pcap",
];

const NEEDLESS_DIRECTORIES: [&str; 9] = [
    ".cache", ".aws", ".azure", ".gcp", ".git", ".vscode", ".idea", ".npm", ".svn",
];

const NEEDLESS_NAMES: [&str; 5] = [
    "Dockerfile",
    "docker-compose.yml",
    "docker-compose.yaml",
    ".vimrc",
    ".DS_Store",
];

/// What is doubtful about a file. Of a needless directory only what lies right in it is named.
pub fn check(path: &str, mode: u32, size: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |rule: &str, severity: Severity, title: &str, detail: String| {
        findings.push(Finding {
            path: path.to_owned(),
            line: None,
            rule: rule.to_owned(),
            severity,
            title: title.to_owned(),
            detail,
        });
    };
    if mode & 0o6000 != 0 {
        let title = if mode & 0o4000 != 0 {
            "File that runs as its owner (setuid)"
        } else {
            "File that runs as its group (setgid)"
        };
        add(
            "CIS-DI-0008",
            Severity::Info,
            title,
            format!("mode {mode:04o}"),
        );
    }
    let packaged =
        path.starts_with("usr/") || path.contains("node_modules/") || path.contains("-packages/");
    if packaged || size == 0 {
        return findings;
    }
    let name = base(path);
    let (_, extension) = name.rsplit_once('.').unwrap_or_default();
    if SECRET_NAMES.contains(&name) || SECRET_EXTENSIONS.contains(&extension) {
        let detail = "mount it when the container runs instead".to_owned();
        add(
            "CIS-DI-0010",
            Severity::High,
            "File that mostly holds secrets",
            detail,
        );
    }
    let mut parts = path.rsplit('/');
    let parent = parts.nth(1);
    if NEEDLESS_NAMES.contains(&name)
        || parent.is_some_and(|parent| NEEDLESS_DIRECTORIES.contains(&parent))
    {
        let detail = "leave it out of the image, for example by .dockerignore".to_owned();
        add(
            "DKL-LI-0003",
            Severity::Info,
            "File that an image does not need",
            detail,
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_modes_are_checked() {
        let rules = |path: &str, mode: u32| -> Vec<String> {
            check(path, mode, 1)
                .into_iter()
                .map(|one| one.rule)
                .collect()
        };
        assert_eq!(rules("usr/bin/su", 0o4755), ["CIS-DI-0008"]);
        assert_eq!(rules("root/.ssh/id_rsa", 0o600), ["CIS-DI-0010"]);
        assert_eq!(rules("app/.git/HEAD", 0o644), ["DKL-LI-0003"]);
        assert_eq!(
            rules("root/.aws/credentials", 0o600),
            ["CIS-DI-0010", "DKL-LI-0003"]
        );
        assert_eq!(rules("app/main.py", 0o644), [""; 0]);
    }
}
