//! Fuzzes `remote::chat_refusal`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plimsoll_fuzz_readers::remote::chat_refusal(bytes));
