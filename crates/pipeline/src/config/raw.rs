//! The pipeline file as written. Every key is optional here: what must be there is checked in `validate`, together
//! with everything else that may be wrong. The JSON Schema of pipeline files is made of these types.

pub(super) mod inference;

use std::collections::BTreeMap;

use plimsoll_import::{Format, nearest};
use plimsoll_router::Risk;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

use super::bounds::{MAX_BINS, MAX_BOOTSTRAP, MAX_REPEATS, MAX_SEED};
use super::pipeline_config::{HoldOutName, LabelsFrom, Ungraded};
use super::problems::Problems;
use super::schema;
use inference::{RawDataset, RawDecoding, RawInference, RawModel, RawPool, RawPrompt};

/// Problems that are worth listing.
const MAX_PROBLEMS: usize = 50;

/// A pipeline: where its scores come from, what is drawn and fitted, and how that is evaluated. Scores come either
/// from files of another program (`import`), or from models that the run asks itself (`datasets`, `prompt`, `slms`,
/// `decoding`, `methods`, and where wanted `llms`, `pool`, `inference`).
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Pipeline")]
pub(super) struct RawPipeline {
    /// Name of the pipeline and of its run folder: 1 to 128 of A-Z a-z 0-9 . _ -, beginning with a letter, a digit or _.
    #[schemars(required, regex(pattern = "^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"))]
    pub(super) name: Option<String>,
    /// Seed of everything random: pool, samples, draws, probes, bootstrap.
    #[schemars(required, range(max = MAX_SEED))]
    pub(super) seed: Option<u64>,
    /// Scores of another program. Excludes the keys that ask models.
    pub(super) import: Option<RawImport>,
    /// Where questions come from. A dataset may be listed several times, with different splits.
    #[schemars(length(min = 1))]
    pub(super) datasets: Option<Vec<RawDataset>>,
    /// Which questions are asked.
    pub(super) pool: Option<RawPool>,
    /// How questions are asked, unless a dataset says otherwise.
    pub(super) prompt: Option<RawPrompt>,
    /// The small models, which answer on the device.
    #[schemars(length(min = 1))]
    pub(super) slms: Option<Vec<RawModel>>,
    /// The large models, to which questions are deferred.
    #[schemars(extend("default" = []))]
    pub(super) llms: Option<Vec<RawModel>>,
    /// How answers are decoded.
    pub(super) decoding: Option<RawDecoding>,
    /// How uncertainty is measured.
    #[serde(default)]
    #[schemars(schema_with = "schema::methods")]
    pub(super) methods: Option<Vec<Value>>,
    /// How the work is done. Not part of the pipeline's hash: scores depend on it in the last bits of
    /// log-probabilities at most.
    pub(super) inference: Option<RawInference>,
    /// How the calibration set is drawn.
    #[schemars(required)]
    pub(super) calibration: Option<RawCalibration>,
    /// What thresholds are fitted for; at least one target.
    #[schemars(required)]
    pub(super) thresholds: Option<RawThresholds>,
    /// How thresholds are evaluated; without it there are neither intervals nor transfer.
    pub(super) evaluation: Option<RawEvaluation>,
    /// How labels are read or made.
    pub(super) labels: Option<RawLabels>,
    /// What ends a run with exit code 5, after all outputs are written.
    pub(super) limits: Option<RawShareLimits>,
}

/// Files of another program, and the query that maps them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Import")]
pub(super) struct RawImport {
    /// Where relative paths start: relative to the pipeline file, `$NAME` and `${NAME}` are environment variables.
    /// Default: the folder of the pipeline file. Not part of the pipeline's hash.
    pub(super) folder: Option<String>,
    /// The SQL tables, by name.
    #[schemars(required)]
    pub(super) files: Option<BTreeMap<String, RawFile>>,
    /// The query that gives the columns of the table `scores`.
    #[schemars(required)]
    pub(super) sql: Option<String>,
}

/// The files of one SQL table.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "File")]
pub(super) struct RawFile {
    /// A path or pattern; environment variables are expanded.
    #[schemars(required)]
    pub(super) path: Option<String>,
    /// Default: by the extension of the path.
    pub(super) format: Option<Format>,
    /// For CSV: `space`, `tab` or one ASCII character. Default: by the extension, else a comma.
    pub(super) delimiter: Option<String>,
    /// For CSV: whether the first line holds the names of the columns. Default: true.
    #[schemars(extend("default" = true))]
    pub(super) header: Option<bool>,
}

/// How the calibration set is drawn.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Calibration")]
pub(super) struct RawCalibration {
    /// Equal-width bins over [0, 1].
    #[schemars(required, range(min = 1, max = MAX_BINS))]
    pub(super) bins: Option<u32>,
    /// Share of the scored rows that is drawn, in (0, 1].
    #[schemars(required, range(max = 1.0), extend("exclusiveMinimum" = 0))]
    pub(super) fraction: Option<f64>,
}

/// What thresholds are fitted for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Thresholds")]
pub(super) struct RawThresholds {
    /// Shares of the questions to defer, in [0, 1].
    #[schemars(inner(range(min = 0.0, max = 1.0)))]
    pub(super) routing_ratio: Option<Vec<f64>>,
    /// Accuracies, each to be reached with the smallest routing ratio, in [0, 1].
    #[schemars(inner(range(min = 0.0, max = 1.0)))]
    pub(super) accuracy: Option<Vec<f64>>,
    /// Accuracies to stay within of the LLM's, each with the smallest routing ratio, in [0, 1].
    #[schemars(inner(range(min = 0.0, max = 1.0)))]
    pub(super) llm_gap: Option<Vec<f64>>,
    /// Budgets.
    pub(super) cost: Option<Vec<RawCost>>,
    /// Risks to bound.
    pub(super) risk: Option<Vec<RawRisk>>,
}

