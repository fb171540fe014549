//! How labels are read or made.

use plimsoll_label::{Policy, RawPolicy, References, SpanGrading, Treatment};

use serde_json::{Map, Value};

use super::models::resolve_model;
use crate::pipeline::asking::{BackendName, Grading};
use crate::pipeline::plan::{Labels, LabelsFrom};
use crate::pipeline::problems::Problems;
use crate::pipeline::raw::{RawGrading, RawLabels, reworded};

/// What a plan grades by unless it says otherwise; recorded in the resolved plan.
const USUAL: RawPolicy = RawPolicy {
    refusal: Treatment::Wrong,
    truncated: Treatment::Ungraded,
    empty: Treatment::Wrong,
    ambiguous: Treatment::Ungraded,
    no_answer: Treatment::Ungraded,
    outside_choices: Treatment::Wrong,
    number_relative_tolerance: 0.0,
    span: SpanGrading::F1 { threshold: 0.5, references: References::Best },
};

/// The labels of a plan; `asks` says whether it makes them itself.
pub(super) fn resolve_labels(raw: RawLabels, asks: bool, problems: &mut Problems) -> Option<Labels> {
    let ungraded = raw.ungraded.unwrap_or_default();
    if !asks {
        if raw.grading.is_some() {
            problems
                .add("labels.grading", "is for plans that ask models; imported scores bring their grades");
        }
        return Some(Labels { ungraded, source: raw.source.unwrap_or_default(), grading: None });
    }
    let grading = resolve_grading(raw.grading.unwrap_or_default(), problems)?;
    let source = if grading.is_judged() { LabelsFrom::Judged } else { LabelsFrom::Graded };
    if raw.source.is_some_and(|said| said != source) {
        problems.add("labels.source", "follows from `labels.grading` where models are asked; leave it out");
    }
    Some(Labels { ungraded, source, grading: Some(grading) })
}

/// The usual policy with what a plan says otherwise.
fn resolve_policy(said: Map<String, Value>, problems: &mut Problems) -> Option<Policy> {
    const PLACE: &str = "labels.grading.policy";
    let mut policy = plimsoll_core::canonical::to_value(&USUAL);
    if let Value::Object(policy) = &mut policy {
        policy.extend(said);
    }
    let raw: RawPolicy = serde_path_to_error::deserialize(policy)
        .map_err(|error| {
            let path = error.path().to_string();
            let place = if path == "." { PLACE.to_owned() } else { format!("{PLACE}.{path}") };
            problems.add(&place, reworded(&error.inner().to_string()));
        })
        .ok()?;
    Policy::try_from(raw).map_err(|error| problems.add(PLACE, error.to_string())).ok()
}

fn resolve_grading(raw: RawGrading, problems: &mut Problems) -> Option<Grading> {
    let policy = resolve_policy(raw.policy.unwrap_or_default(), problems);
    let has_judge = raw.judge.is_some();
    let judge = match raw.judge {
        Some(judge) => Some(resolve_model(judge, "labels.grading.judge", problems)?),
        None => None,
    };
    let policy = policy?;
    let wanted = policy.span() == SpanGrading::Judge;
    if wanted && !has_judge {
        problems.add("labels.grading.judge", "is missing: the policy leaves texts to a judge (span: judge)");
    }
    if !wanted && has_judge {
        problems.add("labels.grading.judge", "would never be asked: the policy does not say `span: judge`");
    }
    if judge.as_ref().is_some_and(|judge| judge.backend == BackendName::Replay) {
        problems.add("labels.grading.judge.backend", "cannot be `replay`: verdicts are asked, not recorded");
    }
    Some(Grading { policy, judge })
}
