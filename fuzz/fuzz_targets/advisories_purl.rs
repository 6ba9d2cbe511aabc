//! Fuzzes `purl` of `src/advisories.rs`.
#![no_main]
#![allow(dead_code, reason = "the file holds all targets")]

#[path = "../src/advisories.rs"]
mod advisories;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| advisories::purl(bytes));
