//! The version orders: vectors written from each ecosystem's published rules, and the laws of an
//! order over any text.

use std::cmp::Ordering;

use berth_advisories::{PackageKind, version};
use proptest::prelude::*;

const KINDS: [PackageKind; 11] = [
    PackageKind::Deb,
    PackageKind::Apk,
    PackageKind::Rpm,
    PackageKind::Npm,
    PackageKind::Pypi,
    PackageKind::Golang,
    PackageKind::Cargo,
    PackageKind::Maven,
    PackageKind::Gem,
    PackageKind::Composer,
    PackageKind::Nuget,
];

/// Holds a chain such as `a = b < c`: every version against every other, both ways.
fn chain(kind: PackageKind, text: &str) {
    let mut ranks = Vec::new();
    for (rank, equal) in text.split(" < ").enumerate() {
        ranks.extend(equal.split(" = ").map(|version| (rank, version.trim())));
    }
    for (x, a) in &ranks {
        for (y, b) in &ranks {
            assert_eq!(
                version::compare(kind, a, b),
                x.cmp(y),
                "{kind:?}: {a} to {b}"
            );
        }
    }
}

#[test]
fn debian() {
    chain(
        PackageKind::Deb,
        "1.0~~ < 1.0~~a < 1.0~ < 1.0~rc1-1 < 1.0 = 0:1.0 = 1.0-0 = 01.0 < 1.0-1~bpo12+1 < 1.0-1 \
         < 1.0-1+b1 < 1.0-1+deb12u1 < 1.0-1+deb12u2 < 1.0-1+deb12u10 < 1.0-1.1 < 1.0-2 < 1.0a \
         < 1.0+dfsg-1 < 1.0.1 < 1.9 < 1.10 < 2025 < 1:0.1 < 10:0",
    );
    chain(PackageKind::Deb, "1.0-1 < 1.0-1-1 < 1.0-2-1");
    chain(
        PackageKind::Deb,
        "3.0.11-1~deb12u2 < 3.0.14-1~deb12u1 < 3.0.14-1~deb12u2",
    );
    chain(PackageKind::Deb, "1. < 1.1 < 1.a < 1.b < 1.+");
}

#[test]
fn alpine() {
    chain(
        PackageKind::Apk,
        "1.2_alpha < 1.2_alpha2 < 1.2_beta < 1.2_pre1 < 1.2_rc1 < 1.2_rc2 < 1.2 < 1.2-r0 < 1.2-r1 \
         < 1.2-r10 < 1.2~0abc < 1.2_git20240101 < 1.2_p1 < 1.2_p1-r1 < 1.2_p2 < 1.2a < 1.2b \
         < 1.2.0 < 1.2.01 < 1.2.1 < 1.2.9 < 1.2.10 < 1.10",
    );
    chain(PackageKind::Apk, "3.3.1-r3 < 3.3.2-r0 < 3.3.2-r1");
    chain(PackageKind::Apk, "1.36.1_rc1-r0 < 1.36.1-r0 < 1.36.1-r29");
}

#[test]
fn rpm() {
    chain(
        PackageKind::Rpm,
        "1.0~rc1-1 < 1.0 < 1.0-1.el9 < 1.0-1.el9_2 < 1.0-1.el9_10 < 1.0-2.el8 < 1.0^git1-1 \
         < 1.0^git2-1 < 1.0a-1 < 1.0.1-1 = 1.0_1-1 = 1.0..1-1 = 1.00.01-1 < 1.1-1 < 1.10-1 < 2-1 < 1:0.1-1",
    );
    chain(PackageKind::Rpm, "0:1.2-3 = 1.2-3 < 1:1.2-3 < 2:0-0");
    chain(PackageKind::Rpm, "1-a < 1-b < 1-1 < 1-1a < 1-1.1");
}

#[test]
fn semantic() {
    for kind in [PackageKind::Cargo, PackageKind::Npm, PackageKind::Nuget] {
        chain(
            kind,
            "1.0.0-0 < 1.0.0-1 < 1.0.0-2 < 1.0.0-11 < 1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-alpha.beta \
             < 1.0.0-beta < 1.0.0-beta.2 < 1.0.0-beta.11 < 1.0.0-rc.1 < 1.0.0 = 1.0.0+build.5 = v1.0.0 = 1.0 \
             < 1.0.1-x < 1.0.1 < 1.9.0 < 1.10.0 < 99999999999999999999.0.0 < 100000000000000000000.0.0",
        );
    }
    chain(
        PackageKind::Nuget,
        "1.0.0-Alpha = 1.0.0-alpha < 1.0.0-BETA < 1.0.0 < 1.0.0.1 < 1.0.0.10",
    );
    chain(PackageKind::Npm, "1.0.0-A < 1.0.0-a < 1.0.0");
}

