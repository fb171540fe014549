//! JSON as it is found: with `NaN` and `Infinity`, which Python's `json` and others write though they are no
//! JSON.
//!
//! Such a word in a value that nobody reads must not cost the value beside it; in one that is read it must
//! stay what it is, and never become a number. So the words are masked, byte for byte, with a value that is
//! read as nothing at all: an object without fields.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::DeserializeOwned;

/// A JSON text, readable whatever numbers that are none stand in it.
#[derive(Debug, Clone)]
pub struct LenientJson<'a> {
    written: &'a str,
    masked: Cow<'a, str>,
}

impl<'a> LenientJson<'a> {
    /// Looks for the words once; a text without them is not copied. A text that is such a word and nothing else
    /// is left as it is, which no parser takes for a value.
    pub fn new(written: &'a str) -> Self {
        Self { written, masked: masked(written) }
    }

    /// The text for a parser, as long as the one that was given, so that columns of errors are right. A word
    /// is `{ }` here, blanks to its length: no number, text, flag, list or null will be read from it.
    ///
    /// ```
    /// use plimsoll_core::json::LenientJson;
    /// let line = LenientJson::new(r#"{"loss": NaN, "text": "a NaN b"}"#);
    /// assert_eq!(line.masked(), r#"{"loss": { }, "text": "a NaN b"}"#);
    /// ```
    pub fn masked(&self) -> &str {
        &self.masked
    }

    /// Whether there is a word to mask.
    pub fn has_non_finite(&self) -> bool {
        matches!(self.masked, Cow::Owned(_))
    }

    /// A part of [`LenientJson::masked`] as it is written in the text; of a text from elsewhere nothing, which is
    /// no JSON.
    pub fn as_written(&self, part: &str) -> &'a str {
        let start = part.as_ptr().addr().wrapping_sub(self.masked.as_ptr().addr());
        self.written.get(start..start.wrapping_add(part.len())).unwrap_or_default()
    }
}

/// Reads a value of which no part that is read holds a number that is none.
///
/// # Errors
/// As [`serde_json::from_str`].
///
/// ```
/// use plimsoll_core::json;
/// #[derive(serde::Deserialize)]
/// struct Row { id: u32 }
/// let row: Row = json::from_str(r#"{"id": 7, "loss": NaN}"#)?;
/// assert_eq!(row.id, 7);
/// assert!(json::from_str::<f64>("NaN").is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn from_str<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_str(LenientJson::new(text).masked())
}

/// Whether a word is a number that is none: `NaN`, `Infinity` or `inf`, in any case and with any sign, as
/// Python, JavaScript, R, Lua and C write them.
pub fn is_non_finite(word: &str) -> bool {
    is_word(word.as_bytes())
}

fn is_word(bytes: &[u8]) -> bool {
    let unsigned = match bytes {
        [b'+' | b'-', rest @ ..] => rest,
        all => all,
    };
    [&b"nan"[..], b"inf", b"infinity"].iter().any(|word| unsigned.eq_ignore_ascii_case(word))
}

/// The text with `null` for each such word, for a reader to whom it is an empty cell, as it is to those that write it
/// for one. Columns of errors after a word may be off by the difference.
///
/// ```
/// use plimsoll_core::json::with_nulls;
/// assert_eq!(with_nulls(r#"{"context": NaN, "note": "NaN"}"#), r#"{"context": null, "note": "NaN"}"#);
/// ```
pub fn with_nulls(text: &str) -> Cow<'_, str> {
    replaced(text, |_, replaced| replaced.push_str("null"))
}

fn masked(written: &str) -> Cow<'_, str> {
    if is_non_finite(written.trim()) {
        return Cow::Borrowed(written);
    }
    replaced(written, |length, masked| {
        masked.push('{');
        masked.extend(std::iter::repeat_n(' ', length.saturating_sub(2)));
        masked.push('}');
    })
}

/// The text with something else for each word, which is given the word's length. Not copied without one.
fn replaced(written: &str, replace: impl Fn(usize, &mut String)) -> Cow<'_, str> {
    let mut words = NonFiniteWords { bytes: written.as_bytes(), at: 0 }.peekable();
    if words.peek().is_none() {
        return Cow::Borrowed(written);
    }
    let mut replaced = String::with_capacity(written.len());
    let mut from = 0;
    for Range { start, end } in words {
        replaced.push_str(&written[from..start]);
        replace(end - start, &mut replaced);
        from = end;
    }
    replaced.push_str(&written[from..]);
    Cow::Owned(replaced)
}

