//! Other people's judgement of versions, over generated pairs: `dpkg --compare-versions`, rpm's own
//! `rpm.vercmp`, Ruby's `Gem::Version`, Go's `semver`, Composer's `Comparator`, Maven's
//! `ComparableVersion`, and of NuGet Python's `univers`.

use std::cmp::Ordering;
use std::io::Write as _;
use std::process::{Command, Stdio};

use berth_advisories::{PackageKind, version};

/// How dpkg orders them, or `None` where it does not take one of them.
fn dpkg(a: &str, b: &str) -> Option<Ordering> {
    let holds = |operator: &str| {
        let output = Command::new("dpkg")
            .args(["--compare-versions", a, operator, b])
            .output()
            .expect("dpkg runs");
        match (output.status.code(), output.stderr.is_empty()) {
            (Some(0), _) => Some(true),
            (Some(1), true) => Some(false),
            _ => None,
        }
    };
    Some(match (holds("lt")?, holds("eq")?) {
        (true, _) => Ordering::Less,
        (false, true) => Ordering::Equal,
        (false, false) => Ordering::Greater,
    })
}

#[test]
fn dpkg_decides_alike() {
    if Command::new("dpkg").arg("--version").output().is_err() {
        eprintln!("SKIPPED: there is no dpkg here to compare with");
        return;
    }
    let pieces = [
        "0", "1", "9", "10", "~", "+", ".", "-", "a", "deb12u1", "Z", "00",
    ];
    // A generator of its own, so that every run judges the same pairs.
    let mut state: u64 = 0x2545_F491_4F6C_DD1D;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % below
    };
    let mut judged = 0;
    while judged < 400 {
        let stem: String = (0..next(3)).map(|_| pieces[next(pieces.len())]).collect();
        let mut end = || -> String { (0..next(4)).map(|_| pieces[next(pieces.len())]).collect() };
        let (a, b) = (format!("1{stem}{}", end()), format!("1{stem}{}", end()));
        let Some(expected) = dpkg(&a, &b) else {
            continue;
        };
        judged += 1;
        assert_eq!(
            version::compare(PackageKind::Deb, &a, &b),
            expected,
            "{a} to {b}"
        );
    }
}

/// Numbers of a generator of its own, so that every run judges the same.
fn numbers(mut state: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % below
    }
}

/// Pairs that begin alike, so that what follows decides.
fn pairs(count: usize, pieces: &[&str], most: usize) -> Vec<(String, String)> {
    let mut next = numbers(0x2545_F491_4F6C_DD1D);
    let mut some = |most: usize| -> String {
        let length = next(most);
        (0..length).map(|_| pieces[next(pieces.len())]).collect()
    };
    (0..count)
        .map(|_| {
            let stem = some(most);
            (
                format!("1{stem}{}", some(most)),
                format!("1{stem}{}", some(most)),
            )
        })
        .collect()
}

