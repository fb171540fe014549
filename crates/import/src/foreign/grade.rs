//! Values of other programs as grades.

use std::ops::RangeInclusive;

const CONFIDENCES: RangeInclusive<f64> = 0.0..=1.0;

/// Whether an answer is correct. `name` is what the value is called, `other` what else the user could set.
pub(super) fn grade(name: &str, value: f64, correct_from: Option<f64>, other: &str) -> Result<bool, String> {
    match correct_from {
        Some(from) => Ok(value >= from),
        None if value == 0.0 || value == 1.0 => Ok(value == 1.0),
        None => Err(format!(
            "{name} is {value}, neither 0 nor 1: say from which value on an answer is correct (--correct-from){other}"
        )),
    }
}

/// A confidence as it is given.
pub(super) fn confidence(name: &str, value: f64) -> Result<f64, String> {
    if CONFIDENCES.contains(&value) { Ok(value) } else { Err(format!("`{name}` is {value}, not in [0, 1]")) }
}
