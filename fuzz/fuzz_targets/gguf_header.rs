//! Fuzzes `engine::gguf_header`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plimsoll_fuzz_readers::engine::gguf_header(bytes));
