//! Headers.

use std::error::Error;

use plimsoll_engine::gguf::{Array, BlockFormat, GgufHeader, HeaderError, MetadataValue, TensorError};
use proptest::prelude::*;

use crate::writer::{ARRAY, BOOL, F32, TEXT, U32, Writer, array, text, value};

fn read(file: &[u8]) -> Result<GgufHeader, HeaderError> {
    GgufHeader::read(file, file.len() as u64)
}

/// The message with all its causes.
fn refusal(file: &[u8]) -> String {
    let error = read(file).unwrap_err();
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    message
}

/// A file with a value of every type and three tensors.
fn honest() -> Writer {
    let mut writer = Writer::default();
    writer
        .pair("a.u8", &value(0, &[200]))
        .pair("a.i8", &value(1, &(-3_i8).to_le_bytes()))
        .pair("a.u16", &value(2, &60_000_u16.to_le_bytes()))
        .pair("a.i16", &value(3, &(-300_i16).to_le_bytes()))
        .pair("a.u32", &value(U32, &7_u32.to_le_bytes()))
        .pair("a.i32", &value(5, &5_i32.to_le_bytes()))
        .pair("a.f32", &value(F32, &1.5_f32.to_le_bytes()))
        .pair("a.bool", &value(BOOL, &[1]))
        .pair("a.text", &value(TEXT, &text("grün")))
        .pair("a.u64", &value(10, &(1_u64 << 40).to_le_bytes()))
        .pair("a.i64", &value(11, &(-1_i64).to_le_bytes()))
        .pair("a.f64", &value(12, &0.1_f64.to_le_bytes()));
    let texts = array(TEXT, 3, &[text("a"), text(""), text("bc")].concat());
    writer.pair("b.texts", &value(ARRAY, &texts));
    let inner = [array(0, 2, &[1, 2]), array(7, 1, &[1])].concat();
    writer.pair("b.nested", &value(ARRAY, &array(ARRAY, 2, &inner)));
    writer.tensor("plain", &[3, 2], 0, &[0; 24]).tensor("blocks", &[64, 2], 8, &[0; 136]).tensor(
        "last",
        &[5],
        1,
        &[0; 10],
    );
    writer
}

#[test]
fn every_type_of_value_is_read() {
    let header = read(&honest().file()).unwrap();
    let get = |key: &str| header.metadata.get(key).unwrap().clone();
    assert_eq!(header.version, 3);
    for (key, expected) in [
        ("a.u8", MetadataValue::Unsigned(200)),
        ("a.i8", MetadataValue::Negative(-3)),
        ("a.u16", MetadataValue::Unsigned(60_000)),
        ("a.i16", MetadataValue::Negative(-300)),
        ("a.u32", MetadataValue::Unsigned(7)),
        ("a.i32", MetadataValue::Unsigned(5)),
        ("a.f32", MetadataValue::Float(1.5)),
        ("a.bool", MetadataValue::Bool(true)),
        ("a.text", MetadataValue::Text("grün".into())),
        ("a.u64", MetadataValue::Unsigned(1 << 40)),
        ("a.i64", MetadataValue::Negative(-1)),
        ("a.f64", MetadataValue::Float(0.1)),
    ] {
        assert_eq!(get(key), expected, "{key}");
    }
    let MetadataValue::Array(Array::Texts(texts)) = get("b.texts") else {
        panic!("not texts");
    };
    assert_eq!(texts.iter().collect::<Vec<_>>(), ["a", "", "bc"]);
    let nested = Array::Arrays(vec![Array::U8(vec![1, 2]), Array::U8(vec![1])]);
    assert_eq!(get("b.nested"), MetadataValue::Array(nested));
}

#[test]
fn tensors_are_placed_with_their_dimensions_outermost_first() {
    let file = honest().file();
    let header = read(&file).unwrap();
    let plain = &header.tensors["plain"];
    let blocks = &header.tensors["blocks"];
    assert_eq!((&plain.shape[..], plain.format), (&[2, 3][..], BlockFormat::F32));
    assert_eq!((&blocks.shape[..], blocks.bytes), (&[2, 64][..], 136));
    assert_eq!(blocks.offset - plain.offset, 32);
    let last = &header.tensors["last"];
    assert_eq!(last.offset + last.bytes, file.len() as u64);
}