/// Where the words stand, outside of strings. A word ends where any value does.
struct NonFiniteWords<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl NonFiniteWords<'_> {
    /// The first byte from `at` on for which this holds, or the end.
    fn find_byte(&self, at: usize, holds: impl Fn(u8) -> bool) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        at + rest.iter().position(|byte| holds(*byte)).unwrap_or(rest.len())
    }

    /// The byte after the string that begins before `at`; the end for one that is not closed.
    fn after_string(&self, mut at: usize) -> usize {
        loop {
            at = self.find_byte(at, |byte| matches!(byte, b'"' | b'\\'));
            match self.bytes.get(at) {
                Some(b'\\') => at = (at + 2).min(self.bytes.len()),
                Some(_) => return at + 1,
                None => return at,
            }
        }
    }
}

impl Iterator for NonFiniteWords<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        while let Some(byte) = self.bytes.get(self.at) {
            let start = self.at;
            self.at = match byte {
                b'"' => self.after_string(start + 1),
                byte if separates(*byte) => start + 1,
                _ => self.find_byte(start, separates),
            };
            if self.bytes.get(start..self.at).is_some_and(is_word) {
                return Some(start..self.at);
            }
        }
        None
    }
}

fn separates(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' | b'[' | b']' | b'{' | b'}' | b'"')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::Value;
    use serde_json::value::RawValue;

    use super::*;

    const SPELLINGS: [&str; 12] = [
        "NaN",
        "Infinity",
        "-Infinity",
        "nan",
        "-nan",
        "inf",
        "-inf",
        "+Infinity",
        "Inf",
        "-NaN",
        "NAN",
        "INFINITY",
    ];

    #[test]
    fn every_spelling_is_masked_wherever_a_value_may_stand() {
        for word in SPELLINGS {
            assert!(is_non_finite(word), "{word}");
            for text in [
                format!("{{\"a\": {word}, \"b\": 1}}"),
                format!("{{\"b\":1,\"a\":{word}}}"),
                format!("{{\"a\": [[{word}, false], [1, {word}]],\t\"b\": 1}}\r\n"),
                format!("{{\"a\": {{\"c\":{word}}}, \"b\": 1}}"),
                format!("{{\"a\": {word} , \"b\": 1 }}"),
            ] {
                let json = LenientJson::new(&text);
                assert!(json.has_non_finite(), "{text}");
                assert_eq!(json.masked().len(), text.len());
                let fields: BTreeMap<String, &RawValue> = serde_json::from_str(json.masked()).unwrap();
                assert_eq!(json.as_written(fields["b"].get()), "1", "{text}");
                let written = json.as_written(fields["a"].get());
                assert!(written.contains(word) && text.contains(written), "{text}: {written}");
            }
        }
    }

    #[test]
    fn what_is_no_such_word_stays() {
        for text in [
            "",
            "null",
            r#"{"a": "NaN"}"#,
            r#"{"NaN": "say \"NaN\", Infinity"}"#,
            r#"{"a\\": "\\\"", "b": "[NaN]"}"#,
            r#"{"a": nano, "b": NaNs, "c": infinite, "d": In, "e": --inf, "f": 1inf, "g": inf1, "h": N}"#,
            r#"["\u004eaN", "é, NaN"]"#,
            r#"{"a": "not closed, NaN"#,
            r#"{"a": "ends in an escape \"#,
            "+ - N I i",
        ] {
            let json = LenientJson::new(text);
            assert!(!json.has_non_finite(), "{text}");
            assert!(std::ptr::eq(json.masked(), text), "not copied");
        }
        // Where no value may stand, what is masked is no JSON still.
        for text in ["{NaN: 1}", "{\"a\": 1 NaN}", "NaN NaN", "{\"a\": NaN\"b\"}"] {
            assert!(serde_json::from_str::<Value>(LenientJson::new(text).masked()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_word_that_is_read_is_read_as_nothing() {
        for word in SPELLINGS {
            assert!(from_str::<f64>(word).is_err() && from_str::<Option<f64>>(word).is_err(), "{word}");
            assert!(from_str::<String>(word).is_err() && from_str::<Option<String>>(word).is_err());
            assert!(from_str::<bool>(word).is_err() && from_str::<Option<bool>>(word).is_err());
            assert!(from_str::<Vec<f64>>(word).is_err() && from_str::<i64>(word).is_err());
            assert!(from_str::<Vec<f64>>(&format!("[0.5, {word}]")).is_err());
            // Not even as an object, which it is masked with.
            assert!(from_str::<BTreeMap<String, f64>>(&format!(" {word}\n")).is_err());
        }
    }

    #[test]
    fn a_part_from_elsewhere_is_not_found() {
        let (here, elsewhere) = ("[NaN, 1]".to_owned(), "x".repeat(100));
        let json = LenientJson::new(&here);
        for part in [&elsewhere[..], &elsewhere[50..], ""] {
            assert_eq!(json.as_written(part), "");
        }
    }

    #[test]
    fn long_and_hostile_texts_take_one_pass() {
        let quotes = "\"".repeat(2_000_001);
        let words = format!("[{}1]", "NaN,".repeat(500_000));
        let backslashes = format!("\"{}", "\\".repeat(3_000_001));
        let deep = "[".repeat(1_000_000);
        for text in [&quotes, &words, &backslashes, &deep] {
            assert_eq!(LenientJson::new(text).masked().len(), text.len());
        }
        assert_eq!(LenientJson::new(&words).masked().matches("{ }").count(), 500_000);
    }

    /// Masks by parsing: where a strict parser stops at a word, the word goes.
    fn slowly(text: &str) -> String {
        let mut text = text.to_owned();
        if is_non_finite(&text) {
            return text;
        }
        for _ in 0..text.len() {
            let Err(error) = serde_json::from_str::<&RawValue>(&text) else { break };
            let near = error.column().saturating_sub(12);
            let found = (near..text.len()).flat_map(|start| SPELLINGS.map(|word| (start, word))).find(
                |(start, word)| {
                    let rest = text.get(*start..).and_then(|rest| rest.strip_prefix(word));
                    let ends = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([',', ']', '}']));
                    ends && text[..*start].ends_with(['[', ',', ':']) && start + 12 > error.column()
                },
            );
            let Some((start, word)) = found else { break };
            let mask = format!("{{{}}}", " ".repeat(word.len() - 2));
            text.replace_range(start..start + word.len(), &mask);
        }
        text
    }

    /// A JSON value with words in it, without white space.
    fn value() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            prop::sample::select(&SPELLINGS[..]).prop_map(str::to_owned),
            any::<i32>().prop_map(|number| number.to_string()),
            "[ -~é]{0,12}".prop_map(|text| Value::String(text).to_string()),
            Just("\"NaN,Infinity\"".to_owned()),
            Just("null".to_owned()),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec(("[a-z\"\\\\]{0,3}", inner), 0..4).prop_map(|fields| {
                    let field = |(key, value): (String, String)| format!("{}:{value}", Value::String(key));
                    format!("{{{}}}", fields.into_iter().map(field).collect::<Vec<_>>().join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn masking_is_what_a_parser_needs_and_no_more(text in value()) {
            let json = LenientJson::new(&text);
            let is_json = serde_json::from_str::<&RawValue>(json.masked()).is_ok();
            prop_assert_eq!(is_json, !is_non_finite(&text));
            prop_assert_eq!(json.masked(), slowly(&text));
            prop_assert_eq!(json.has_non_finite(), json.masked() != text);
        }

        #[test]
        fn nulls_stand_where_the_words_stood(text in value()) {
            let nulls = with_nulls(&text);
            prop_assert!(serde_json::from_str::<&RawValue>(&nulls).is_ok());
            let slowly = slowly(&format!("[{text}]")).replace("{ }", "null").replace("{  }", "null");
            let slowly = slowly.replace("{      }", "null").replace("{       }", "null");
            prop_assert_eq!(format!("[{}]", nulls), slowly);
        }

        #[test]
        fn no_text_panics(text in "[\\PC\"\\\\\\[\\]{}:,+NaIinfty-]{0,64}") {
            let json = LenientJson::new(&text);
            prop_assert_eq!(json.masked().len(), text.len());
            prop_assert_eq!(json.as_written(json.masked()), text.as_str());
        }
    }
}
