//! The history of an image, turned back into instructions.

/// One step of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// `RUN`, `COPY`, … in upper case.
    pub keyword: String,
    /// What follows it.
    pub text: String,
    /// Build arguments that the step was run with: they stay readable for everybody.
    pub arguments: Vec<(String, String)>,
}

/// No step is longer; what is beyond is cut.
const MAX_STEP: usize = 256 * 1024;

const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Reads `created_by` of one entry, as docker, BuildKit and buildah write it.
pub fn instruction(created_by: &str) -> Instruction {
    let mut end = created_by.len().min(MAX_STEP);
    while !created_by.is_char_boundary(end) {
        end -= 1;
    }
    let text = created_by[..end].trim();
    let text = text.strip_suffix("# buildkit").unwrap_or(text).trim_end();
    let (arguments, text) =
        build_arguments(text.strip_prefix("RUN ").unwrap_or(text)).unwrap_or((Vec::new(), text));
    let done = |keyword: &str, text: &str| Instruction {
        keyword: keyword.to_owned(),
        text: text.trim().to_owned(),
        arguments: arguments.clone(),
    };
    // docker's marker for steps that run nothing.
    if let Some(at) = text.find("#(nop)") {
        return split(text[at + 6..].trim(), &done).unwrap_or_else(|| done("", &text[at + 6..]));
    }
    if let Some(known) = split(text, &done) {
        if known.keyword == "RUN" {
            return done("RUN", shell_command(&known.text));
        }
        return known;
    }
    done("RUN", shell_command(text))
}

fn split(text: &str, done: &impl Fn(&str, &str) -> Instruction) -> Option<Instruction> {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let keyword = first.to_ascii_uppercase();
    KEYWORDS
        .contains(&keyword.as_str())
        .then(|| done(&keyword, rest))
}

/// The command without the shell in front of it.
fn shell_command(text: &str) -> &str {
    let text = text.trim();
    [
        "/bin/sh -c ",
        "/bin/bash -c ",
        "/bin/ash -c ",
        "/bin/ash -eo pipefail -c ",
        "/bin/bash -o pipefail -c ",
    ]
    .iter()
    .find_map(|shell| text.strip_prefix(shell))
    .unwrap_or(text)
    .trim_start()
}

/// `|2 A=x B=y /bin/sh -c …`: as many assignments as the number says, then the command.
fn build_arguments(text: &str) -> Option<(Vec<(String, String)>, &str)> {
    let rest = text.strip_prefix('|')?;
    let (count, mut rest) = rest.split_once(' ')?;
    let count: usize = count.parse().ok()?;
    let mut arguments = Vec::new();
    for _ in 0..count.min(1000) {
        let (key, after) = rest.split_once('=')?;
        // A value may have spaces: it ends where the next assignment or the shell begins.
        let end = if arguments.len() + 1 == count {
            after.find(" /bin/").or_else(|| after.find(' '))
        } else {
            after
                .match_indices(' ')
                .map(|(at, _)| at)
                .find(|at| is_assignment(&after[at + 1..]))
        }
        .unwrap_or(after.len());
        arguments.push((key.trim().to_owned(), after[..end].to_owned()));
        rest = after[end..].trim_start();
    }
    Some((arguments, rest))
}

fn is_assignment(text: &str) -> bool {
    let name = text.split('=').next().unwrap_or_default();
    text.contains('=')
        && !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_back() {
        for (created_by, keyword, text) in [
            ("/bin/sh -c #(nop)  CMD [\"bash\"]", "CMD", "[\"bash\"]"),
            (
                "/bin/sh -c #(nop) ADD file:abc in / ",
                "ADD",
                "file:abc in /",
            ),
            ("/bin/sh -c apt-get update", "RUN", "apt-get update"),
            (
                "RUN /bin/sh -c apk add curl # buildkit",
                "RUN",
                "apk add curl",
            ),
            ("COPY . /app # buildkit", "COPY", ". /app"),
            ("|1 V=1.2 /bin/sh -c make", "RUN", "make"),
            (
                "RUN |2 A=x y B=z /bin/sh -c echo hi # buildkit",
                "RUN",
                "echo hi",
            ),
            ("", "RUN", ""),
        ] {
            let step = instruction(created_by);
            assert_eq!(
                (step.keyword.as_str(), step.text.as_str()),
                (keyword, text),
                "{created_by}"
            );
        }
        let step = instruction("RUN |2 A=x y B=z /bin/sh -c echo hi # buildkit");
        let expected = [
            ("A".to_owned(), "x y".to_owned()),
            ("B".to_owned(), "z".to_owned()),
        ];
        assert_eq!(step.arguments, expected);
        assert_eq!(instruction("|x").arguments, []);
    }
}
