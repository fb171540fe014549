//! Numbers as gold answers: one plain way to write each.

use plimsoll_core::ExactNumber;

use crate::draft::wrong_gold;
use crate::reason::RejectReason;

/// Digits beyond which a number is an accident.
const MAX_DIGITS: usize = 400;

/// The plain form of a number: sign, digits, point, digits; no commas, no zeros that say nothing.
/// A fraction becomes the decimal that it equals, or, if it has none that ends, the reduced fraction: it is the
/// same exact number that an answer is compared with. Digits are kept as they are written; nothing passes
/// through a float.
///
/// ```
/// use plimsoll_ingest::number::plain;
/// assert_eq!(plain("1,234.50").unwrap(), "1234.5");
/// assert_eq!(plain("\u{2212}3").unwrap(), "-3");
/// assert_eq!(plain("3/4").unwrap(), "0.75");
/// assert_eq!(plain("2/6").unwrap(), "1/3");
/// ```
///
/// # Errors
/// [`RejectReason::Gold`] for anything that is no number, and for a fraction too long to be held exactly.
pub fn plain(text: &str) -> Result<String, RejectReason> {
    let wrong = || wrong_gold(text, "a number");
    let text = text.trim();
    if text.len() > MAX_DIGITS {
        return Err(wrong());
    }
    match text.split_once('/') {
        Some((above, below)) => {
            fraction(&decimal(above.trim()).ok_or_else(wrong)?, &decimal(below.trim()).ok_or_else(wrong)?)
                .ok_or_else(wrong)
        }
        None => decimal(text).ok_or_else(wrong),
    }
}

/// The plain form of a decimal number.
fn decimal(text: &str) -> Option<String> {
    let (negative, digits) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    if exponent.unsigned_abs() as usize > MAX_DIGITS {
        return None;
    }
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = ungrouped(whole)?;
    if (whole.is_empty() && part.is_empty()) || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (whole, part) = shifted(&whole, part, exponent);
    let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    let sign = if negative && (whole != "0" || !part.is_empty()) { "-" } else { "" };
    Some(if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") })
}

/// Digits without the commas between groups of three.
fn ungrouped(whole: &str) -> Option<String> {
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    if !whole.contains(',') {
        return digits(whole).then(|| whole.to_owned());
    }
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let fits = (1..=3).contains(&first.len()) && digits(first);
    (fits && groups.all(|group| group.len() == 3 && digits(group))).then(|| whole.replace(',', ""))
}

/// Moves the point.
fn shifted(whole: &str, part: &str, exponent: i32) -> (String, String) {
    let places = exponent.unsigned_abs() as usize;
    if exponent >= 0 {
        let part = format!("{part:0<places$}");
        (format!("{whole}{}", &part[..places]), part[places..].to_owned())
    } else {
        let whole = format!("{whole:0>places$}");
        let cut = whole.len() - places;
        (whole[..cut].to_owned(), format!("{}{part}", &whole[cut..]))
    }
}

/// The exact fraction of two plain numbers.
fn fraction(above: &str, below: &str) -> Option<String> {
    ExactNumber::from_plain(&format!("{above}/{below}")).map(|value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_form_for_each_number() {
        for (text, expected) in [
            ("72", "72"),
            ("-3", "-3"),
            ("+3", "3"),
            ("\u{2212}3", "-3"),
            ("1,000", "1000"),
            ("2,125,000", "2125000"),
            ("145.0", "145"),
            ("0.50", "0.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("007", "7"),
            ("-0.0", "0"),
            ("1e3", "1000"),
            ("1.5e-2", "0.015"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("0.8333333333333334", "0.8333333333333334"),
            ("1/2", "0.5"),
            ("-3/8", "-0.375"),
            ("1/3", "1/3"),
            ("2/6", "1/3"),
            ("22 / 7", "22/7"),
            ("-4/6", "-2/3"),
            ("\u{2212}1/3", "-1/3"),
            ("1/-3", "-1/3"),
            ("1,000/3", "1000/3"),
            ("0.5/1.5", "1/3"),
            ("1/1048576", "0.00000095367431640625"),
            ("0.3333333333333333", "0.3333333333333333"),
            (" 9 ", "9"),
        ] {
            assert_eq!(plain(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number() {
        for text in [
            "",
            "-",
            ".",
            "1,00",
            "1,0000",
            ",100",
            "12 apples",
            "$5",
            "1.2.3",
            "1/0",
            "1/2/3",
            "1/",
            "/3",
            "1e300/7",
            "nan",
            "inf",
            "1e999999",
            "--1",
        ] {
            assert!(plain(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_plain_form_is_the_same_number_and_its_own_plain_form(value in -1e15f64..1e15) {
            let text = plain(&value.to_string()).unwrap();
            prop_assert_eq!(text.parse::<f64>().unwrap(), if value == 0.0 { 0.0 } else { value });
            prop_assert_eq!(plain(&text).unwrap(), text);
        }

        #[test]
        fn a_fraction_is_the_same_exact_number_and_its_own_plain_form(a in -9_999i32..9_999, b in 1i32..9_999) {
            let text = plain(&format!("{a}/{b}")).unwrap();
            let exact = ExactNumber::from_plain(&text).unwrap();
            let number = |n: i32| ExactNumber::from_plain(&n.to_string()).unwrap();
            prop_assert_eq!(Some(exact), number(a).divided(&number(b)));
            prop_assert_eq!(plain(&text).unwrap(), text);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = plain(&text);
        }
    }
}
