//! Replays the fuzz target over its committed seeds, and over mutations of them.

#[expect(unreachable_pub, reason = "the file is part of the fuzz crate")]
#[path = "../../../../fuzz/src/policy.rs"]
mod fuzz;

use std::{fs, path::Path};

use proptest::prelude::*;

use fuzz::{ENTRIES, Entry};

/// The seeds of each target, in the order of their file names.
fn seeds() -> Vec<(Entry, Vec<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let of = |name: &str| {
        let folder = root.join(name);
        let mut paths: Vec<_> = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|file| file.expect("a folder entry").path())
            .collect();
        paths.sort();
        assert!(!paths.is_empty(), "{name} has no seeds");
        let texts = paths.iter().map(fs::read_to_string);
        texts.map(|text| text.expect("a seed")).collect()
    };
    let all = ENTRIES.iter().map(|(name, entry)| (*entry, of(name)));
    all.collect()
}

#[test]
fn every_target_takes_every_seed_cut_anywhere() {
    for (entry, seeds) in seeds() {
        for seed in &seeds {
            for at in 0..=seed.len() {
                entry(&seed.as_bytes()[..at]);
                entry(&seed.as_bytes()[at..]);
            }
        }
    }
}

#[test]
fn every_target_takes_mutated_seeds() {
    let all = seeds();
    // Bytes that mean something come more often than others.
    let byte = prop_oneof![
        4 => prop::sample::select(b"()[]{}.,?:!-+*/%=<>&|'\"\\ \n01x".to_vec()),
        1 => any::<u8>(),
    ];
    let edit = (
        any::<usize>(),
        0..8_usize,
        prop::collection::vec(byte, 0..6),
    );
    let case = (
        0..all.len(),
        any::<usize>(),
        prop::collection::vec(edit, 1..6),
    );
    let config = ProptestConfig {
        cases: 4_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |((target, seed, edits) in case)| {
        let (entry, seeds) = &all[target];
        let mut bytes = seeds[seed % seeds.len()].clone().into_bytes();
        for (at, removed, inserted) in edits {
            let at = at % (bytes.len() + 1);
            let end = bytes.len().min(at + removed);
            bytes.splice(at..end, inserted);
        }
        entry(&bytes);
    });
}