/// What a program answers to these pairs, each in a line; `None`, said aloud, where it is not there.
fn answers(command: &mut Command, pairs: &[(String, String)]) -> Option<Vec<String>> {
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = started else {
        let name = command.get_program().display();
        eprintln!("SKIPPED: there is no {name} here to compare with");
        return None;
    };
    let mut input = child.stdin.take().expect("a pipe");
    let lines: Vec<String> = pairs.iter().map(|(a, b)| format!("{a} {b}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.concat().as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads all");
    assert!(output.status.success(), "it failed: {}", output.status);
    let said = String::from_utf8(output.stdout).expect("text");
    Some(said.lines().map(str::to_owned).collect())
}

fn assert_alike(kind: PackageKind, pairs: &[(String, String)], said: &[String]) {
    assert_eq!(said.len(), pairs.len());
    let mut seen = [0; 3];
    for ((a, b), said) in pairs.iter().zip(said) {
        let expected = match said.as_str() {
            "-1" => Ordering::Less,
            "0" => Ordering::Equal,
            "1" => Ordering::Greater,
            // The judge does not take one of them.
            _ => continue,
        };
        seen[(expected as i8 + 1) as usize] += 1;
        assert_eq!(
            version::compare(kind, a, b),
            expected,
            "{kind:?}: {a} to {b}"
        );
    }
    // A judge that always says the same would prove nothing.
    assert!(
        seen.iter().all(|count| count * 100 > pairs.len()),
        "{seen:?}"
    );
}

#[test]
fn rpm_decides_alike() {
    let pieces = [
        "0", "1", "9", "10", "007", "~", "^", ".", "_", "+", "a", "rc", "Z", "el9",
    ];
    let pairs = pairs(4_000, &pieces, 5);
    let program = "%{lua: for line in io.lines() do local a, b = line:match('(%S+) (%S+)') \
                   print(rpm.vercmp(a, b) .. '\\n') end}";
    let mut command = Command::new("rpm");
    let Some(said) = answers(command.args(["--eval", program]), &pairs) else {
        return;
    };
    let said: Vec<String> = said.into_iter().filter(|line| !line.is_empty()).collect();
    assert_alike(PackageKind::Rpm, &pairs, &said);
    // Epochs and releases are ordered before and after what they surround.
    for (a, b) in pairs.iter().take(500) {
        let order = version::compare(PackageKind::Rpm, a, b);
        let with = |epoch: u8, version: &str| format!("{epoch}:{version}-1.el9");
        let same = version::compare(PackageKind::Rpm, &with(2, a), &with(2, b));
        assert_eq!(same, order, "{a} to {b}");
        let other = version::compare(PackageKind::Rpm, &with(2, a), &with(10, b));
        assert_eq!(other, Ordering::Less, "{a} to {b}");
    }
}

#[test]
fn ruby_decides_alike() {
    let pieces = [
        "0", "1", "9", "10", ".", ".", "a", "b", "rc", "pre", "-", "-",
    ];
    let pairs = pairs(4_000, &pieces, 5);
    let program = "STDIN.each_line { |line| a, b = line.split; puts((Gem::Version.correct?(a) && \
                   Gem::Version.correct?(b)) ? (Gem::Version.new(a) <=> Gem::Version.new(b)) : '-') }";
    let mut command = Command::new("ruby");
    if let Some(said) = answers(command.args(["-e", program]), &pairs) {
        assert_alike(PackageKind::Gem, &pairs, &said);
    }
}

#[test]
fn go_decides_alike() {
    let pieces = [
        "0",
        "1",
        "9",
        "10",
        ".0",
        ".1",
        ".1.2",
        ".10.0",
        "-rc.1",
        "-0.20260101000000-abcdefabcdef",
        "-beta",
        "+incompatible",
        ".x",
    ];
    let pairs: Vec<(String, String)> = pairs(4_000, &pieces, 4)
        .into_iter()
        .map(|(a, b)| (format!("v{a}"), format!("v{b}")))
        .collect();
    // Built by `make tools`.
    let Some(said) = answers(&mut Command::new("go-versions"), &pairs) else {
        return;
    };
    assert_alike(PackageKind::Golang, &pairs, &said);
}

#[test]
fn composer_decides_alike() {
    const LIBRARY: &str = "/usr/share/php/Composer/Semver/autoload.php";
    let pieces = [
        "0", "1", "9", "10", ".", ".", ".0", "-", "alpha", "beta2", "RC", "-patch1", "-dev", "a",
        "b3", "p",
    ];
    let pairs = pairs(4_000, &pieces, 5);
    if !std::path::Path::new(LIBRARY).exists() {
        eprintln!("SKIPPED: there is no {LIBRARY} here to compare with");
        return;
    }
    let program = format!(
        "require '{LIBRARY}'; use Composer\\Semver\\Comparator; \
         $parser = new Composer\\Semver\\VersionParser(); \
         while ($line = fgets(STDIN)) {{ [$a, $b] = explode(' ', trim($line)); \
         try {{ $a = $parser->normalize($a); $b = $parser->normalize($b); echo Comparator::lessThan($a, $b) ? -1 : (Comparator::greaterThan($a, $b) ? 1 : 0); }} \
         catch (Throwable $none) {{ echo '-'; }} echo \"\\n\"; }}"
    );
    let mut command = Command::new("php");
    if let Some(said) = answers(command.args(["-r", &program]), &pairs) {
        assert_alike(PackageKind::Composer, &pairs, &said);
    }
}

/// Asks Maven's class, from a file that Java runs as it is.
const MAVEN: &str = "import java.io.*;
import org.apache.maven.artifact.versioning.ComparableVersion;
class Judge {
    public static void main(String[] none) throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null;) {
            var pair = line.split(\" \");
            var order = new ComparableVersion(pair[0]).compareTo(new ComparableVersion(pair[1]));
            System.out.println(Integer.signum(order));
        }
    }
}";