#[test]
fn version_2_is_the_same() {
    let mut file = honest().file();
    file[4] = 2;
    assert_eq!(read(&file).unwrap().version, 2);
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let file = honest().file();
    for length in 0..file.len() {
        let error = read(&file[..length]);
        assert!(error.is_err(), "cut to {length} bytes");
    }
}

#[test]
fn other_files_and_versions_are_refused_by_name() {
    for (file, message) in [
        (Vec::new(), "no GGUF file"),
        (b"GGU".to_vec(), "no GGUF file"),
        (b"GGML\x03\0\0\0".to_vec(), "no GGUF file"),
        (b"GGUF".to_vec(), "4 bytes are needed at byte 4, where 0 are left"),
        (b"GGUF\0\0\0\x03".to_vec(), "big-endian"),
        (b"GGUF\x01\0\0\0".to_vec(), "GGUF version 1; versions 2 and 3"),
        (b"GGUF\x04\0\0\0".to_vec(), "GGUF version 4"),
        (b"GGUF\0\0\0\0".to_vec(), "GGUF version 0"),
    ] {
        let refused = refusal(&file);
        assert!(refused.contains(message), "{refused}");
    }
}

#[test]
fn counts_that_lie_cost_nothing() {
    const LIE: u64 = 1 << 60;
    let mut bytes_lie = LIE.to_le_bytes().to_vec();
    bytes_lie.extend(b"abc");
    let empty = Writer::default();
    let mut long_key = empty.with_counts(3, (0, 1));
    long_key.extend(&bytes_lie);
    long_key.extend([0; 20]);
    let mut long_name = empty.with_counts(3, (1, 0));
    long_name.extend(&bytes_lie);
    long_name.extend([0; 40]);
    let long_text = honest_with("lie", &value(TEXT, &bytes_lie));
    let many_texts = honest_with("lie", &value(ARRAY, &array(TEXT, LIE, &text("a"))));
    let many_numbers = honest_with("lie", &value(ARRAY, &array(12, LIE, &[0; 64])));
    let many_arrays = honest_with("lie", &value(ARRAY, &array(ARRAY, LIE, &[0; 64])));
    for (file, message) in [
        (empty.with_counts(3, (LIE, 0)), "tensors are announced; at most 65536"),
        (empty.with_counts(3, (0, LIE)), "metadata pairs are announced"),
        (empty.with_counts(3, (60_000, 0)), "1980000 bytes are needed"),
        (empty.with_counts(3, (0, 60_000)), "840000 bytes are needed"),
        (long_key, "key of metadata pair 0 is damaged"),
        (long_name, "description of tensor 0 is damaged"),
        (long_text, "metadata key `lie` is damaged: 1152921504606846976 bytes"),
        (many_texts, "metadata key `lie` is damaged"),
        (many_numbers, "metadata key `lie` is damaged"),
        (many_arrays, "arrays stand in an array"),
    ] {
        let refused = refusal(&file);
        assert!(refused.contains(message), "{refused}");
    }
}

#[test]
fn a_header_is_not_believed_to_be_longer_than_any_is() {
    // The file is said to be large enough, so that only the limit can refuse it.
    let long = honest_with("lie", &value(TEXT, &(200_u64 << 20).to_le_bytes()));
    let error = GgufHeader::read(long.as_slice(), 1 << 40).unwrap_err();
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("the header would grow past 134217728 bytes"), "{cause}");
}

fn honest_with(key: &str, value: &[u8]) -> Vec<u8> {
    honest().pair(key, value).file()
}

