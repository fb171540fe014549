//! Fuzzes `gateway::gateway_stream`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plimsoll_fuzz_readers::gateway::gateway_stream(bytes));
