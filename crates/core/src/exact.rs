//! Numbers as exact values: finite decimals of any length, and fractions that have none. Gold answers and what
//! models answer are both held in this one type.

use std::fmt;

/// Zeros that are written out, at most; beyond, a number is shown with an exponent.
const MAX_ZEROS: i64 = 40;

/// Largest exponent of ten that is read.
const MAX_EXPONENT: u64 = 1_000_000_000;

/// Largest exponent to which a number is raised.
const MAX_POWER: u32 = 1_024;

/// Significant digits from which on a decimal may be the way in which a program wrote a double: every double
/// that is no short decimal has 15 to 17.
const DOUBLE_DIGITS: usize = 15;

/// An exact number.
///
/// Two are equal exactly if their values are: a decimal has no zeros at either end of its
/// digits, a fraction is reduced, and a fraction that is a finite decimal is kept as one.
///
/// ```
/// use plimsoll_core::ExactNumber;
/// let value = |text| ExactNumber::from_plain(text).unwrap();
/// assert_eq!(value("1234.50"), value("1234.5"));
/// assert_eq!(value("1/2"), value("0.5"));
/// assert_eq!(value("2/6").to_string(), "1/3");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExactNumber {
    negative: bool,
    form: NumberForm,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum NumberForm {
    /// `digits * 10^exponent`; no digits = zero.
    Decimal { digits: String, exponent: i64 },
    /// Reduced; the denominator has a prime factor other than 2 and 5.
    Fraction { numerator: u128, denominator: u128 },
}

impl ExactNumber {
    /// Reads the plain form of a number: a sign, digits with at most one point, an exponent, and at most one
    /// slash between two of these. Groups, currencies and words are the business of those who read texts.
    /// `None` for anything else, a denominator of zero, and fractions too long to hold exactly.
    ///
    /// ```
    /// use plimsoll_core::ExactNumber;
    /// assert_eq!(ExactNumber::from_plain("-7/21").unwrap().to_string(), "-1/3");
    /// assert_eq!(ExactNumber::from_plain("1.5e-3").unwrap().to_string(), "0.0015");
    /// assert_eq!(ExactNumber::from_plain("1,000"), None);
    /// ```
    pub fn from_plain(text: &str) -> Option<Self> {
        match text.split_once('/') {
            Some((numerator, denominator)) => {
                Self::from_plain_decimal(numerator)?.divided(&Self::from_plain_decimal(denominator)?)
            }
            None => Self::from_plain_decimal(text),
        }
    }