#[test]
fn damaged_metadata_are_refused_with_their_key() {
    let mut deep = array(0, 1, &[1]);
    for _ in 0..10_000 {
        deep = array(ARRAY, 1, &deep);
    }
    for (file, message) in [
        (honest_with("x", &value(ARRAY, &deep)), "`x` is damaged: arrays stand more than 4 deep"),
        (honest_with("x", &value(13, &[0; 8])), "13 is no type"),
        (honest_with("x", &value(ARRAY, &array(99, 1, &[0; 8]))), "99 is no type"),
        (honest_with("x", &value(BOOL, &[2])), "2 is neither true (1) nor false (0)"),
        (honest_with("x", &value(ARRAY, &array(BOOL, 2, &[1, 7]))), "7 is neither"),
        (honest_with("a.u8", &value(0, &[1])), "`a.u8` stands twice"),
        (honest_with("", &value(0, &[1])), "has 0 bytes"),
        (honest_with(&"k".repeat(70_000), &value(0, &[1])), "has 70000 bytes"),
        (honest_with("general.alignment", &value(U32, &0_u32.to_le_bytes())), "power of two"),
        (honest_with("general.alignment", &value(U32, &24_u32.to_le_bytes())), "power of two"),
        (honest_with("general.alignment", &value(TEXT, &text("32"))), "power of two"),
        (
            honest_with("x", &value(TEXT, &[&2_u64.to_le_bytes()[..], &[0xc3, 0x28]].concat())),
            "`x` is damaged: the text at byte",
        ),
    ] {
        let refused = refusal(&file);
        assert!(refused.contains(message), "{refused}");
    }
}

#[test]
fn tensors_that_cannot_be_are_refused_by_name() {
    let huge = 1_u64 << 40;
    type Case<'a> = (&'a [u64], u32, u64, &'a str);
    let cases: [Case<'_>; 12] = [
        (&[8], 0, 4, "begins at offset 4, which is no multiple of the alignment 32"),
        (&[8], 0, 64, "has 32 bytes at offset 64 of the data, but the file has 64"),
        (&[8], 0, u64::MAX - 31, "has 32 bytes at offset"),
        (&[9], 0, 0, "overlaps tensor"),
        (&[8], 20, 0, "is of type IQ4_NL (20)"),
        (&[8], 77, 0, "is of type unknown (77)"),
        (&[48], 2, 0, "is of type Q4_0, whose blocks have 32 values, but its rows have 48"),
        (&[], 0, 0, "has 0 dimensions"),
        (&[1, 1, 1, 1, 1], 0, 0, "has 5 dimensions"),
        (&[8, 0], 0, 0, "holds nothing or too much"),
        (&[huge, huge], 0, 0, "holds nothing or too much"),
        (&[huge, 4], 0, 0, "bytes at offset 0 of the data"),
    ];
    for (shape, id, offset, message) in cases {
        let mut writer = Writer::default();
        writer.description("odd", shape, id, offset);
        writer.description("other", &[8], 0, 32).data(64);
        let refused = refusal(&writer.file());
        assert!(refused.contains(message), "{refused}");
        assert!(refused.contains("tensor `odd`") || refused.contains("overlaps"), "{refused}");
    }
}

#[test]
fn names_of_tensors_are_unique_and_short() {
    let mut twice = Writer::default();
    twice.tensor("a", &[1], 0, &[0; 4]);
    twice.tensor("a", &[1], 0, &[0; 4]);
    assert!(refusal(&twice.file()).contains("tensor `a`: is described twice"));
    let mut long = Writer::default();
    long.tensor(&"n".repeat(65), &[1], 0, &[0; 4]);
    assert!(refusal(&long.file()).contains("name of tensor 0 has 65 bytes"));
    let mut same_place = Writer::default();
    same_place.description("a", &[8], 0, 0);
    same_place.description("b", &[8], 0, 0).data(32);
    let error = read(&same_place.file()).unwrap_err();
    let HeaderError::Tensor { source, .. } = error else {
        panic!("{error}");
    };
    assert!(matches!(source, TensorError::Overlap { .. }));
}

#[test]
fn what_a_file_calls_things_is_shown_escaped_and_short() {
    let key = format!("\u{1b}[31m{}", "x".repeat(500));
    let refused = refusal(&honest_with(&key, &value(99, &[])));
    assert!(refused.len() < 200, "{refused}");
    assert!(!refused.contains('\u{1b}'), "{refused}");
}

proptest! {
    #[test]
    fn no_change_of_bytes_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut file = honest().file();
        for (index, byte) in changes {
            let index = index.index(file.len());
            file[index] = byte;
        }
        drop(read(&file));
        let length = cut.index(file.len());
        drop(read(&file[..length]));
    }

    #[test]
    fn no_bytes_make_it_panic(rest in prop::collection::vec(any::<u8>(), 0..400)) {
        let file = [b"GGUF\x03\0\0\0".as_slice(), &rest].concat();
        drop(read(&file));
    }
}
