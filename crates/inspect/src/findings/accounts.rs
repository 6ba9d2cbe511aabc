//! `etc/passwd`, `etc/group` and `etc/shadow`.

use std::collections::BTreeMap;

use super::{Finding, Severity};

/// Accounts of one file that are looked at.
const MAX_ACCOUNTS: usize = 100_000;

/// Accounts without a password, and numbers that several have.
pub fn check(path: &str, bytes: &[u8]) -> Vec<Finding> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().take(MAX_ACCOUNTS).enumerate();
    let finding = |line: usize, rule: &str, title: &str, detail: String| Finding {
        path: path.to_owned(),
        line: Some(line as u32 + 1),
        rule: rule.to_owned(),
        severity: Severity::High,
        title: title.to_owned(),
        detail,
    };
    if path.ends_with("shadow") {
        return lines
            .filter_map(|(line, text)| {
                let mut fields = text.split(':');
                let (name, password) = (fields.next()?, fields.next()?);
                (!name.is_empty() && password.is_empty()).then(|| {
                    let detail = format!("{} may log in without one", short(name));
                    finding(
                        line,
                        "DKL-LI-0001",
                        "Account with an empty password",
                        detail,
                    )
                })
            })
            .take(50)
            .collect();
    }
    let what = if path.ends_with("group") {
        "group"
    } else {
        "user"
    };
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for (line, text) in lines {
        let mut fields = text.split(':');
        let (Some(name), Some(id)) = (fields.next(), fields.nth(1)) else {
            continue;
        };
        if name.is_empty() || name.starts_with(['+', '-', '#']) || id.is_empty() {
            continue;
        }
        if let Some(other) = seen.insert(id, name)
            && other != name
            && findings.len() < 50
        {
            let detail = format!("{} and {} are the same {what}", short(other), short(name));
            findings.push(finding(
                line,
                "DKL-LI-0002",
                "Number that two accounts have",
                detail,
            ));
        }
    }
    findings
}

fn short(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_checked() {
        let found = check("etc/shadow", b"root::1:::\nbin:*:1\ndaemon:!:\n:\n");
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].line, found[0].rule.as_str()),
            (Some(1), "DKL-LI-0001")
        );
        let found = check(
            "etc/passwd",
            b"root:x:0:0::/:\ntoor:x:0:0::/:\na:x:1:1\n\xff\n",
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].detail, "root and toor are the same user");
        assert_eq!(check("etc/group", b"root:x:0:\na:x:1:\n"), []);
    }
}