    fn from_plain_decimal(text: &str) -> Option<Self> {
        let size = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = match size.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (size, 0),
        };
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && part.is_empty() {
            return None;
        }
        let exponent = exponent.checked_sub(i64::try_from(part.len()).ok()?)?;
        let value = Self::decimal(&format!("{whole}{part}"), exponent)?;
        Some(if text.starts_with('-') { value.negated() } else { value })
    }

    /// A decimal from its ASCII digits (leading and trailing zeros allowed) and the exponent of the
    /// last digit; `None` for other characters and beyond what is read.
    pub fn decimal(digits: &str, exponent: i64) -> Option<Self> {
        if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let leading = digits.trim_start_matches('0');
        let kept = leading.trim_end_matches('0');
        let dropped = i64::try_from(leading.len() - kept.len()).ok()?;
        let exponent = if kept.is_empty() { 0 } else { exponent.checked_add(dropped)? };
        (exponent.unsigned_abs() <= MAX_EXPONENT).then(|| Self {
            negative: false,
            form: NumberForm::Decimal { digits: kept.to_owned(), exponent },
        })
    }

    /// A whole number.
    pub fn whole(number: u32) -> Self {
        let text = number.to_string();
        let digits = text.trim_end_matches('0');
        let exponent = if number == 0 { 0 } else { i64::try_from(text.len() - digits.len()).unwrap_or(0) };
        let digits = if number == 0 { String::new() } else { digits.to_owned() };
        Self { negative: false, form: NumberForm::Decimal { digits, exponent } }
    }

    /// The number with its sign turned; zero has none.
    #[must_use]
    pub fn negated(mut self) -> Self {
        self.negative = !self.negative && !self.is_zero();
        self
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        matches!(&self.form, NumberForm::Decimal { digits, .. } if digits.is_empty())
    }

    /// The number times a power of ten; `None` beyond what is read.
    pub fn shifted(&self, places: i64) -> Option<Self> {
        let form = match &self.form {
            NumberForm::Decimal { digits, .. } if digits.is_empty() => self.form.clone(),
            NumberForm::Decimal { digits, exponent } => {
                let exponent =
                    exponent.checked_add(places).filter(|sum| sum.unsigned_abs() <= MAX_EXPONENT)?;
                NumberForm::Decimal { digits: digits.clone(), exponent }
            }
            NumberForm::Fraction { numerator, denominator } => {
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

    /// The number divided by another; `None` for a divisor of zero or numbers too long to divide exactly.
    pub fn divided(&self, by: &Self) -> Option<Self> {
        let ((a, b), (c, d)) = (self.ratio()?, by.ratio()?);
        Self::fraction(self.negative != by.negative, a.checked_mul(d)?, b.checked_mul(c)?)
    }

    /// Raised to a whole power; `None` for 0 to a power below 1 and for what is too long to hold exactly.
    ///
    /// ```
    /// use plimsoll_core::ExactNumber;
    /// assert_eq!(ExactNumber::whole(2).raised(10), Some(ExactNumber::whole(1024)));
    /// assert_eq!(ExactNumber::whole(10).raised(-2), ExactNumber::from_plain("0.01"));
    /// ```
    pub fn raised(&self, power: i64) -> Option<Self> {
        let size = u32::try_from(power.unsigned_abs()).ok()?;
        let negative = self.negative && size % 2 == 1;
        match &self.form {
            NumberForm::Decimal { digits, .. } if digits.is_empty() => (power > 0).then(|| self.clone()),
            // A power of ten only moves the point.
            NumberForm::Decimal { digits, exponent } if digits == "1" => {
                let value = Self::decimal("1", exponent.checked_mul(power)?)?;
                Some(if negative { value.negated() } else { value })
            }
            _ if size > MAX_POWER => None,
            _ => {
                let (numerator, denominator) = self.ratio()?;
                let (above, below) = (numerator.checked_pow(size)?, denominator.checked_pow(size)?);
                let (above, below) = if power < 0 { (below, above) } else { (above, below) };
                Self::fraction(negative, above, below)
            }
        }
    }

    /// The sum of two numbers of one sign; `None` if they are too long to add exactly.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        let ((a, b), (c, d)) = (self.ratio()?, other.ratio()?);
        let sum = a.checked_mul(d)?.checked_add(c.checked_mul(b)?)?;
        Self::fraction(self.negative, sum, b.checked_mul(d)?)
    }

    /// Numerator and denominator of the number's size.
    fn ratio(&self) -> Option<(u128, u128)> {
        match &self.form {
            NumberForm::Fraction { numerator, denominator } => Some((*numerator, *denominator)),
            NumberForm::Decimal { digits, .. } if digits.is_empty() => Some((0, 1)),
            NumberForm::Decimal { digits, exponent } => {
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
            return Some(Self { negative, form: NumberForm::Fraction { numerator, denominator } });
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
            NumberForm::Decimal { digits, .. } if digits.is_empty() => 0.0,
            NumberForm::Decimal { digits, exponent } => {
                format!("{digits}e{exponent}").parse().unwrap_or(f64::INFINITY)
            }
            NumberForm::Fraction { numerator, denominator } => *numerator as f64 / *denominator as f64,
        };
        if self.negative { -size } else { size }
    }

    /// Whether two numbers are equal, or differ by at most `relative` of the size of `gold`.
    ///
    /// # Formula
    /// `|answer - gold| <= relative * |gold|`, in f64. With `relative` = 0 the exact values are compared, but for
    /// one thing: a fraction with at least 15 significant digits is what a program wrote of a double, and
    /// stands for every number that it could have been: those within half a unit of its last digit, or
    /// within the spacing of doubles.
    ///
    /// ```
    /// use plimsoll_core::ExactNumber;
    /// let value = |text| ExactNumber::from_plain(text).unwrap();
    /// assert!(!value("0.33").agrees(&value("1/3"), 0.0));
    /// assert!(value("0.33").agrees(&value("1/3"), 0.01)); // |0.33 - 0.3333| = 0.0033 = 0.01 * 0.3333
    /// assert!(value("1/3").agrees(&value("0.3333333333333333"), 0.0));
    /// ```
    pub fn agrees(&self, gold: &Self, relative: f64) -> bool {
        if self == gold {
            return true;
        }
        let (answer, size) = (self.to_f64(), gold.to_f64());
        let rounding = [self, gold].into_iter().filter_map(Self::double_rounding).fold(0.0, f64::max);
        // The 1e-12 is for the rounding of the f64 arithmetic itself, so that a difference of exactly
        // the tolerance is within it.
        let tolerance = (relative * size.abs() * (1.0 + 1e-12)).max(rounding);
        tolerance > 0.0 && answer.is_finite() && size.is_finite() && (answer - size).abs() <= tolerance
    }

    /// How far from its digits a number may lie of which a program wrote a double; `None` for a number that
    /// has fewer digits than that, or no fraction.
    fn double_rounding(&self) -> Option<f64> {
        let NumberForm::Decimal { digits, exponent } = &self.form else { return None };
        if digits.len() < DOUBLE_DIGITS || *exponent >= 0 {
            return None;
        }
        let half_unit: f64 = format!("5e{}", exponent - 1).parse().unwrap_or(0.0);
        Some(half_unit.max(self.to_f64().abs() * f64::EPSILON))
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

impl fmt::Display for ExactNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        match &self.form {
            NumberForm::Fraction { numerator, denominator } => write!(f, "{numerator}/{denominator}"),
            NumberForm::Decimal { digits, .. } if digits.is_empty() => f.write_str("0"),
            NumberForm::Decimal { digits, exponent } => write_decimal(f, digits, *exponent),
        }
    }
}

fn write_decimal(f: &mut fmt::Formatter<'_>, digits: &str, exponent: i64) -> fmt::Result {
    let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    // Digits in front of the point.
    let front = length.saturating_add(exponent);
    if exponent > MAX_ZEROS || front < -MAX_ZEROS {
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
        ExactNumber::from_plain(text).map_or_else(|| "none".to_owned(), |value| value.to_string())
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
            ("1e-9223372036854775808", "none"),
            ("1e1000000001", "none"),
            ("3/4", "0.75"),
            ("10/4", "2.5"),
            ("-1/3", "-1/3"),
            ("1/0", "none"),
            ("5/1", "5"),
            ("+5.", "5"),
            (".5/-.25", "-2"),
            ("1e2/3e1", "10/3"),
            ("", "none"),
            ("-", "none"),
            (".", "none"),
            ("1/", "none"),
            ("1/2/3", "none"),
            ("--1", "none"),
            ("1.2.3", "none"),
            ("1e", "none"),
            ("0x10", "none"),
            ("\u{661}", "none"),
        ] {
            assert_eq!(show(text), shown, "{text}");
        }
    }

    #[test]
    fn long_numbers_compare_exactly() {
        let long = "7".repeat(10_000);
        let value = ExactNumber::from_plain(&long).unwrap();
        assert_eq!(value.to_string(), long);
        assert_ne!(value, ExactNumber::from_plain(&format!("{}8", &long[1..])).unwrap());
        assert!(
            !value.agrees(&ExactNumber::from_plain("1e9999").unwrap(), 0.5),
            "infinite f64 never agree by tolerance"
        );
    }

    #[test]
    fn powers_are_exact_or_left() {
        for (base, power, shown) in [
            ("2", 10, "1024"),
            ("-2", 3, "-8"),
            ("-2", 2, "4"),
            ("2", -1, "0.5"),
            ("3", -1, "1/3"),
            ("2/3", 2, "4/9"),
            ("1.5", 2, "2.25"),
            ("7", 0, "1"),
            ("10", 9, "1000000000"),
            ("-10", 3, "-1000"),
            ("0", 5, "0"),
            ("0", 0, "none"),
            ("0", -1, "none"),
            ("2", 500, "none"),
            ("3", i64::MAX, "none"),
            ("10", i64::MIN, "none"),
        ] {
            let value = ExactNumber::from_plain(base).unwrap().raised(power);
            assert_eq!(value.map_or("none".to_owned(), |value| value.to_string()), shown, "{base}^{power}");
        }
    }

    #[test]
    fn a_decimal_written_from_a_double_stands_for_what_it_rounds() {
        let value = |text: &str| ExactNumber::from_plain(text).unwrap();
        for (answer, gold, agrees) in [
            ("1/3", "0.3333333333333333", true),
            ("2/6", "0.333333333333333", true),
            ("5/6", "0.8333333333333334", true),
            ("22/7", "3.142857142857143", true),
            ("-2/3", "-0.6666666666666666", true),
            ("2/3", "0.66666666666666663", true),
            ("0.30000000000000004", "0.3", true),
            ("0.3333333333333333", "1/3", true),
            ("1/3", "0.33333333333333", false),
            ("1/3", "0.3333333333333343", false),
            ("0.3333333333333", "0.3333333333333333", false),
            ("1234567890123.46", "1234567890123.45", false),
            // Whole numbers are what they are, however long.
            ("123456789012345679", "123456789012345678", false),
        ] {
            assert_eq!(value(answer).agrees(&value(gold), 0.0), agrees, "{answer} for {gold}");
        }
    }

    #[test]
    fn whole_numbers_are_decimals() {
        for number in [0, 1, 10, 90, 1000] {
            assert_eq!(Some(ExactNumber::whole(number)), ExactNumber::from_plain(&number.to_string()));
        }
    }
}
