//! Package URLs, by the specification's rules and there and back.

use berth_advisories::{Distro, Package, PackageKind, Purl, SourcePackage};

use crate::matching::{distro, package};

#[test]
fn written_as_the_specification_says() {
    for (text, canonical) in [
        ("pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie", None),
        (
            "pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386&distro=fedora-25",
            None,
        ),
        ("pkg:npm/%40angular/animation@12.3.1", None),
        (
            "pkg:npm/@angular/animation@12.3.1",
            Some("pkg:npm/%40angular/animation@12.3.1"),
        ),
        ("pkg:npm/foobar", None),
        (
            "PKG:PyPI/Django_package@1.11.1.dev1",
            Some("pkg:pypi/django-package@1.11.1.dev1"),
        ),
        (
            "pkg://golang/GitHub.com/A/b@v1.2.3#/x/../y/",
            Some("pkg:golang/github.com/a/b@v1.2.3#x/y"),
        ),
        ("pkg:maven/org.apache.commons/io@1.3.4", None),
        (
            "pkg:oci/debian@sha256%3Aabc?repository_url=ghcr.io%2Fdebian",
            Some("pkg:oci/debian@sha256:abc?repository_url=ghcr.io%2Fdebian"),
        ),
        (
            "pkg:deb/debian/x@1:2.3+b~1?b=2&A=1&c=",
            Some("pkg:deb/debian/x@1:2.3%2Bb~1?a=1&b=2"),
        ),
        ("pkg:nuget/EnterpriseLibrary.Common@6.0.1304", None),
    ] {
        let purl: Purl = text.parse().expect(text);
        assert_eq!(purl.to_string(), canonical.unwrap_or(text));
        assert_eq!(purl.to_string().parse(), Ok(purl));
    }
    for text in [
        "",
        "pkg",
        "pkg:",
        "pkg:npm",
        "pkg:npm/",
        "http://npm/x",
        "pkg:n pm/x",
        "pkg:1/x",
        "pkg:npm/x?=1",
        "pkg:npm/x?a",
        "pkg:npm/%ff",
        "pkg:npm/a%00b",
        "pkg:npm/a%2Fb/c",
    ] {
        assert!(text.parse::<Purl>().is_err(), "{text}");
    }
}

/// What a package URL keeps of a package comes back.
fn there_and_back(package: &Package, distro: Option<&Distro>, text: &str) {
    let purl = Purl::of(package, distro);
    assert_eq!(purl.to_string(), text);
    let read: Purl = text.parse().expect(text);
    assert_eq!(read, purl);
    assert_eq!(read.package().as_ref(), Some(package));
}

#[test]
fn packages_come_back() {
    let twelve = distro("debian", "12");
    let mut deb = package(PackageKind::Deb, "libldb2", "2:2.6.2+samba4.17-1");
    deb.architecture = Some("amd64".to_owned());
    deb.source = Some(SourcePackage {
        name: "samba".to_owned(),
        version: "2:4.17-1".to_owned(),
    });
    there_and_back(
        &deb,
        Some(&twelve),
        "pkg:deb/debian/libldb2@2:2.6.2%2Bsamba4.17-1?arch=amd64&distro=debian-12&upstream=samba%402:4.17-1",
    );
    let mut rpm = package(PackageKind::Rpm, "nodejs", "1:18.1-1.module_el8");
    rpm.module = Some("nodejs:18".to_owned());
    rpm.source = Some(SourcePackage {
        name: "nodejs".to_owned(),
        version: rpm.version.clone(),
    });
    there_and_back(
        &rpm,
        Some(&distro("almalinux", "8.10")),
        "pkg:rpm/almalinux/nodejs@18.1-1.module_el8?distro=almalinux-8.10&epoch=1&rpmmod=nodejs:18",
    );
    let mut apk = package(PackageKind::Apk, "libssl3", "3.3.2-r0");
    apk.source = Some(SourcePackage {
        name: "openssl".to_owned(),
        version: "3.3.2-r0".to_owned(),
    });
    there_and_back(
        &apk,
        Some(&distro("alpine", "3.20.3")),
        "pkg:apk/alpine/libssl3@3.3.2-r0?distro=alpine-3.20.3&upstream=openssl",
    );
    for (kind, name, text) in [
        (PackageKind::Npm, "@a/b", "pkg:npm/%40a/b@1.0"),
        (PackageKind::Maven, "org.a:b", "pkg:maven/org.a/b@1.0"),
        (
            PackageKind::Golang,
            "golang.org/x/net",
            "pkg:golang/golang.org/x/net@1.0",
        ),
        (PackageKind::Composer, "a/b", "pkg:composer/a/b@1.0"),
        (PackageKind::Pypi, "a-b", "pkg:pypi/a-b@1.0"),
        (PackageKind::Cargo, "a_b", "pkg:cargo/a_b@1.0"),
        (PackageKind::Gem, "rails", "pkg:gem/rails@1.0"),
        (PackageKind::Nuget, "A.B", "pkg:nuget/A.B@1.0"),
    ] {
        there_and_back(&package(kind, name, "1.0"), Some(&twelve), text);
    }
}
