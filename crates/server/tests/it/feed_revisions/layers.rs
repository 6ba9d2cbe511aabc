//! Layers that hold rpm packages or a lock file, made byte by byte.

use bytes::Bytes;

const SLOT: u32 = u32::from_le_bytes(*b"Slot");
const BLOB: u32 = u32::from_le_bytes(*b"BlbS");
const PAGE: usize = 4096;
/// Tags of rpm's package headers, and their type.
const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const ARCHITECTURE: u32 = 1022;
const NUMBER: u32 = 4;
const TEXT: u32 = 6;

fn tar(files: &[(&str, &[u8])]) -> Bytes {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, path, *bytes).unwrap();
    }
    tar.into_inner().unwrap().into()
}

/// AlmaLinux with these packages; versions are `[epoch:]version-release`.
pub(super) fn almalinux(release: &str, packages: &[(&str, &str)]) -> Bytes {
    let os = format!("ID=\"almalinux\"\nVERSION_ID=\"{release}\"\n");
    let database = database(packages);
    tar(&[
        ("etc/os-release", os.as_bytes()),
        ("var/lib/rpm/Packages.db", &database),
    ])
}

/// A program of Rust that has locked these crates.
pub(super) fn locked(crates: &[(&str, &str)]) -> Bytes {
    let mut lock = "version = 4\n".to_owned();
    for (name, version) in crates {
        let source = "registry+https://github.com/rust-lang/crates.io-index";
        let lines = [
            "\n[[package]]".to_owned(),
            format!("name = \"{name}\""),
            format!("version = \"{version}\""),
            format!("source = \"{source}\"\n"),
        ];
        lock.push_str(&lines.join("\n"));
    }
    tar(&[("app/Cargo.lock", lock.as_bytes())])
}

/// A database in rpm's own format: a page of slots, each of which leads to a package header.
fn database(packages: &[(&str, &str)]) -> Vec<u8> {
    let mut slots = Vec::new();
    let mut blobs = Vec::new();
    for word in [u32::from_le_bytes(*b"RpmP"), 0, 1, 1, 9, 0, 0, 0] {
        slots.extend(word.to_le_bytes());
    }
    for (nr, (name, version)) in packages.iter().enumerate() {
        let (nr, header) = (nr as u32 + 1, header(name, version));
        let at = (PAGE + blobs.len()) as u32 / 16;
        let blocks = (16 + header.len()).div_ceil(16);
        for word in [SLOT, nr, at, blocks as u32] {
            slots.extend(word.to_le_bytes());
        }
        let end = blobs.len() + blocks * 16;
        for word in [BLOB, nr, 1, header.len() as u32] {
            blobs.extend(word.to_le_bytes());
        }
        blobs.extend(header);
        blobs.resize(end, 0);
    }
    assert!(slots.len() <= PAGE, "more packages than a page has slots");
    while slots.len() < PAGE {
        slots.extend(SLOT.to_le_bytes());
        slots.extend([0; 12]);
    }
    slots.extend(blobs);
    slots
}

fn header(name: &str, version: &str) -> Vec<u8> {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let (upstream, release) = rest.split_once('-').unwrap();
    let (mut index, mut store) = (Vec::new(), Vec::new());
    let mut add = |tag: u32, kind: u32, value: &[u8]| {
        for word in [tag, kind, store.len() as u32, 1] {
            index.extend(word.to_be_bytes());
        }
        store.extend_from_slice(value);
    };
    let text = |text: &str| [text.as_bytes(), &[0]].concat();
    // Numbers lie at multiples of four: this one is the first.
    let epoch: u32 = epoch.parse().unwrap();
    add(EPOCH, NUMBER, &epoch.to_be_bytes());
    add(NAME, TEXT, &text(name));
    add(VERSION, TEXT, &text(upstream));
    add(RELEASE, TEXT, &text(release));
    add(ARCHITECTURE, TEXT, &text("x86_64"));
    let mut header = 5_u32.to_be_bytes().to_vec();
    header.extend((store.len() as u32).to_be_bytes());
    header.extend(index);
    header.extend(store);
    header
}
