//! Numbers as exact values: finite decimals of any length, and fractions that have none.

use std::fmt;

/// Most zeros that are written out; beyond, a value is shown with an exponent.
const MOST_ZEROS: i64 = 40;

/// Largest exponent that is read.
const MOST_EXPONENT: i64 = 1_000_000_000;

/// An exact number.
///
/// Two values are equal exactly if their numbers are: a decimal has no zeros at either end of its
/// digits, a fraction is reduced, and a fraction that is a finite decimal is kept as one.
///
/// ```
/// use plimsoll_label::Value;
/// let value = |text| Value::parse(text).unwrap();
/// assert_eq!(value("1,234.50"), value("1234.5"));
/// assert_eq!(value("1/2"), value("0.5"));
/// assert_eq!(value("2/6").to_string(), "1/3");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Value {
    negative: bool,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Form {
    /// `digits * 10^exponent`; no digits = zero.
    Decimal { digits: String, exponent: i64 },
    /// Reduced; the denominator has a prime factor other than 2 and 5.
    Fraction { numerator: u128, denominator: u128 },
}

impl Value {
    /// A decimal from its ASCII digits (leading and trailing zeros allowed) and the exponent of the
    /// last digit; `None` beyond what is read.
    pub(crate) fn decimal(digits: &str, exponent: i64) -> Option<Self> {
        let leading = digits.trim_start_matches('0');
        let kept = leading.trim_end_matches('0');
        let dropped = i64::try_from(leading.len() - kept.len()).ok()?;
        let exponent = if kept.is_empty() { 0 } else { exponent.checked_add(dropped)? };
        (exponent.abs() <= MOST_EXPONENT)
            .then(|| Self { negative: false, form: Form::Decimal { digits: kept.to_owned(), exponent } })
    }

    /// A whole number.
    pub(crate) fn whole(number: u32) -> Self {
        let text = number.to_string();
        let digits = text.trim_end_matches('0');
        let exponent = if number == 0 { 0 } else { i64::try_from(text.len() - digits.len()).unwrap_or(0) };
        let digits = if number == 0 { String::new() } else { digits.to_owned() };
        Self { negative: false, form: Form::Decimal { digits, exponent } }
    }

    /// The value with its sign turned; zero has none.
    pub(crate) fn negated(mut self) -> Self {
        self.negative = !self.negative && !self.is_zero();
        self
    }

    /// Whether the value is zero.
    pub fn is_zero(&self) -> bool {
        matches!(&self.form, Form::Decimal { digits, .. } if digits.is_empty())
    }

    /// The value times a power of ten.
    pub(crate) fn shifted(&self, places: i64) -> Option<Self> {
        let form = match &self.form {
            Form::Decimal { digits, .. } if digits.is_empty() => self.form.clone(),
            Form::Decimal { digits, exponent } => {
                Form::Decimal { digits: digits.clone(), exponent: exponent.checked_add(places)? }
            }
            Form::Fraction { numerator, denominator } => {
                let factor = 10u128.checked_pow(u32::try_from(places.unsigned_abs()).ok()?)?;
                let (up, down) = if places < 0 { (1, factor) } else { (factor, 1) };
                return Self::fraction(
                    self.negative,
                    numerator.checked_mul(up)?,
                    denominator.checked_mul(down)?,
                );
            }
        };
        Some(Self { negative: self.negative, form })
    }

    /// The value divided by another; `None` for a divisor of zero or numbers too long to divide exactly.
    pub(crate) fn divided(&self, by: &Self) -> Option<Self> {
        let ((a, b), (c, d)) = (self.ratio()?, by.ratio()?);
        Self::fraction(self.negative != by.negative, a.checked_mul(d)?, b.checked_mul(c)?)
    }

    /// The sum of two values of one sign; `None` if they are too long to add exactly.
    pub(crate) fn plus(&self, other: &Self) -> Option<Self> {
        let ((a, b), (c, d)) = (self.ratio()?, other.ratio()?);
        let sum = a.checked_mul(d)?.checked_add(c.checked_mul(b)?)?;
        Self::fraction(self.negative, sum, b.checked_mul(d)?)
    }

    /// Numerator and denominator of the size of the value.
    fn ratio(&self) -> Option<(u128, u128)> {
        match &self.form {
            Form::Fraction { numerator, denominator } => Some((*numerator, *denominator)),
            Form::Decimal { digits, .. } if digits.is_empty() => Some((0, 1)),
            Form::Decimal { digits, exponent } => {
                let number: u128 = digits.parse().ok()?;
                let factor = 10u128.checked_pow(u32::try_from(exponent.unsigned_abs()).ok()?)?;
                if *exponent < 0 { Some((number, factor)) } else { Some((number.checked_mul(factor)?, 1)) }
            }
        }
    }

