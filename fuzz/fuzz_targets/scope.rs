//! Fuzzes `berth_fuzz::scope`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| berth_fuzz::scope(bytes));
