//! Fuzzes `remote::chat_reply`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plimsoll_fuzz_readers::remote::chat_reply(bytes));
