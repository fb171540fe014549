//! Fuzzes `gateway::gateway_settings`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plimsoll_fuzz_readers::gateway::gateway_settings(bytes));
