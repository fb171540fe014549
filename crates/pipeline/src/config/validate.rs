//! From the file as written to the configuration: what must be there is, and every number is in its range.

mod inference;
mod labels;
mod models;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use plimsoll_import::{FileSpec, Format};

use super::bounds::{MAX_BINS, MAX_BOOTSTRAP, MAX_NAME, MAX_REPEATS, MAX_SEED, MAX_TARGETS};
use super::pipeline_config::{
    CalibrationConfig, CostTarget, EvaluationConfig, ImportConfig, ImportFile, LimitsConfig, PipelineConfig,
    RiskTarget, ScoreSource, TargetsConfig, delimiter_byte, delimiter_name,
};
use super::problems::{Problems, required};
use super::raw::{
    RawCalibration, RawEvaluation, RawFile, RawImport, RawPipeline, RawShareLimits, RawThresholds,
};

/// The configuration, unless something that it needs is not there; `problems` then says what.
pub(super) fn validate(mut raw: RawPipeline, problems: &mut Problems) -> Option<PipelineConfig> {
    let scores = score_source(&mut raw, problems);
    let name = required(raw.name, "name", problems).inspect(|name| check_name(name, problems));
    let seed = required(raw.seed, "seed", problems);
    if seed.is_some_and(|seed| seed > MAX_SEED) {
        problems.add("seed", format!("must be at most {MAX_SEED}"));
    }
    let calibration = required(raw.calibration, "calibration", problems)
        .and_then(|calibration| validate_calibration(&calibration, problems));
    let thresholds = required(raw.thresholds, "thresholds", problems)
        .map(|thresholds| validate_targets(thresholds, problems));
    let evaluation = raw.evaluation.and_then(|evaluation| validate_evaluation(evaluation, problems));
    let asks = matches!(scores, Some(ScoreSource::Inference(_)));
    let labels = labels::validate_labels(raw.labels.unwrap_or_default(), asks, problems);
    Some(PipelineConfig {
        name: name?,
        seed: seed?,
        scores: scores?,
        calibration: calibration?,
        thresholds: thresholds?,
        evaluation,
        labels: labels?,
        limits: validate_limits(&raw.limits.unwrap_or_default(), problems),
    })
}

/// Keys that only a pipeline has that asks models.
fn inference_keys(raw: &RawPipeline) -> Vec<&'static str> {
    let keys = [
        ("datasets", raw.datasets.is_some()),
        ("pool", raw.pool.is_some()),
        ("prompt", raw.prompt.is_some()),
        ("slms", raw.slms.is_some()),
        ("llms", raw.llms.is_some()),
        ("decoding", raw.decoding.is_some()),
        ("methods", raw.methods.is_some()),
        ("inference", raw.inference.is_some()),
    ];
    keys.into_iter().filter(|(_, given)| *given).map(|(key, _)| key).collect()
}

/// A pipeline either imports scores or asks models.
fn score_source(raw: &mut RawPipeline, problems: &mut Problems) -> Option<ScoreSource> {
    let inference = inference_keys(raw);
    match raw.import.take() {
        Some(import) => {
            for key in inference {
                problems
                    .add(key, "is for pipelines that ask models, and this one imports scores (key `import`)");
            }
            validate_import(import, problems).map(ScoreSource::Import)
        }
        None if inference.is_empty() => {
            problems.add(
                "import",
                "is missing; a pipeline has either `import` (scores of another program) or `datasets`, `prompt`, `slms`, \
                 `decoding` and `methods` (models are asked)",
            );
            None
        }
        None => inference::validate_inference(raw, problems)
            .map(|inference| ScoreSource::Inference(Box::new(inference))),
    }
}

fn check_name(name: &str, problems: &mut Problems) {
    let safe = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    if !safe || name.is_empty() || name.starts_with(['.', '-']) || name.len() > MAX_NAME {
        problems.add(
            "name",
            format!(
                "becomes a folder's name: 1 to {MAX_NAME} of the characters A-Z a-z 0-9 . _ -, and it starts with \
                 a letter, a digit or _"
            ),
        );
    }
}

fn validate_import(raw: RawImport, problems: &mut Problems) -> Option<ImportConfig> {
    let sql = required(raw.sql, "import.sql", problems);
    if sql.as_ref().is_some_and(|sql| sql.trim().is_empty()) {
        problems.add("import.sql", "is empty");
    }
    let raw_files = required(raw.files, "import.files", problems)?;
    if raw_files.is_empty() {
        problems.add("import.files", "names no table");
    }
    let mut files = BTreeMap::new();
    for (table, raw) in raw_files {
        let key = format!("import.files.{table}");
        if table.trim().is_empty() || table.chars().any(char::is_control) {
            problems.add(&key, "a table needs a name");
        }
        if let Some(file) = validate_file(raw, &key, problems) {
            files.insert(table, file);
        }
    }
    Some(ImportConfig { folder: raw.folder, files, sql: sql? })
}