#[test]
fn python() {
    chain(
        PackageKind::Pypi,
        "anything < 1.0.dev1 < 1.0a1.dev1 < 1.0a1 = 1.0alpha1 = 1.0-a.1 < 1.0a2 < 1.0b1 < 1.0rc1.dev3 \
         < 1.0rc1 = 1.0c1 = 1.0pre1 < 1.0 = 1 = v1.0.0 < 1.0+abc < 1.0+abc.5 < 1.0+5 < 1.0.post0.dev1 \
         < 1.0.post1 = 1.0-1 = 1.0.rev1 < 1.0.1 < 1.9 < 1.10 < 2024.1 < 1!0.1",
    );
    chain(PackageKind::Pypi, "2004d < 2004e < 0.1");
}

#[test]
fn go() {
    chain(
        PackageKind::Golang,
        "v0.0.0-20190101000000-aaaaaaaaaaaa < v0.0.0-20200101000000-000000000000 < v0.0.0 < v1.2.3-0.20200101000000-abcdefabcdef \
         < v1.2.3-pre < v1.2.3-pre.0.20200101000000-abcdefabcdef < v1.2.3 = 1.2.3 = v1.2.3+incompatible < v1.2.4 < v1.10.0 < v2.0.0+incompatible",
    );
    chain(
        PackageKind::Golang,
        "1.21.0-0 < 1.21.0-rc.2 = go1.21rc2 = 1.21rc2 < go1.21 = go1.21.0 = 1.21.0 < go1.21.3 = go1.21.3-custom \
         = go1.21.3 X:nocoverageredesign < go1.22beta1 < go1.22rc1 < go1.22.0",
    );
}

#[test]
fn maven() {
    chain(
        PackageKind::Maven,
        "1-alpha-1 = 1.0-a1 = 1.0.0-alpha1 < 1.0.0-alpha.1 < 1-beta-1 < 1-milestone-1 = 1-m1 < 1-rc1 = 1-cr1 < 1-rc2 < 1-SNAPSHOT \
         < 1 = 1.0 = 1.0.0 = 1-ga = 1.0.Final = 1.0.RELEASE < 1-sp < 1-abc < 1-xyz < 1-1 < 1-2 < 1.1 < 1.9 < 1.10",
    );
    chain(PackageKind::Maven, "31.1-android < 31.1-jre");
    chain(
        PackageKind::Maven,
        "2.9.10 < 2.9.10.1 < 2.9.10.8 < 2.12.7 < 2.12.7.1",
    );
    chain(PackageKind::Maven, "4.1.107.Final < 4.1.108.Final");
}

#[test]
fn ruby() {
    chain(
        PackageKind::Gem,
        "1.0.a < 1.0.a.1 < 1.0.b < 1.0.pre < 1.0.rc1 < 1.0.rc2 < 1 = 1.0 = 1.0.0 < 1.0.0.1 < 1.0.1 < 1.9 < 1.10",
    );
    chain(
        PackageKind::Gem,
        "5.0.0.beta1 = 5.0.beta1 < 5.0.0.beta1.1 < 5.0.0 < 5.2.8 < 5.2.8.1",
    );
    chain(PackageKind::Gem, "1.0-1 = 1.0.pre.1 < 1.0");
}

#[test]
fn php() {
    chain(
        PackageKind::Composer,
        "nonsense < dev-main < 1.0-dev = 1.0.0.0-dev < 1.0-alpha1-dev < 1.0-alpha1 = 1.0a1 = v1.0.0-ALPHA.1 < 1.0-beta2 = 1.0b2 < 1.0-RC1 \
         < 1.0 = v1.0.0 = 1.0.0.0 = 1.0+build = 1.0-stable < 1.0-patch1 = 1.0-p1 = 1.0pl1 < 1.0.1 < 1.9 < 1.10 < 1.x-dev < 2.0",
    );
}

