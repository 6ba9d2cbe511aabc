//! Replays the fuzz targets over their committed seeds, and over mutations of them.

#[expect(unreachable_pub, reason = "the file is part of the fuzz crate")]
#[path = "../../../../fuzz/src/advisories.rs"]
mod fuzz;

use std::{fs, path::Path};

use proptest::prelude::*;

use fuzz::{ENTRIES, Entry};

/// The seeds of each target, in the order of their file names.
fn seeds() -> Vec<(Entry, Vec<Vec<u8>>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    ENTRIES
        .iter()
        .map(|(name, entry)| {
            let folder = root.join(name);
            let mut paths: Vec<_> = fs::read_dir(&folder)
                .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
                .map(|file| file.expect("a folder entry").path())
                .collect();
            paths.sort();
            assert!(!paths.is_empty(), "{name} has no seeds");
            let texts = paths
                .iter()
                .map(|path| fs::read(path).expect("a seed"))
                .collect();
            (*entry, texts)
        })
        .collect()
}

/// A change to some bytes; positions count modulo the length at hand.
#[derive(Clone, Debug)]
enum Edit {
    Replace(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Repeat(usize, usize),
    Append(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    // Bytes that mean something to one of the grammars come more often than others.
    let byte = prop_oneof![
        4 => proptest::sample::select(b"/:%.-_{}[]\",=0129afAF \\\0\n".to_vec()),
        1 => any::<u8>(),
    ];
    prop_oneof![
        (any::<usize>(), byte.clone()).prop_map(|(at, byte)| Edit::Replace(at, byte)),
        (any::<usize>(), proptest::collection::vec(byte, 1..6))
            .prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (any::<usize>(), 1..32_usize).prop_map(|(at, count)| Edit::Remove(at, count)),
        (any::<usize>(), 1..64_usize).prop_map(|(at, count)| Edit::Repeat(at, count)),
        any::<usize>().prop_map(Edit::Append),
    ]
}

fn apply(edit: &Edit, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    let within = |at: usize, bytes: &[u8]| at % (bytes.len() + 1);
    match edit {
        Edit::Replace(at, byte) => {
            let at = within(*at, bytes);
            if let Some(place) = bytes.get_mut(at) {
                *place = *byte;
            }
        }
        Edit::Insert(at, inserted) => {
            let at = within(*at, bytes);
            bytes.splice(at..at, inserted.iter().copied());
        }
        Edit::Remove(at, count) => {
            let at = within(*at, bytes);
            let end = bytes.len().min(at + count);
            bytes.drain(at..end);
        }
        Edit::Repeat(at, count) => {
            let at = within(*at, bytes);
            let end = bytes.len().min(at + count);
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        Edit::Append(seed) => bytes.extend_from_slice(&seeds[seed % seeds.len()]),
    }
}

#[test]
fn every_target_takes_every_seed() {
    let all = seeds();
    for (entry, _) in &all {
        for seed in all.iter().flat_map(|(_, seeds)| seeds) {
            entry(seed);
        }
    }
}

#[test]
fn every_target_takes_mutated_seeds() {
    let all = seeds();
    let case = (
        0..all.len(),
        any::<usize>(),
        proptest::collection::vec(edit(), 1..6),
    );
    let config = ProptestConfig {
        cases: 4_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |((target, seed, edits) in case)| {
        let (entry, seeds) = &all[target];
        let mut bytes = seeds[seed % seeds.len()].clone();
        for edit in &edits {
            apply(edit, &mut bytes, seeds);
        }
        entry(&bytes);
    });
}
