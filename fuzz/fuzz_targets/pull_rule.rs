//! Fuzzes `pull_rule` of `src/policy.rs`.
#![no_main]
#![allow(dead_code, reason = "the file holds all targets")]

#[path = "../src/policy.rs"]
mod policy;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| policy::pull_rule(bytes));