#[test]
fn what_is_no_version() {
    for (kind, text) in [
        (PackageKind::Golang, "(devel)"),
        (PackageKind::Golang, ""),
        (PackageKind::Golang, "devel go1.23-abcdef"),
        (PackageKind::Pypi, "2004d"),
        (PackageKind::Composer, "dev-main"),
        (PackageKind::Composer, "1.0.x.y"),
        (PackageKind::Maven, "${project.version}"),
        (PackageKind::Apk, "1.0bc"),
        (PackageKind::Npm, "latest"),
        (PackageKind::Cargo, "1.0.0-"),
        (PackageKind::Deb, "1.0 2"),
        (PackageKind::Rpm, ""),
        (PackageKind::Gem, "1..2"),
    ] {
        assert!(!version::is_valid(kind, text), "{kind:?} {text}");
    }
    for (kind, text) in [
        (PackageKind::Golang, "go1.21rc2"),
        (PackageKind::Golang, "v0.0.0-20190101000000-aaaaaaaaaaaa"),
        (PackageKind::Pypi, "2004a"),
        (PackageKind::Composer, "1.x-dev"),
        (PackageKind::Maven, "r09"),
        (PackageKind::Apk, "1.36.1_rc1-r0"),
        (PackageKind::Deb, "1:2.36-9+deb12u4"),
        (PackageKind::Rpm, "1:3.0.7-1.el9"),
        (PackageKind::Gem, "5.2.8.1"),
        (PackageKind::Nuget, "13.0.1"),
    ] {
        assert!(version::is_valid(kind, text), "{kind:?} {text}");
    }
}

#[test]
fn long_text_takes_time_in_proportion() {
    for piece in [
        "0.", "1-", "a1", "~", "1.a.", "-0", "^", "_p", "rc", "..", "9", "é",
    ] {
        let a = piece.repeat(50_000 / piece.len());
        let b = format!("{a}1");
        for kind in KINDS {
            assert_eq!(version::compare(kind, &a, &a), Ordering::Equal);
            assert_eq!(
                version::compare(kind, &a, &b),
                version::compare(kind, &b, &a).reverse()
            );
            version::is_valid(kind, &a);
        }
    }
}

/// Text of pieces that mean something to one kind or another, or of anything.
fn text() -> impl Strategy<Value = String> {
    let pieces = vec![
        "0",
        "1",
        "2",
        "10",
        "01",
        "00",
        "99999999999999999999",
        ".",
        ".",
        "-",
        "-",
        "_",
        "+",
        "~",
        "^",
        ":",
        "!",
        "a",
        "b",
        "alpha",
        "beta",
        "rc",
        "RC",
        "pre",
        "post",
        "dev",
        "sp",
        "ga",
        "final",
        "snapshot",
        "milestone",
        "m",
        "v",
        "go",
        "-r1",
        "_p",
        "_git",
        "x",
        "patch",
        "foo",
        "20240131",
        "dev-",
        "@dev",
        "é",
        " ",
    ];
    prop_oneof![
        8 => proptest::collection::vec(proptest::sample::select(pieces), 0..6)
            .prop_map(|pieces| pieces.concat()),
        1 => ".{0,8}",
    ]
}

#[test]
fn every_order_keeps_the_laws_of_an_order() {
    let config = ProptestConfig {
        cases: 15_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(stem in text(), ends in proptest::collection::vec(text(), 5))| {
        // A common stem makes close relatives, among which circles would hide.
        let mut all: Vec<String> = ends.iter().map(|end| format!("{stem}{end}")).collect();
        all.extend(ends);
        for kind in KINDS {
            let orders: Vec<Vec<Ordering>> = all
                .iter()
                .map(|a| all.iter().map(|b| version::compare(kind, a, b)).collect())
                .collect();
            let places = 0..all.len();
            for a in places.clone() {
                prop_assert_eq!(orders[a][a], Ordering::Equal, "{:?} {}", kind, all[a]);
                for b in places.clone() {
                    prop_assert_eq!(
                        orders[a][b], orders[b][a].reverse(),
                        "{:?} {} {}", kind, all[a], all[b]
                    );
                    for c in places.clone() {
                        let (first, second) = (orders[a][b], orders[b][c]);
                        if first.is_le() && second.is_le() {
                            prop_assert_eq!(
                                orders[a][c], first.then(second),
                                "{:?} {} {} {}", kind, all[a], all[b], all[c]
                            );
                        }
                    }
                }
            }
        }
    });
}
