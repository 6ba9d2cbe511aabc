//! Fuzzes `berth_fuzz::content_range`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| berth_fuzz::content_range(bytes));
