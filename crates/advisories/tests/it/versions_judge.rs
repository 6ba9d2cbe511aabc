//! Debian's own judgement of Debian versions: `dpkg --compare-versions` over generated pairs.

use std::cmp::Ordering;
use std::process::Command;

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
