//! The plan as written. Every key is optional here: what must be there is said by the resolution,
//! together with everything else that is wrong.

pub(super) mod asking;

use std::collections::BTreeMap;

use plimsoll_import::{Format, nearest};
use plimsoll_router::Risk;
use serde::Deserialize;
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

use super::plan::{HoldOutName, LabelsFrom, Ungraded};
use super::problems::Problems;
use asking::{RawDataset, RawDecoding, RawInference, RawModel, RawPool, RawPrompt};

/// Problems that are worth listing.
const MAX_PROBLEMS: usize = 50;

/// A plan file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlan {
    pub(super) name: Option<String>,
    pub(super) seed: Option<u64>,
    pub(super) import: Option<RawImport>,
    pub(super) datasets: Option<Vec<RawDataset>>,
    pub(super) pool: Option<RawPool>,
    pub(super) prompt: Option<RawPrompt>,
    pub(super) slms: Option<Vec<RawModel>>,
    pub(super) llms: Option<Vec<RawModel>>,
    pub(super) decoding: Option<RawDecoding>,
    pub(super) methods: Option<Vec<Value>>,
    pub(super) inference: Option<RawInference>,
    pub(super) calibration: Option<RawCalibration>,
    pub(super) thresholds: Option<RawThresholds>,
    pub(super) evaluation: Option<RawEvaluation>,
    pub(super) labels: Option<RawLabels>,
    pub(super) limits: Option<RawLimits>,
}

/// `import`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawImport {
    pub(super) folder: Option<String>,
    pub(super) files: Option<BTreeMap<String, RawFile>>,
    pub(super) sql: Option<String>,
}

/// `import.files.TABLE`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    pub(super) path: Option<String>,
    pub(super) format: Option<Format>,
    pub(super) delimiter: Option<String>,
    pub(super) header: Option<bool>,
}

/// `calibration`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCalibration {
    pub(super) bins: Option<u32>,
    pub(super) fraction: Option<f64>,
}

/// `thresholds`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawThresholds {
    pub(super) routing_ratio: Option<Vec<f64>>,
    pub(super) accuracy: Option<Vec<f64>>,
    pub(super) cost: Option<Vec<RawCost>>,
    pub(super) risk: Option<Vec<RawRisk>>,
}

/// An item of `thresholds.cost`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCost {
    pub(super) usd_per_1k_questions: Option<f64>,
}

/// An item of `thresholds.risk`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRisk {
    pub(super) kind: Option<Risk>,
    pub(super) alpha: Option<f64>,
    pub(super) delta: Option<f64>,
}

/// `evaluation`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEvaluation {
    pub(super) transfer: Option<Vec<HoldOutName>>,
    pub(super) repeats: Option<u32>,
    pub(super) bootstrap: Option<u32>,
}

/// `labels`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLabels {
    pub(super) ungraded: Option<Ungraded>,
    pub(super) source: Option<LabelsFrom>,
    pub(super) grading: Option<RawGrading>,
}

/// `labels.grading`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGrading {
    pub(super) policy: Option<Map<String, Value>>,
    pub(super) judge: Option<RawModel>,
}

/// `limits`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimits {
    pub(super) missing: Option<f64>,
    pub(super) ungraded: Option<f64>,
}

const MAPPING_EXPECTED: &str = "expected a mapping of keys";
/// Keys whose value is a mapping, by their place; `*` stands for every item of a list or mapping.
const MAPPINGS: [&str; 21] = [
    "import",
    "import.files.*",
    "datasets.*",
    "datasets.*.sample",
    "datasets.*.prompt",
    "pool",
    "prompt",
    "slms.*",
    "slms.*.price",
    "slms.*.limits",
    "llms.*",
    "llms.*.price",
    "llms.*.limits",
    "decoding",
    "inference",
    "calibration",
    "thresholds",
    "thresholds.cost.*",
    "thresholds.risk.*",
    "evaluation",
    "limits",
];

/// Reads a document. A value that cannot be read is reported, left out, and the rest is read on, so
/// that one run tells everything.
pub(super) fn read(mut document: Value) -> (RawPlan, Problems) {
    let mut problems = Problems::default();
    if !document.is_object() {
        problems.add_unread("", format!("a plan is a mapping of keys, and this is {}", kind_of(&document)));
        return (RawPlan::default(), problems);
    }
    refuse_lists(&mut document, &mut problems);
    while problems.len() < MAX_PROBLEMS {
        match serde_path_to_error::deserialize::<_, RawPlan>(&document) {
            Ok(raw) => return (raw, problems),
            Err(error) => {
                problems.add_unread(&error.path().to_string(), reworded(&error.inner().to_string()));
                if !remove(&mut document, error.path()) {
                    break;
                }
            }
        }
    }
    (RawPlan::default(), problems)
}

/// Serde would take the items of a list for the values of a mapping, in the order of its keys.
fn refuse_lists(document: &mut Value, problems: &mut Problems) {
    for mapping in MAPPINGS.into_iter().chain(["labels", "labels.grading", "labels.grading.judge"]) {
        let keys: Vec<&str> = mapping.split('.').collect();
        refuse_list(document, &keys, "", problems);
    }
}

