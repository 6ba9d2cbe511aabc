//! Fuzzes `jar` of `src/inspect.rs`.
#![no_main]
#![allow(dead_code, reason = "the file holds all targets")]

#[path = "../src/inspect.rs"]
mod inspect;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| inspect::jar(bytes));