fn validate_file(raw: RawFile, key: &str, problems: &mut Problems) -> Option<ImportFile> {
    let path = required(raw.path, &format!("{key}.path"), problems)?;
    let by_name = FileSpec::new(vec![PathBuf::from(&path)]).ok();
    let format = raw.format.or(by_name.as_ref().map(|spec| spec.format));
    let Some(format) = format else {
        problems.add(
            &format!("{key}.format"),
            "is not clear from the path; give `csv`, `json_lines` or `parquet`",
        );
        return None;
    };
    let csv = format == Format::Csv;
    for (option, given) in [("delimiter", raw.delimiter.is_some()), ("header", raw.header.is_some())] {
        if given && !csv {
            problems.add(&format!("{key}.{option}"), "is for csv files only");
        }
    }
    let delimiter = raw.delimiter.unwrap_or_else(|| {
        delimiter_name(by_name.filter(|spec| spec.format == Format::Csv).map_or(b',', |spec| spec.delimiter))
    });
    match delimiter_byte(&delimiter) {
        Some(byte) if csv => {
            let (delimiter, header) = (Some(delimiter_name(byte)), Some(raw.header.unwrap_or(true)));
            Some(ImportFile { path, format, delimiter, header })
        }
        Some(_) => Some(ImportFile { path, format, delimiter: None, header: None }),
        None => {
            problems.add(
                &format!("{key}.delimiter"),
                "must be `space`, `tab` or one ASCII character such as \",\" or \";\"",
            );
            None
        }
    }
}

fn validate_calibration(raw: &RawCalibration, problems: &mut Problems) -> Option<CalibrationConfig> {
    let bins = required(raw.bins, "calibration.bins", problems);
    if bins.is_some_and(|bins| !(1..=MAX_BINS).contains(&bins)) {
        problems.add("calibration.bins", format!("must be from 1 to {MAX_BINS}"));
    }
    let fraction = required(raw.fraction, "calibration.fraction", problems);
    if fraction.is_some_and(|fraction| !(fraction > 0.0 && fraction <= 1.0)) {
        problems.add("calibration.fraction", "must be greater than 0 and at most 1");
    }
    Some(CalibrationConfig { bins: bins?, fraction: fraction? })
}

fn validate_targets(raw: RawThresholds, problems: &mut Problems) -> TargetsConfig {
    let mut targets = TargetsConfig {
        routing_ratio: raw.routing_ratio.unwrap_or_default(),
        accuracy: raw.accuracy.unwrap_or_default(),
        llm_gap: raw.llm_gap.unwrap_or_default(),
        ..TargetsConfig::default()
    };
    for (index, cost) in raw.cost.unwrap_or_default().into_iter().enumerate() {
        let key = format!("thresholds.cost[{index}].usd_per_1k_questions");
        let usd = required(cost.usd_per_1k_questions, &key, problems);
        targets.cost.extend(usd.map(|usd_per_1k_questions| CostTarget { usd_per_1k_questions }));
    }
    for (index, risk) in raw.risk.unwrap_or_default().into_iter().enumerate() {
        let key = |name: &str| format!("thresholds.risk[{index}].{name}");
        let kind = required(risk.kind, &key("kind"), problems);
        let alpha = required(risk.alpha, &key("alpha"), problems);
        let delta = required(risk.delta, &key("delta"), problems);
        if let (Some(kind), Some(alpha), Some(delta)) = (kind, alpha, delta) {
            targets.risk.push(RiskTarget { kind, alpha, delta });
        }
    }
    check_targets(&targets, problems);
    targets
}

fn check_targets(targets: &TargetsConfig, problems: &mut Problems) {
    let all = targets.all();
    if all.is_empty() {
        problems
            .add("thresholds", "needs at least one target (routing_ratio, accuracy, llm_gap, cost or risk)");
    }
    if all.len() > MAX_TARGETS {
        problems.add("thresholds", format!("has more than {MAX_TARGETS} targets"));
    }
    for target in &all {
        let key = if target.risk().is_some() { "risk" } else { target.kind() };
        if let Err(error) = target.validate() {
            let problem = match error {
                plimsoll_router::Error::Target { problem, .. } => problem.to_owned(),
                other => other.to_string(),
            };
            problems.add(&format!("thresholds.{key}"), format!("{target}: {problem}"));
        }
    }
    if let Some(twice) = targets.repeated() {
        let key = if twice.risk().is_some() { "risk" } else { twice.kind() };
        problems.add(&format!("thresholds.{key}"), format!("{twice} is listed twice"));
    }
}

fn validate_evaluation(raw: RawEvaluation, problems: &mut Problems) -> Option<EvaluationConfig> {
    let bootstrap = required(raw.bootstrap, "evaluation.bootstrap", problems);
    if bootstrap.is_some_and(|bootstrap| bootstrap > MAX_BOOTSTRAP) {
        problems.add("evaluation.bootstrap", format!("must be at most {MAX_BOOTSTRAP}"));
    }
    let transfer = raw.transfer.unwrap_or_default();
    if transfer.iter().collect::<BTreeSet<_>>().len() < transfer.len() {
        problems.add("evaluation.transfer", "lists something twice");
    }
    if transfer.is_empty() && raw.repeats.is_some() {
        problems.add("evaluation.repeats", "is for a transfer, and `evaluation.transfer` lists none");
    }
    if !transfer.is_empty() {
        let repeats = required(raw.repeats, "evaluation.repeats", problems);
        if repeats.is_some_and(|repeats| !(1..=MAX_REPEATS).contains(&repeats)) {
            problems.add("evaluation.repeats", format!("must be from 1 to {MAX_REPEATS}"));
        }
    }
    Some(EvaluationConfig { transfer, repeats: raw.repeats, bootstrap: bootstrap? })
}

fn validate_limits(raw: &RawShareLimits, problems: &mut Problems) -> LimitsConfig {
    for (key, limit) in [("missing", raw.missing), ("ungraded", raw.ungraded)] {
        if limit.is_some_and(|limit| !(0.0..=1.0).contains(&limit)) {
            problems.add(&format!("limits.{key}"), "is a share between 0 and 1");
        }
    }
    LimitsConfig { missing: raw.missing, ungraded: raw.ungraded }
}
