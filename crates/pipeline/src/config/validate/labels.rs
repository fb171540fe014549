//! How labels are read or made, checked.

use plimsoll_label::{Policy, RawPolicy, SpanGrading};
use serde_json::{Map, Value};

use super::models::validate_model;
use crate::config::defaults::POLICY;
use crate::config::inference::GradingConfig;
use crate::config::models::ModelBackend;
use crate::config::pipeline_config::{LabelsConfig, LabelsFrom};
use crate::config::problems::Problems;
use crate::config::raw::{RawGrading, RawLabels, reworded};

/// The labels; `asks` says whether the run makes them itself.
pub(super) fn validate_labels(raw: RawLabels, asks: bool, problems: &mut Problems) -> Option<LabelsConfig> {
    let ungraded = raw.ungraded.unwrap_or_default();
    if !asks {
        if raw.grading.is_some() {
            problems.add(
                "labels.grading",
                "is for pipelines that ask models; imported scores bring their grades",
            );
        }
        return Some(LabelsConfig { ungraded, source: raw.source.unwrap_or_default(), grading: None });
    }
    let grading = validate_grading(raw.grading.unwrap_or_default(), problems)?;
    let source = if grading.is_judged() { LabelsFrom::Judged } else { LabelsFrom::Graded };
    if raw.source.is_some_and(|given| given != source) {
        problems.add("labels.source", "follows from `labels.grading` where models are asked; leave it out");
    }
    Some(LabelsConfig { ungraded, source, grading: Some(grading) })
}

/// The default policy with what a pipeline says otherwise.
fn validate_policy(given: Map<String, Value>, problems: &mut Problems) -> Option<Policy> {
    const KEY: &str = "labels.grading.policy";
    let mut policy = plimsoll_core::canonical::to_value(&POLICY);
    if let Value::Object(policy) = &mut policy {
        policy.extend(given);
    }
    let raw: RawPolicy = serde_path_to_error::deserialize(policy)
        .map_err(|error| {
            let path = error.path().to_string();
            let key = if path == "." { KEY.to_owned() } else { format!("{KEY}.{path}") };
            problems.add(&key, reworded(&error.inner().to_string()));
        })
        .ok()?;
    Policy::try_from(raw).map_err(|error| problems.add(KEY, error.to_string())).ok()
}

fn validate_grading(raw: RawGrading, problems: &mut Problems) -> Option<GradingConfig> {
    let policy = validate_policy(raw.policy.unwrap_or_default(), problems);
    let has_judge = raw.judge.is_some();
    let judge = match raw.judge {
        Some(judge) => Some(validate_model(judge, "labels.grading.judge", problems)?),
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
    if judge.as_ref().is_some_and(|judge| matches!(judge.backend, ModelBackend::Replay(_))) {
        problems.add("labels.grading.judge.backend", "cannot be `replay`: verdicts are asked, not recorded");
    }
    Some(GradingConfig { policy, judge })
}