/// Pairs of versions as they are published for Maven. What nobody publishes is left out: behind
/// qualifiers in the middle its own order goes in circles.
fn mavens(count: usize) -> Vec<(String, String)> {
    const NUMBERS: [&str; 7] = ["0", "1", "2", "9", "10", "01", "20240101"];
    const WORDS: [&str; 14] = [
        "alpha", "beta", "M2", "rc", "RC1", "cr2", "sp", "ga", "final", "RELEASE", "jre8",
        "android", "b07", "SNAPSHOT",
    ];
    let mut next = numbers(0x2545_F491_4F6C_DD1D);
    let mut one = |stem: &str| {
        let mut text = stem.to_owned();
        for _ in 0..next(3) {
            text += ".";
            text += NUMBERS[next(NUMBERS.len())];
        }
        if next(2) == 0 {
            let between = ["-", ".", "-", ""][next(4)];
            text.push_str(between);
            text += WORDS[next(WORDS.len())];
            let behind = ["", "", "-1", "-10", ".2"][next(5)];
            text.push_str(if between == "." { "" } else { behind });
        } else if next(4) == 0 {
            text += "-SNAPSHOT";
        }
        text
    };
    let pair = |nr: usize| {
        let stem = ["1", "1.2", "3.0.1", "31.1"][nr % 4];
        (one(stem), one(stem))
    };
    (0..count).map(pair).collect()
}

#[test]
fn maven_decides_alike() {
    const LIBRARY: &str = "/usr/share/java/maven-artifact-3.x.jar";
    let pairs = mavens(4_000);
    if !std::path::Path::new(LIBRARY).exists() {
        eprintln!("SKIPPED: there is no {LIBRARY} here to compare with");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let judge = folder.path().join("Judge.java");
    std::fs::write(&judge, MAVEN).expect("it is written");
    let mut command = Command::new("java");
    command.args(["-cp", LIBRARY]).arg(&judge);
    if let Some(said) = answers(&mut command, &pairs) {
        assert_alike(PackageKind::Maven, &pairs, &said);
    }
}

#[test]
fn nuget_is_decided_alike() {
    let pieces = [
        "0", "1", "9", "10", "01", ".", ".", ".2", "-", "alpha", "Beta", "rc.1", "-x", "+meta",
    ];
    let pairs = pairs(4_000, &pieces, 5);
    let program = "import sys
from univers.versions import NugetVersion
for line in sys.stdin:
    try:
        a, b = map(NugetVersion, line.split())
        print(-1 if a < b else 1 if a > b else 0)
    except Exception:
        print('-')";
    // Installed by `make tools`.
    let home = std::env::var("HOME").unwrap_or_default();
    let library = format!("{home}/.cache/berth/tools/python");
    if !std::path::Path::new(&library).join("univers").exists() {
        eprintln!("SKIPPED: there is no univers here to compare with");
        return;
    }
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", library).args(["-c", program]);
    if let Some(said) = answers(&mut command, &pairs) {
        assert_alike(PackageKind::Nuget, &pairs, &said);
    }
}
