//! Jaccard degree.

use plimsoll_core::MissingSignal;
use plimsoll_core::records::GenerationRow;
use plimsoll_core::signal::SignalRequest;
use plimsoll_router::Confidence;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::method::{MethodConfig, PromptKind, Scoring, UncertaintyMethod};
use crate::observed::{ObservedSignals, reply};
use crate::parameters::{self, ParameterError};
use plimsoll_core::missing::{MissingReason, UnusableSignal};

const ID: &str = "jaccard_degree";

/// Maximum number of samples of a question; each costs an answer.
const MAX_SAMPLES: u32 = 1000;

/// How much sampled answers agree.
///
/// # Formula
/// sum over i, j of `W_ij` / m^2, `W_ij` = |`A_i` and `A_j`| / |`A_i` or `A_j`| of the lower-cased whitespace token sets of
/// the m samples (the greedy answer is none of them), two empty answers counting 1, diagonal included: in
/// [1/m, 1] (Lin et al., arXiv:2305.19187, whose expression is 1 minus this). Samples of a model that reasons are
/// compared by what they say after their reasoning.
#[derive(Debug)]
pub(super) struct JaccardDegree;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JaccardParameters {
    samples: u32,
    temperature: f64,
}

impl UncertaintyMethod for JaccardDegree {
    fn id(&self) -> &'static str {
        ID
    }

    fn definition(&self) -> &'static str {
        "mean Jaccard index over all ordered pairs of the sampled answers' lower-cased whitespace token sets, reasoning \
         left out, diagonal included, so at least 1 / samples"
    }

    fn resolve(&self, given: &Value) -> Result<MethodConfig, ParameterError> {
        let JaccardParameters { samples, temperature } = parameters::read(ID, given)?;
        parameters::within((ID, "samples"), samples, 2..=MAX_SAMPLES, "from 2 to 1000")?;
        let request = SignalRequest::answer().with_samples(samples, temperature).map_err(|_| {
            let found = temperature.to_string();
            ParameterError::Range {
                method: ID,
                parameter: "temperature",
                found,
                wanted: "a finite number above 0",
            }
        })?;
        Ok(MethodConfig {
            id: ID,
            definition: self.definition(),
            request,
            prompt: PromptKind::Main,
            scoring: Scoring::Closed(score),
            parameters: json!({"samples": samples, "temperature": temperature}),
            version: 2,
        })
    }
}

/// Fewer samples than the plan says would be another scale, so one that is missing leaves no score.
fn score(observed: &ObservedSignals<'_>, parameters: &Value) -> Result<Confidence, MissingReason> {
    let wanted = parameters["samples"].as_u64().unwrap_or(u64::MAX);
    let samples = usize::try_from(wanted).ok().and_then(|wanted| observed.samples.get(..wanted));
    let samples = samples.ok_or(MissingReason::Signal(MissingSignal::NotRecorded))?;
    let texts: Result<Vec<&str>, MissingReason> = samples.iter().map(answer).collect();
    Confidence::jaccard_degree(&texts?).ok_or(MissingReason::Signal(MissingSignal::NotRecorded))
}

/// What a sample says without its reasoning. Two that only reason do not agree.
fn answer(sample: &GenerationRow) -> Result<&str, MissingReason> {
    let reply = reply(Some(sample))?;
    let answer = reply.answer();
    let only_reasons = answer.trim().is_empty() && !reply.text.trim().is_empty();
    if only_reasons { Err(MissingReason::Unusable(UnusableSignal::EmptyAnswer)) } else { Ok(answer) }
}
