//! Checks of an image's configuration and history. The ids are those that other tools print, so
//! that exceptions can be carried over; titles and advice are our own.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::history::{Instruction, instruction};
use super::{Finding, Severity, secrets};

/// Steps of a history that are looked at.
const MAX_STEPS: usize = 2000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Document {
    config: Option<Config>,
    history: Option<Vec<Step>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Config {
    #[serde(rename = "User")]
    user: Option<String>,
    #[serde(rename = "Env")]
    env: Option<Vec<String>>,
    #[serde(rename = "Labels")]
    labels: Option<Map<String, Value>>,
    #[serde(rename = "Healthcheck")]
    healthcheck: Option<Value>,
    #[serde(rename = "Volumes")]
    volumes: Option<Map<String, Value>>,
    #[serde(rename = "ExposedPorts")]
    exposed_ports: Option<Map<String, Value>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Step {
    created_by: Option<String>,
}

struct Findings(Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        line: Option<usize>,
        rule: &str,
        severity: Severity,
        title: &str,
        advice: &str,
    ) {
        self.0.push(Finding {
            path: String::new(),
            line: line.map(|line| line as u32),
            rule: rule.to_owned(),
            severity,
            title: title.to_owned(),
            detail: advice.to_owned(),
        });
    }
}

/// Checks the configuration of an image, and the tag it is known by.
///
/// The line of a finding is the number of the history's entry, counted from 1.
pub fn check(config: &[u8], tag: Option<&str>) -> Result<Vec<Finding>, serde_json::Error> {
    let document: Document = serde_json::from_slice(config)?;
    let mut findings = Findings(Vec::new());
    let config = document.config.unwrap_or_default();
    check_config(&config, &mut findings);
    if tag == Some("latest") {
        findings.add(None, "DKL-DI-0006", Severity::Medium, "Tag latest",
            "give images tags that say what they are, so that they can be told apart and rolled back");
    }
    let mut first_add = true;
    for (index, step) in document
        .history
        .iter()
        .flatten()
        .take(MAX_STEPS)
        .enumerate()
    {
        let step = instruction(step.created_by.as_deref().unwrap_or_default());
        check_step(index + 1, &step, &mut first_add, &mut findings);
    }
    findings.0.sort();
    findings.0.dedup();
    Ok(findings.0)
}

fn check_config(config: &Config, findings: &mut Findings) {
    let user = config.user.as_deref().unwrap_or_default();
    let user = user.split(':').next().unwrap_or_default();
    if matches!(user, "" | "root" | "0") {
        findings.add(
            None,
            "CIS-DI-0001",
            Severity::Medium,
            "Runs as root",
            "set USER to an account without privileges",
        );
    }
    let test = config
        .healthcheck
        .as_ref()
        .and_then(|check| check["Test"][0].as_str());
    if matches!(test, None | Some("NONE" | "")) {
        findings.add(
            None,
            "CIS-DI-0006",
            Severity::Info,
            "No health check",
            "add HEALTHCHECK, unless whoever runs it checks it otherwise",
        );
    }
    for volume in config
        .volumes
        .iter()
        .flatten()
        .map(|(path, _)| path.trim_end_matches('/'))
    {
        if matches!(volume, "/dev" | "/proc" | "/sys") {
            findings.add(
                None,
                "DKL-DI-0002",
                Severity::High,
                "Volume over a system directory",
                "do not make /dev, /proc or /sys a volume",
            );
        }
    }
    for port in config
        .exposed_ports
        .iter()
        .flatten()
        .map(|(port, _)| port.as_str())
    {
        if matches!(port, "22" | "22/tcp") {
            findings.add(
                None,
                "DS-0004",
                Severity::Medium,
                "Port of SSH is exposed",
                "enter containers by the runtime, not by SSH",
            );
        }
    }
    for entry in config.env.iter().flatten() {
        if let Some((key, value)) = entry.split_once('=') {
            assignment(None, "environment variable", key, value, findings);
        }
    }
    for (key, value) in config.labels.iter().flatten() {
        let text = format!("{key}={}", value.as_str().unwrap_or_default());
        text_secrets(None, &text, findings);
    }
}

/// Names that say that a value is a secret.
fn is_secret_name(key: &str) -> bool {
    let key = key.to_ascii_uppercase();
    // Where keys of signatures or files are, and not what they are.
    if key.starts_with("GPG_KEY")
        || [
            "_FILE",
            "_PATH",
            "_DIR",
            "_URL",
            "_ID",
            "_EXPIRE",
            "_EXPIRES",
            "_TTL",
            "_NAME",
            "_FINGERPRINT",
        ]
        .iter()
        .any(|end| key.ends_with(end))
    {
        return false;
    }
    key.split(['_', '-', '.']).any(|word| {
        matches!(
            word,
            "PASS"
                | "PASSWD"
                | "PASSWORD"
                | "SECRET"
                | "SECRETS"
                | "KEY"
                | "APIKEY"
                | "TOKEN"
                | "PASSPHRASE"
        )
    })
}

fn assignment(line: Option<usize>, what: &str, key: &str, value: &str, findings: &mut Findings) {
    let value = value.trim_matches(['"', '\'']);
    if is_secret_name(key) && !value.is_empty() && !value.starts_with('$') {
        let name: String = key.chars().filter(|c| !c.is_control()).take(80).collect();
        findings.add(line, "CIS-DI-0010", Severity::High, "Secret in the configuration",
            &format!("the {what} {name} is readable for everybody who can pull; pass it when the container runs, or as a build secret"));
    }
    text_secrets(line, &format!("{key}=\"{value}\""), findings);
}

fn text_secrets(line: Option<usize>, text: &str, findings: &mut Findings) {
    for mut finding in secrets::search("", text.as_bytes(), 20) {
        finding.line = line.map(|line| line as u32);
        findings.0.push(finding);
    }
}

fn check_step(line: usize, step: &Instruction, first_add: &mut bool, findings: &mut Findings) {
    for (key, value) in &step.arguments {
        assignment(Some(line), "build argument", key, value, findings);
    }
    let text = step.text.as_str();
    let at = Some(line);
    match step.keyword.as_str() {
        // The first one is the root of a base image.
        "ADD" if std::mem::replace(first_add, false) => {}
        "ADD" => findings.add(
            at,
            "CIS-DI-0009",
            Severity::High,
            "ADD where COPY does",
            "use COPY: ADD fetches and unpacks without being asked",
        ),
        "COPY" => *first_add = false,
        "ARG" | "ENV" => {
            if let Some((key, value)) = text.split_once(['=', ' ']) {
                let what = if step.keyword == "ARG" {
                    "build argument"
                } else {
                    "environment variable"
                };
                assignment(at, what, key, value, findings);
            }
        }
        "WORKDIR" if !text.starts_with(['/', '$', '"']) && text.get(1..2) != Some(":") => {
            findings.add(
                at,
                "DS-0009",
                Severity::High,
                "Relative WORKDIR",
                "write the whole path: a relative one depends on the steps before",
            );
        }
        "WORKDIR" => {
            let system = [
                "/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sys", "/bin", "/sbin",
            ];
            if system.contains(&text.trim_end_matches('/')) {
                findings.add(
                    at,
                    "DS-0030",
                    Severity::High,
                    "WORKDIR in a system directory",
                    "work in a directory of your own",
                );
            }
        }
        "MAINTAINER" => findings.add(
            at,
            "DS-0022",
            Severity::Info,
            "MAINTAINER",
            "use the label org.opencontainers.image.authors",
        ),
        "RUN" => check_command(line, text, findings),
        _ => {}
    }
}

fn check_command(line: usize, text: &str, findings: &mut Findings) {
    text_secrets(Some(line), text, findings);
    let at = Some(line);
    let lower = text.to_ascii_lowercase();
    let commands: Vec<Vec<&str>> = lower
        .split(['\n', ';', '|', '&'])
        .map(|command| command.split_ascii_whitespace().collect::<Vec<_>>())
        .filter(|words| !words.is_empty())
        .take(1000)
        .collect();
    let runs = |program: &[&str], action: &str| {
        commands
            .iter()
            .any(|words| words.iter().any(|word| program.contains(word)) && words.contains(&action))
    };
    let flagged = |program: &[&str], action: &str, flags: &[&str]| {
        commands.iter().any(|words| {
            words.iter().any(|word| program.contains(word))
                && words.contains(&action)
                && !words.iter().any(|word| flags.contains(word))
        })
    };
    let first = |program: &str| commands.iter().any(|words| words[0] == program);
    let apt = ["apt-get", "apt"];
    if first("sudo") {
        findings.add(
            at,
            "DKL-DI-0001",
            Severity::High,
            "sudo in a build",
            "run the step as the right user by USER",
        );
    }
    if runs(&apt, "update") && !runs(&apt, "install") && !runs(&apt, "upgrade") {
        findings.add(
            at,
            "CIS-DI-0007",
            Severity::High,
            "apt-get update on its own",
            "update and install in one step: a cached update installs old packages",
        );
    }
    if runs(&apt, "dist-upgrade") {
        findings.add(
            at,
            "DKL-DI-0003",
            Severity::Medium,
            "apt-get dist-upgrade",
            "take a newer base image",
        );
    }
    if runs(&apt, "install") {
        if !lower.contains("/var/lib/apt/lists") && !runs(&apt, "clean") {
            findings.add(
                at,
                "DKL-DI-0005",
                Severity::Medium,
                "Package lists are left behind",
                "remove /var/lib/apt/lists in the same step",
            );
        }
        if flagged(
            &apt,
            "install",
            &["-y", "--yes", "--assume-yes", "-qy", "-yq", "-qqy", "-yqq"],
        ) {
            findings.add(
                at,
                "DS-0021",
                Severity::Medium,
                "apt-get asks",
                "install with -y: nobody answers while building",
            );
        }
        if flagged(&apt, "install", &["--no-install-recommends"]) {
            findings.add(
                at,
                "DS-0029",
                Severity::Low,
                "Recommended packages are installed",
                "install with --no-install-recommends",
            );
        }
    }
    if flagged(&["apk"], "add", &["--no-cache"]) && !lower.contains("/var/cache/apk") {
        findings.add(
            at,
            "DKL-DI-0004",
            Severity::Medium,
            "apk keeps its cache",
            "add with --no-cache",
        );
    }
    for (program, rule) in [
        ("yum", "DS-0015"),
        ("dnf", "DS-0019"),
        ("zypper", "DS-0020"),
        ("microdnf", "DS-0027"),
    ] {
        let cleans = runs(&[program], "clean") || lower.contains(&format!("/var/cache/{program}"));
        if runs(&[program], "install") && !cleans {
            findings.add(
                at,
                rule,
                Severity::Medium,
                "Package manager keeps its cache",
                "clean it in the same step",
            );
        }
    }
    if first("cd") && commands.len() == 1 {
        findings.add(
            at,
            "DS-0013",
            Severity::Low,
            "cd has no effect on the next step",
            "use WORKDIR",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules_of(config: &str, tag: Option<&str>) -> Vec<String> {
        let found = check(config.as_bytes(), tag).unwrap();
        found.into_iter().map(|one| one.rule).collect()
    }

    fn step(created_by: &str) -> Vec<String> {
        let config = serde_json::json!({
            "config": {"User": "app", "Healthcheck": {"Test": ["CMD", "true"]}},
            "history": [{"created_by": "COPY / /"}, {"created_by": created_by}],
        });
        rules_of(&config.to_string(), None)
    }

    #[test]
    fn configurations_are_checked() {
        let good = r#"{"config":{"User":"1000","Healthcheck":{"Test":["CMD","x"]},"Env":["PATH=/bin","GPG_KEY=ABC"]}}"#;
        assert_eq!(rules_of(good, Some("1.2")), [""; 0]);
        assert_eq!(
            rules_of("{}", Some("latest")),
            ["CIS-DI-0001", "CIS-DI-0006", "DKL-DI-0006"]
        );
        let bad = r#"{"config":{"User":"root:root","Env":["DB_PASSWORD=hunter2"],"Volumes":{"/proc/":{}},
            "ExposedPorts":{"22/tcp":{}}},"history":null}"#;
        assert_eq!(
            rules_of(bad, None),
            [
                "CIS-DI-0001",
                "CIS-DI-0006",
                "CIS-DI-0010",
                "DKL-DI-0002",
                "DS-0004"
            ]
        );
        assert!(!format!("{:?}", check(bad.as_bytes(), None)).contains("hunter2"));
        assert!(check(b"[", None).is_err());
    }

    #[test]
    fn steps_are_checked() {
        assert_eq!(step("/bin/sh -c apt-get update"), ["CIS-DI-0007"]);
        assert_eq!(step("ADD . /app # buildkit"), ["CIS-DI-0009"]);
        assert_eq!(step("RUN /bin/sh -c sudo make # buildkit"), ["DKL-DI-0001"]);
        assert_eq!(step("/bin/sh -c apk add curl"), ["DKL-DI-0004"]);
        assert_eq!(step("/bin/sh -c apk add --no-cache curl"), [""; 0]);
        assert_eq!(
            step(
                "RUN /bin/sh -c apt-get update && apt-get install -y --no-install-recommends x && rm -rf /var/lib/apt/lists/*"
            ),
            [""; 0]
        );
        assert_eq!(step("WORKDIR app"), ["DS-0009"]);
        assert_eq!(step("WORKDIR /etc"), ["DS-0030"]);
        assert_eq!(step("/bin/sh -c #(nop)  MAINTAINER x"), ["DS-0022"]);
        assert_eq!(step("|1 API_TOKEN=abc /bin/sh -c make"), ["CIS-DI-0010"]);
        assert_eq!(step("/bin/sh -c yum install -y x"), ["DS-0015"]);
    }
}
