//! Fuzzes `hub::hub_source`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plimsoll_fuzz_readers::hub::hub_source(bytes));
