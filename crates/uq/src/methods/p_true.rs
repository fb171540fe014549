//! p(True).

use plimsoll_core::MissingSignal;
use plimsoll_core::records::FollowUpRow;
use plimsoll_core::signal::SignalRequest;
use plimsoll_router::Confidence;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::method::{MethodConfig, PromptKind, Scoring, UncertaintyMethod};
use crate::observed::ObservedSignals;
use crate::parameters::{self, ParameterError};
use plimsoll_core::missing::{MissingReason, UnusableSignal};

/// The method's id, and that of its follow-up in the prompt.
const ID: &str = "p_true";

/// Minimum that True and False must have together of the probability, unless a plan says otherwise. Below one in
/// a hundred the model would say something else (go on thinking, refuse, ask back) ninety-nine times out of a
/// hundred, and the ratio of the two is the noise of its tail. Models that were asked this way without thinking first
/// give the two nearly all of it.
const MIN_MASS: f64 = 0.01;

/// The probability of "True" after "is this answer correct?".
///
/// # Formula
/// P(True) / (P(True) + P(False)), each summed over its spellings at the first position of the reply
/// (Kadavath et al., arXiv:2207.05221; arXiv:2502.04428, section 3). A mass that a server did not list is
/// bounded by the least probability it listed; the row says so (`censored`). Missing where what was listed of the two
/// sums to less than `min_mass` (0.01): a bound counts nothing to that.
#[derive(Debug)]
pub(super) struct PTrue;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PTrueParameters {
    #[serde(default = "min_mass")]
    min_mass: f64,
}

fn min_mass() -> f64 {
    MIN_MASS
}

impl UncertaintyMethod for PTrue {
    fn id(&self) -> &'static str {
        ID
    }

    fn definition(&self) -> &'static str {
        "P(True) / (P(True) + P(False)) at the first token of the reply to whether the answer is correct, each summed over \
         its spellings; missing where the two have less than min_mass (0.01, unless the plan says otherwise) together"
    }

    fn resolve(&self, given: &Value) -> Result<MethodConfig, ParameterError> {
        let PTrueParameters { min_mass } = parameters::read(ID, given)?;
        parameters::within((ID, "min_mass"), min_mass, 0.0..=1.0, "from 0 to 1")?;
        Ok(MethodConfig {
            id: ID,
            definition: self.definition(),
            request: SignalRequest::answer().with_follow_up_masses(ID),
            prompt: PromptKind::Main,
            scoring: Scoring::Closed(score),
            parameters: json!({"min_mass": min_mass}),
            version: 2,
        })
    }

    fn answer_mass(&self, observed: &ObservedSignals<'_>) -> Option<f64> {
        match observed.follow_up(ID) {
            Ok(follow_up) => masses(follow_up).ok().map(|masses| masses.listed),
            Err(MissingReason::Signal(MissingSignal::NeitherListed)) => Some(0.0),
            Err(_) => None,
        }
    }
}

fn score(observed: &ObservedSignals<'_>, parameters: &Value) -> Result<Confidence, MissingReason> {
    let masses = masses(observed.follow_up(ID)?)?;
    if masses.listed < parameters["min_mass"].as_f64().unwrap_or(MIN_MASS) {
        return Err(MissingReason::Unusable(UnusableSignal::MassesTooSmall));
    }
    Confidence::p_true(masses.true_mass, masses.false_mass)
        .ok_or(MissingReason::Unusable(UnusableSignal::InvalidMasses))
}

/// The masses of the two replies.
struct SpellingMasses {
    true_mass: f64,
    false_mass: f64,
    /// What was observed of both together, in [0, 1].
    listed: f64,
}

