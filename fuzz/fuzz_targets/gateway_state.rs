//! Fuzzes `gateway::gateway_state`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plimsoll_fuzz_readers::gateway::gateway_state(bytes));