/// A budget.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Cost")]
pub(super) struct RawCost {
    /// US dollars per 1,000 questions.
    #[schemars(required, range(min = 0.0))]
    pub(super) usd_per_1k_questions: Option<f64>,
}

/// A risk to bound: risk <= alpha with probability >= 1 - delta.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Risk")]
pub(super) struct RawRisk {
    /// Which risk.
    #[schemars(required)]
    pub(super) kind: Option<Risk>,
    /// The bound, in (0, 1).
    #[schemars(required, extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub(super) alpha: Option<f64>,
    /// Probability that the bound fails, in (0, 1).
    #[schemars(required, extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub(super) delta: Option<f64>,
}

/// How thresholds are evaluated.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Evaluation")]
pub(super) struct RawEvaluation {
    /// What is held out, one after the other. Default: nothing.
    pub(super) transfer: Option<Vec<HoldOutName>>,
    /// Draws for each held-out dataset or domain; required with `transfer`.
    #[schemars(range(min = 1, max = MAX_REPEATS))]
    pub(super) repeats: Option<u32>,
    /// Bootstrap replicates behind the 95 % intervals; 0 = no intervals.
    #[schemars(required, range(max = MAX_BOOTSTRAP))]
    pub(super) bootstrap: Option<u32>,
}

/// How labels are read or made.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Labels")]
pub(super) struct RawLabels {
    /// What an ungraded SLM answer counts as. Default: wrong.
    #[schemars(extend("default" = "wrong"))]
    pub(super) ungraded: Option<Ungraded>,
    /// Who graded imported scores. Default: imported. Where models are asked it follows from `grading`.
    pub(super) source: Option<LabelsFrom>,
    /// How answers are graded, where models are asked.
    pub(super) grading: Option<RawGrading>,
}

/// How answers are graded.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Grading")]
pub(super) struct RawGrading {
    /// What refusals, cut or empty answers count as, and how texts are graded; each key has a default.
    #[schemars(schema_with = "schema::policy")]
    pub(super) policy: Option<Map<String, Value>>,
    /// The model that grades texts where the policy says `span: judge`.
    pub(super) judge: Option<RawModel>,
}

/// Largest shares that an (SLM, LLM, method, dataset) may have.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Limits")]
pub(super) struct RawShareLimits {
    /// Rows without a confidence, in [0, 1]. Default: any share.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(super) missing: Option<f64>,
    /// Rows with an ungraded answer, in [0, 1]. Default: any share.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(super) ungraded: Option<f64>,
}

const MAPPING_EXPECTED: &str = "expected a mapping of keys";

/// Reads a document. A value that cannot be read is reported, left out, and the rest is read on, so that one run
/// reports everything.
pub(super) fn read(mut document: Value) -> (RawPipeline, Problems) {
    let mut problems = Problems::default();
    if !document.is_object() {
        let problem = format!("a pipeline is a mapping of keys, and this is {}", value_kind(&document));
        problems.add_invalid("", problem);
        return (RawPipeline::default(), problems);
    }
    // Serde would take the items of a list for the values of a mapping, in the order of its keys.
    refuse_list(&mut document, &schema::inlined(), "", &mut problems);
    while problems.len() < MAX_PROBLEMS {
        match serde_path_to_error::deserialize::<_, RawPipeline>(&document) {
            Ok(raw) => return (raw, problems),
            Err(error) => {
                problems.add_invalid(&error.path().to_string(), reworded(&error.inner().to_string()));
                if !remove(&mut document, error.path()) {
                    break;
                }
            }
        }
    }
    (RawPipeline::default(), problems)
}

/// Reports lists that stand where the schema has a mapping, here and below, and leaves them out.
fn refuse_list(value: &mut Value, schema: &Value, key: &str, problems: &mut Problems) {
    if value.is_array() && schema::is_mapping(schema) {
        problems.add_invalid(key, format!("found a list, {MAPPING_EXPECTED}"));
        *value = if key.ends_with(']') { Value::Object(Map::new()) } else { Value::Null };
        return;
    }
    let inside = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    match value {
        Value::Array(items) => {
            let Some(schema) = schema.get("items") else { return };
            for (index, item) in items.iter_mut().enumerate() {
                refuse_list(item, schema, &format!("{key}[{index}]"), problems);
            }
        }
        Value::Object(map) => {
            let any = schema.get("additionalProperties").filter(|any| any.is_object());
            for (name, item) in map {
                let named = schema.get("properties").and_then(|properties| properties.get(name));
                if let Some(schema) = named.or(any) {
                    refuse_list(item, schema, &inside(name), problems);
                }
                // An entry of a table without keys: what it lacks is reported like that of `{}`.
                if any.is_some() && item.is_null() {
                    *item = Value::Object(Map::new());
                }
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
    let mut parent = document;
    for segment in &segments[..last] {
        let next = match segment {
            Segment::Map { key } => parent.get_mut(key.as_str()),
            Segment::Seq { index } => parent.get_mut(*index),
            Segment::Enum { .. } | Segment::Unknown => None,
        };
        match next {
            Some(next) => parent = next,
            None => return false,
        }
    }
    match (segments[last], parent) {
        (Segment::Map { key }, Value::Object(map)) => map.remove(key).is_some(),
        _ => false,
    }
}

/// Serde's message in words that a reader of YAML knows.
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

fn value_kind(value: &Value) -> &'static str {
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
          calibration: found a list, expected a mapping of keys
          import.files.log: found a list, expected a mapping of keys
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
            "`p` has 3 problems:\n  labels.grading: found a list, expected a mapping of keys\n  slms[0]: found a list, \
             expected a mapping of keys\n  slms[1].price: found a list, expected a mapping of keys"
        );
    }
}
