//! Canonical JSON (RFC 8785) and its SHA-256, so that a file can be named by its hash and any
//! runtime can recompute it: keys sorted by UTF-16 code units, no white space, numbers as
//! ECMAScript prints doubles.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The canonical form of a JSON value.
///
/// Numbers are written as doubles; an integer beyond 2^53 would lose digits, and no format of this
/// crate holds one.
///
/// ```
/// use plimsoll_router::canonical::canonical_json;
/// let value = serde_json::json!({"b": [1.0, 1e21, 0.000001], "a": "é\n"});
/// assert_eq!(canonical_json(&value), "{\"a\":\"é\\n\",\"b\":[1,1e+21,0.000001]}");
/// ```
pub fn canonical_json(value: &Value) -> String {
    let mut out = String::new();
    write_value(value, &mut out);
    out
}

/// Lower-case hexadecimal SHA-256 of the canonical form.
pub fn canonical_sha256(value: &Value) -> String {
    sha256_hex(canonical_json(value).as_bytes())
}

/// Lower-case hexadecimal SHA-256 of bytes.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal of bytes.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number_text(number.as_f64().unwrap_or(0.0))),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => write_list(out, ('[', ']'), items, write_value),
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by(|left, right| left.0.encode_utf16().cmp(right.0.encode_utf16()));
            write_list(out, ('{', '}'), &entries, |(key, value), out| {
                write_string(key, out);
                out.push(':');
                write_value(value, out);
            });
        }
    }
}

fn write_list<T>(out: &mut String, ends: (char, char), items: &[T], write: impl Fn(&T, &mut String)) {
    out.push(ends.0);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(ends.1);
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            control if control < ' ' => push_escape(control, out),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// A control character as `\u00XX`.
fn push_escape(control: char, out: &mut String) {
    let code = u32::from(control);
    let digit = |value: u32| char::from_digit(value, 16).unwrap_or('0');
    out.push_str("\\u00");
    out.extend([digit(code / 16), digit(code % 16)]);
}

/// ECMAScript's `Number::toString` for finite doubles: the shortest digits that read back as the
/// same double, plain between 1e-7 and 1e21, with an exponent beyond.
fn number_text(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned(); // -0 too
    }
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", place_point(&digits, exponent))
}

/// Writes `d.ddd * 10^exponent`.
fn place_point(digits: &str, exponent: i32) -> String {
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    if (0..21).contains(&exponent) {
        if count <= exponent + 1 {
            return format!("{digits}{}", zeros(exponent + 1 - count));
        }
        let (whole, fraction) = digits.split_at(usize::try_from(exponent + 1).unwrap_or(0));
        return format!("{whole}.{fraction}");
    }
    if (-6..0).contains(&exponent) {
        return format!("0.{}{digits}", zeros(-exponent - 1));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    format!("{first}{point}{rest}e{sign}{}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_as_rfc_8785_lists_them() {
        // Appendix B of RFC 8785: IEEE bits and their text.
        for (bits, text) in [
            (0x0000_0000_0000_0000u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        ] {
            assert_eq!(number_text(f64::from_bits(bits)), text);
        }
    }

    #[test]
    fn strings_and_keys() {
        let value = serde_json::json!({"\u{20ac}": 1, "\r": 2, "1": "\u{1}\"\\\u{7f}/", "\u{1f600}": 3, "\u{fb33}": 4});
        assert_eq!(
            canonical_json(&value),
            "{\"\\r\":2,\"1\":\"\\u0001\\\"\\\\\u{7f}/\",\"\u{20ac}\":1,\"\u{1f600}\":3,\"\u{fb33}\":4}"
        );
    }

    proptest! {
        #[test]
        fn numbers_read_back_as_themselves(value in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL) {
            prop_assert_eq!(number_text(value).parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }
}
