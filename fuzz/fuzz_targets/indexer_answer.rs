//! Fuzzes `answer` of `src/indexer.rs`.
#![no_main]

#[path = "../src/indexer.rs"]
mod indexer;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| indexer::answer(bytes));
