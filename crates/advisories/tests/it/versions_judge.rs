//! Other people's judgement of versions, over generated pairs: `dpkg --compare-versions`, rpm's own
//! `rpm.vercmp`, Ruby's `Gem::Version`.

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