fn refuse_list(value: &mut Value, keys: &[&str], place: &str, problems: &mut Problems) {
    let Some((key, rest)) = keys.split_first() else {
        if value.is_array() {
            problems.add_unread(place, format!("found a list, {MAPPING_EXPECTED}"));
            *value = if place.ends_with(']') { Value::Object(Map::new()) } else { Value::Null };
        }
        return;
    };
    let inside = |key: &str| if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
    match value {
        Value::Array(items) if *key == "*" => {
            for (index, item) in items.iter_mut().enumerate() {
                refuse_list(item, rest, &format!("{place}[{index}]"), problems);
            }
        }
        Value::Object(map) if *key == "*" => {
            for (name, item) in map {
                refuse_list(item, rest, &inside(name), problems);
                if item.is_null() {
                    *item = Value::Object(Map::new());
                }
            }
        }
        Value::Object(map) => {
            if let Some(item) = map.get_mut(*key) {
                refuse_list(item, rest, &inside(key), problems);
            }
        }
        _ => {}
    }
}

/// Takes out the value at a path, or the list that holds it.
fn remove(document: &mut Value, path: &Path) -> bool {
    let segments: Vec<&Segment> = path.iter().collect();
    let Some(last) = segments.iter().rposition(|segment| matches!(segment, Segment::Map { .. })) else {
        return false;
    };
    let mut place = document;
    for segment in &segments[..last] {
        let next = match segment {
            Segment::Map { key } => place.get_mut(key.as_str()),
            Segment::Seq { index } => place.get_mut(*index),
            Segment::Enum { .. } | Segment::Unknown => None,
        };
        match next {
            Some(next) => place = next,
            None => return false,
        }
    }
    match (segments[last], place) {
        (Segment::Map { key }, Value::Object(map)) => map.remove(key).is_some(),
        _ => false,
    }
}

/// What serde says, in words that do not need serde.
pub(super) fn reworded(message: &str) -> String {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let unknown = ["unknown field `", "unknown variant `"].iter().find(|start| message.starts_with(**start));
    if let (Some(start), Some((unknown, known))) = (unknown, names.split_first()) {
        let what = if start.contains("field") { "unknown key" } else { "unknown value" };
        let meant = nearest(unknown, known.iter().copied());
        let meant = meant.map_or_else(String::new, |meant| format!("; is `{meant}` meant?"));
        let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        return format!("{what} `{unknown}`{meant} (known: {})", known.join(", "));
    }
    [
        ("invalid type: ", "found "),
        ("invalid value: ", "found "),
        ("expected u64", "expected a whole number of at least 0"),
        ("expected u32", "expected a whole number of at least 0"),
        ("expected f64", "expected a number"),
        ("expected a string", "expected text"),
        ("expected a boolean", "expected true or false"),
        ("expected a sequence", "expected a list"),
    ]
    .iter()
    .fold(with_mappings(message), |text, (from, to)| text.replace(from, to))
}

/// `expected struct RawImport` and `expected a map` mean a mapping.
fn with_mappings(message: &str) -> String {
    let found = ["expected struct ", "expected a map"].iter().find_map(|words| message.split_once(words));
    found.map_or_else(|| message.to_owned(), |(before, _)| format!("{before}{MAPPING_EXPECTED}"))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_problem_is_found_in_one_go() {
        let (raw, problems) = read(json!({
            "name": 3, "seed": -1, "nmae": "x", "thresholds": {"risk": [{"kind": "selective", "alfa": 0.1}]},
            "calibration": [1], "limits": 3, "labels": {"ungraded": "wrongly"}, "import": {"sql": "SELECT 1", "files": {"log": ["x.csv"]}},
        }));
        assert_eq!(raw.import.unwrap().sql.unwrap(), "SELECT 1");
        insta::assert_snapshot!(problems.text("p.yaml"), @r"
        `p.yaml` has 9 problems:
          import.files.log: found a list, expected a mapping of keys
          calibration: found a list, expected a mapping of keys
          labels.ungraded: unknown value `wrongly`; is `wrong` meant? (known: `wrong`, `exclude`)
          limits: found integer `3`, expected a mapping of keys
          name: found integer `3`, expected text
          nmae: unknown key `nmae`; is `name` meant? (known: `name`, `seed`, `import`, `datasets`, `pool`, `prompt`, `slms`, `llms`, `decoding`, `methods`, `inference`, `calibration`, `thresholds`, `evaluation`, `labels`, `limits`)
          seed: found integer `-1`, expected a whole number of at least 0
          thresholds.risk[0].alfa: unknown key `alfa`; is `alpha` meant? (known: `kind`, `alpha`, `delta`)
          thresholds.risk[0].kind: unknown value `selective` (known: `selective_error`, `joint_error`, `regret`)
        ");
    }

    #[test]
    fn other_documents_are_named() {
        for (document, expected) in
            [(json!([]), "a list"), (json!(3), "a number"), (json!("x"), "text"), (Value::Null, "nothing")]
        {
            assert!(read(document).1.text("p").contains(expected));
        }
        let (_, problems) = read(json!({"slms": [[1], {"price": [1, 2]}], "labels": {"grading": []}}));
        assert_eq!(
            problems.text("p"),
            "`p` has 3 problems:\n  slms[0]: found a list, expected a mapping of keys\n  slms[1].price: found a list, \
             expected a mapping of keys\n  labels.grading: found a list, expected a mapping of keys"
        );
    }
}