fn masses(follow_up: &FollowUpRow) -> Result<SpellingMasses, MissingReason> {
    let (Some(true_mass), Some(false_mass)) = (follow_up.true_mass, follow_up.false_mass) else {
        return Err(MissingReason::Signal(MissingSignal::NoTopLogprobs));
    };
    let is_mass = |mass: f64| mass.is_finite() && mass >= 0.0;
    if !is_mass(true_mass) || !is_mass(false_mass) {
        return Err(MissingReason::Unusable(UnusableSignal::InvalidMasses));
    }
    // The bound of the side that is not listed is at most whatever is listed.
    let listed =
        if follow_up.censored == Some(true) { true_mass.max(false_mass) } else { true_mass + false_mass };
    Ok(SpellingMasses { true_mass, false_mass, listed: listed.min(1.0) })
}

#[cfg(test)]
mod tests {
    use plimsoll_core::AnswerKind;
    use plimsoll_core::records::GenerationRow;
    use proptest::prelude::*;

    use super::*;

    fn follow_up(masses: Option<(f64, f64)>, censored: bool) -> FollowUpRow {
        FollowUpRow {
            id: ID.to_owned(),
            true_mass: masses.map(|masses| masses.0),
            false_mass: masses.map(|masses| masses.1),
            censored: Some(censored),
            ..FollowUpRow::default()
        }
    }

    /// The confidence or why there is none, and the mass, with these parameters.
    fn scored_and_mass(follow_up: FollowUpRow, given: &Value) -> (Result<f64, String>, Option<f64>) {
        let answer = GenerationRow {
            text: Some("42".to_owned()),
            follow_ups: vec![follow_up],
            ..GenerationRow::default()
        };
        let observed = ObservedSignals {
            question: "",
            kind: AnswerKind::Number,
            answer: Some(&answer),
            label: None,
            samples: &[],
            verbalized: None,
        };
        let resolved = PTrue.resolve(given).unwrap();
        let scored = score(&observed, &resolved.parameters).map(Confidence::get);
        let scored = scored.map_err(|reason| reason.name().to_owned());
        (scored, PTrue.answer_mass(&observed))
    }

    #[test]
    fn a_ratio_needs_its_masses() {
        let too_small = || Err("masses_too_small".to_owned());
        let invalid = || Err("invalid_masses".to_owned());
        for (masses, censored, expected, mass) in [
            ((0.6, 0.2), false, Ok(0.75), Some(0.8)),
            ((0.006, 0.004), false, Ok(0.6), Some(0.01)),
            ((0.006, 0.0039), false, too_small(), Some(0.0099)),
            // A reasoning model: True and False far down its list.
            ((1.5e-8, 1.1e-7), false, too_small(), Some(1.25e-7)),
            ((1.5e-8, 1.5e-8), true, too_small(), Some(1.5e-8)),
            // What a server did not list counts nothing, though its bound enters the ratio.
            ((0.009, 0.009), true, too_small(), Some(0.009)),
            ((0.03, 0.01), true, Ok(0.75), Some(0.03)),
            ((0.0, 0.02), false, Ok(0.0), Some(0.02)),
            ((0.0, 0.0), false, too_small(), Some(0.0)),
            ((0.75, 0.250_000_1), false, Ok(0.75), Some(1.0)),
            ((f64::NAN, 0.5), false, invalid(), None),
            ((-0.1, 0.5), false, invalid(), None),
            ((f64::INFINITY, 0.5), true, invalid(), None),
        ] {
            let (scored, found) = scored_and_mass(follow_up(Some(masses), censored), &Value::Null);
            match (&scored, &expected) {
                (Ok(scored), Ok(expected)) => {
                    assert!((scored - expected).abs() < 1e-6, "{masses:?}: {scored}");
                }
                (scored, expected) => assert_eq!(*scored, *expected, "{masses:?}"),
            }
            let near = found.zip(mass).is_some_and(|(found, mass)| (found - mass).abs() < 1e-12);
            assert!(near || found == mass, "{masses:?}: {found:?}");
        }
    }

