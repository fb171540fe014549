//! Readers of single values on the command line. An error says what the value must be.

use plimsoll_core::question::AnswerKind;
use plimsoll_router::{Risk, Target};

use plimsoll_pipeline::config::bounds::{MAX_BINS, MAX_BOOTSTRAP, MAX_REPEATS, MAX_SEED};

/// A number in (0, 1), for `alpha` and `delta`; below 1e-9 or beyond 1 - 1e-9 it is surely a slip.
pub(crate) fn open_share(text: &str) -> Result<f64, String> {
    const MIN: f64 = 1e-9;
    within(text, |value| (MIN..=1.0 - MIN).contains(&value), "must be greater than 0 and less than 1")
}

/// A number in [0, 1].
pub(crate) fn share(text: &str) -> Result<f64, String> {
    within(text, |value| (0.0..=1.0).contains(&value), "must be between 0 and 1")
}

/// A number in (0, 1].
pub(crate) fn fraction(text: &str) -> Result<f64, String> {
    within(text, |value| value > 0.0 && value <= 1.0, "must be greater than 0 and at most 1")
}

/// Questions, at least 1, for the horizon of a tracker.
pub(crate) fn horizon(text: &str) -> Result<f64, String> {
    within(text, |value| value >= 1.0 && value.is_finite(), "must be a finite number of at least 1")
}

/// US dollars per 1,000 questions.
pub(crate) fn dollars(text: &str) -> Result<f64, String> {
    within(text, |value| value >= 0.0 && value.is_finite(), "must be a finite amount of at least 0")
}

/// A risk target, `KIND:ALPHA:DELTA`.
pub(crate) fn risk(text: &str) -> Result<Target, String> {
    const FORM: &str = "must be KIND:ALPHA:DELTA, for instance selective_error:0.1:0.05";
    let parts: Vec<&str> = text.split(':').collect();
    let [kind, alpha, delta] = parts[..] else { return Err(FORM.to_owned()) };
    let kind: Risk = kind
        .parse()
        .map_err(|_| format!("`{kind}` is no risk; known are selective_error, joint_error and regret"))?;
    let alpha = open_share(alpha).map_err(|problem| format!("alpha {problem}"))?;
    let delta = open_share(delta).map_err(|problem| format!("delta {problem}"))?;
    Ok(kind.target(alpha, delta))
}

/// A target as `thresholds decide` takes it.
pub(crate) fn target(text: &str) -> Result<Target, String> {
    text.parse().map_err(|error: plimsoll_router::Error| error.to_string())
}

/// A kind of answer.
pub(crate) fn answer_kind(text: &str) -> Result<AnswerKind, String> {
    AnswerKind::from_name(text).ok_or_else(|| format!("must be one of {}", AnswerKind::NAMES.join(", ")))
}

/// A number of bins.
pub(crate) fn bins(text: &str) -> Result<u32, String> {
    whole(text, 1, MAX_BINS)
}

/// A number of bootstrap replicates.
pub(crate) fn bootstrap(text: &str) -> Result<u32, String> {
    whole(text, 0, MAX_BOOTSTRAP)
}

/// A number of repeats.
pub(crate) fn repeats(text: &str) -> Result<u32, String> {
    whole(text, 1, MAX_REPEATS)
}

/// A seed.
pub(crate) fn seed(text: &str) -> Result<u64, String> {
    whole(text, 0, MAX_SEED)
}

/// A number of rows.
pub(crate) fn rows(text: &str) -> Result<u64, String> {
    whole(text, 1, plimsoll_fit::tail::MAX_ROWS)
}

fn within(text: &str, good: impl Fn(f64) -> bool, wanted: &str) -> Result<f64, String> {
    let value: f64 = text.trim().parse().map_err(|_| "is not a number".to_owned())?;
    if good(value) { Ok(value) } else { Err(wanted.to_owned()) }
}

fn whole<T: std::str::FromStr + PartialOrd + std::fmt::Display>(
    text: &str,
    min: T,
    max: T,
) -> Result<T, String> {
    let wanted = format!("must be a whole number from {min} to {max}");
    text.trim().parse().ok().filter(|value| (min..=max).contains(value)).ok_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (good, bad) in [("0", "-0.1"), ("1", "1.1"), ("0.5", "nan"), ("1e-3", "inf"), (" .2", "x")] {
            assert!(share(good).is_ok() && share(bad).is_err(), "{good} {bad}");
        }
        for bad in ["0", "1", "-1", "", "NaN"] {
            assert!(open_share(bad).is_err(), "{bad}");
        }
        assert!(fraction("0").is_err() && fraction("1").is_ok());
        assert!(dollars("-1").is_err() && dollars("inf").is_err() && dollars("0").is_ok());
        assert!(bins("0").is_err() && bins("30").is_ok() && bins("99999999999").is_err());
        assert!(seed("9007199254740993").is_err() && seed("-1").is_err() && seed("50").is_ok());
    }

    #[test]
    fn risks() {
        assert_eq!(risk("regret:0.1:0.05"), Ok(Target::Regret { alpha: 0.1, delta: 0.05 }));
        for bad in [
            "",
            "regret",
            "regret:0.1",
            "regret:0:0.1",
            "regret:0.1:1",
            "speed:0.1:0.1",
            "regret:0.1:0.1:0.1",
        ] {
            assert!(risk(bad).is_err(), "{bad}");
        }
    }
}