    /// A reduced fraction, as a decimal where it has a finite one.
    fn fraction(negative: bool, numerator: u128, denominator: u128) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let divisor = greatest_common_divisor(numerator, denominator);
        let (numerator, denominator) = (numerator / divisor, denominator / divisor);
        let (mut rest, mut twos, mut fives) = (denominator, 0u32, 0u32);
        while rest % 2 == 0 {
            (rest, twos) = (rest / 2, twos + 1);
        }
        while rest % 5 == 0 {
            (rest, fives) = (rest / 5, fives + 1);
        }
        if rest > 1 {
            return Some(Self { negative, form: Form::Fraction { numerator, denominator } });
        }
        let places = twos.max(fives);
        let scaled = numerator
            .checked_mul(2u128.checked_pow(places - twos)?)?
            .checked_mul(5u128.checked_pow(places - fives)?)?;
        let value = Self::decimal(&scaled.to_string(), -i64::from(places))?;
        Some(if negative { value.negated() } else { value })
    }

    /// The nearest f64 (infinite for what is beyond its range).
    pub fn to_f64(&self) -> f64 {
        let size = match &self.form {
            Form::Decimal { digits, .. } if digits.is_empty() => 0.0,
            Form::Decimal { digits, exponent } => {
                format!("{digits}e{exponent}").parse().unwrap_or(f64::INFINITY)
            }
            Form::Fraction { numerator, denominator } => *numerator as f64 / *denominator as f64,
        };
        if self.negative { -size } else { size }
    }

    /// Whether two values are equal, or differ by at most `relative` of the size of `gold`.
    ///
    /// # Formula
    /// `|answer - gold| <= relative * |gold|`, in f64; with `relative` = 0 the exact values are
    /// compared and nothing is rounded.
    ///
    /// ```
    /// use plimsoll_label::Value;
    /// let value = |text| Value::parse(text).unwrap();
    /// assert!(!value("0.33").agrees(&value("1/3"), 0.0));
    /// assert!(value("0.33").agrees(&value("1/3"), 0.01)); // |0.33 - 0.3333| = 0.0033 = 0.01 * 0.3333
    /// ```
    pub fn agrees(&self, gold: &Self, relative: f64) -> bool {
        if self == gold {
            return true;
        }
        let (answer, gold) = (self.to_f64(), gold.to_f64());
        // The 1e-12 is for the rounding of the f64 arithmetic itself, so that a difference of exactly
        // the tolerance is within it.
        relative > 0.0
            && answer.is_finite()
            && gold.is_finite()
            && (answer - gold).abs() <= relative * gold.abs() * (1.0 + 1e-12)
    }
}

/// Euclid's algorithm; at least 1.
fn greatest_common_divisor(a: u128, b: u128) -> u128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        match &self.form {
            Form::Fraction { numerator, denominator } => write!(f, "{numerator}/{denominator}"),
            Form::Decimal { digits, .. } if digits.is_empty() => f.write_str("0"),
            Form::Decimal { digits, exponent } => write_decimal(f, digits, *exponent),
        }
    }
}

fn write_decimal(f: &mut fmt::Formatter<'_>, digits: &str, exponent: i64) -> fmt::Result {
    let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    // Digits in front of the point.
    let front = length.saturating_add(exponent);
    if exponent > MOST_ZEROS || front < -MOST_ZEROS {
        write!(f, "{digits}e{exponent}")
    } else if exponent >= 0 {
        write!(f, "{digits}{}", "0".repeat(usize::try_from(exponent).unwrap_or(0)))
    } else if front > 0 {
        let (whole, part) = digits.split_at(usize::try_from(front).unwrap_or(0));
        write!(f, "{whole}.{part}")
    } else {
        write!(f, "0.{}{digits}", "0".repeat(usize::try_from(-front).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        Value::parse(text).map_or_else(|| "none".to_owned(), |value| value.to_string())
    }

    #[test]
    fn values_have_one_spelling() {
        for (text, shown) in [
            ("007.50", "7.5"),
            ("-0", "0"),
            ("0.000", "0"),
            ("1e3", "1000"),
            ("1.5e-3", "0.0015"),
            ("1e999999", "1e999999"),
            ("1e99999999999999999999", "none"),
            ("3/4", "0.75"),
            ("10/4", "2.5"),
            ("-1/3", "-1/3"),
            ("1/0", "none"),
            ("3 1/2", "3.5"),
            ("-3 1/2", "-3.5"),
            ("5/1", "5"),
        ] {
            assert_eq!(show(text), shown, "{text}");
        }
    }

    #[test]
    fn long_numbers_compare_exactly() {
        let long = "7".repeat(10_000);
        let value = Value::parse(&long).unwrap();
        assert_eq!(value.to_string(), long);
        assert_ne!(value, Value::parse(&format!("{}8", &long[1..])).unwrap());
        assert!(
            !value.agrees(&Value::parse("1e9999").unwrap(), 0.5),
            "infinite f64 never agree by tolerance"
        );
    }

    #[test]
    fn whole_numbers_are_decimals() {
        for number in [0, 1, 10, 90, 1000] {
            assert_eq!(Some(Value::whole(number)), Value::parse(&number.to_string()));
        }
    }
}