    #[test]
    fn without_masses_there_is_none_to_tell() {
        for (reason, mass) in [
            (MissingSignal::NeitherListed, Some(0.0)),
            (MissingSignal::NoTopLogprobs, None),
            (MissingSignal::ServerFailed, None),
        ] {
            let row = FollowUpRow { missing_reason: Some(reason), ..follow_up(None, false) };
            assert_eq!(scored_and_mass(row, &Value::Null), (Err(reason.name().to_owned()), mass));
        }
        let unknown = follow_up(None, false);
        assert_eq!(scored_and_mass(unknown, &Value::Null), (Err("no_top_logprobs".to_owned()), None));
    }

    #[test]
    fn the_floor_is_a_parameter_and_part_of_the_variant() {
        let hash = |given: Value| PTrue.resolve(&given).unwrap().variant_hash();
        assert_eq!(hash(Value::Null), hash(json!({"min_mass": MIN_MASS})));
        assert_ne!(hash(Value::Null), hash(json!({"min_mass": 0.5})));
        let tiny = || follow_up(Some((3e-9, 1e-9)), false);
        assert_eq!(scored_and_mass(tiny(), &json!({"min_mass": 0.0})).0, Ok(0.75));
        assert_eq!(
            scored_and_mass(tiny(), &json!({"min_mass": 4.1e-9})).0,
            Err("masses_too_small".to_owned())
        );
        let nothing = follow_up(Some((0.0, 0.0)), false);
        assert_eq!(scored_and_mass(nothing, &json!({"min_mass": 0})).0, Err("invalid_masses".to_owned()));
        for wrong in [
            json!({"min_mass": -0.1}),
            json!({"min_mass": 1.5}),
            json!({"floor": 0.1}),
            json!({"min_mass": "x"}),
        ] {
            let error = PTrue.resolve(&wrong).unwrap_err().to_string();
            assert!(
                error.contains("p_true") && (error.contains("min_mass") || error.contains("invalid type")),
                "{error}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_confidence_is_the_ratio_or_the_masses_are_small(
            top in prop::collection::vec((0usize..6, -20.0f64..0.0), 1..6), min_mass in 0.0f64..0.2,
        ) {
            // As a server lists them: spellings of either side and others, and what it did not list bounded.
            const WORDS: [&str; 6] = ["True", " true", "False", "false", "<think>", "Okay"];
            let total: f64 = top.iter().map(|(_, logprob)| logprob.exp()).sum::<f64>().max(1.0);
            let listed: Vec<(&str, f64)> =
                top.iter().map(|(word, logprob)| (WORDS[*word], logprob.exp() / total)).collect();
            let side = |word: &str| -> Vec<f64> {
                let is_it = |(text, _): &&(&str, f64)| text.trim().eq_ignore_ascii_case(word);
                listed.iter().filter(is_it).map(|(_, mass)| *mass).collect()
            };
            let (yes, no) = (side("true"), side("false"));
            prop_assume!(!(yes.is_empty() && no.is_empty()));
            let bound = listed.iter().map(|(_, mass)| *mass).fold(f64::INFINITY, f64::min);
            let mass = |side: &[f64]| if side.is_empty() { bound } else { side.iter().sum() };
            let censored = yes.is_empty() || no.is_empty();
            let row = follow_up(Some((mass(&yes), mass(&no))), censored);
            let (scored, found) = scored_and_mass(row, &json!({"min_mass": min_mass}));
            let slowly: f64 = yes.iter().chain(&no).sum();
            prop_assert!((found.unwrap() - slowly).abs() < 1e-12);
            match scored {
                Ok(scored) => {
                    prop_assert!((scored - mass(&yes) / (mass(&yes) + mass(&no))).abs() < 1e-12);
                    prop_assert!(slowly >= min_mass - 1e-12);
                }
                Err(reason) => prop_assert!(reason == "masses_too_small" && slowly <= min_mass + 1e-12),
            }
        }
    }
}
