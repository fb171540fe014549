//! The lines that ask for a setting: on the command line, in Python, in Rust.

use super::setting::Setting;
use crate::text::{quoted, shell_word};

/// Where an operating point that the file does not have would be written.
const FITTED: &str = "calibration/mine";

/// How each kind of target is asked of `plimsoll fit`.
const OPTIONS: &[(&str, &str)] =
    &[("routing_ratio", "--ratio"), ("accuracy", "--accuracy"), ("llm_gap", "--llm-gap"), ("cost", "--cost")];

/// Lines of a command line, of Python and of Rust; none where the fit gave no threshold.
pub(super) fn lines(setting: &Setting<'_>) -> [String; 3] {
    let target = format!("{}={}", setting.kind, setting.stop.text);
    let point = setting.point();
    if point.is_some_and(|point| !point.has_threshold) {
        return ["#", "#", "//"].map(|mark| format!("{mark} The fit found no threshold for {target}."));
    }
    let name = setting.pair.file.as_deref().unwrap_or("SLM--LLM.thresholds.json");
    let (fit, file) = match point {
        Some(_) => (String::new(), name.to_owned()),
        None => (fit(setting), format!("{FITTED}/{name}")),
    };
    let method = &setting.method.id;
    let device: Vec<String> = setting
        .pair
        .device
        .iter()
        .map(|(key, value)| format!("    {}: {},\n", quoted(key), quoted(value)))
        .collect();
    [
        format!(
            "{fit}echo '{{\"confidence\": 0.73}}' | plimsoll thresholds decide {file} \\\n    --method {} --target {target}",
            shell_word(method)
        ),
        format!(
            "from plimsoll_router import Router\ndevice = {{  # what runs here\n{}}}\nrouter = Router.open({}, device=device, \
             method={}, target={})",
            device.concat(),
            quoted(&file),
            quoted(method),
            quoted(&target)
        ),
        format!(
            "// `device` is the ModelIdentity of what runs here.\nlet file = std::fs::read_to_string({})?;\nlet router = \
             Router::open(&file, &device, {}, &{}.parse()?)?;",
            quoted(&file),
            quoted(method),
            quoted(&target)
        ),
    ]
}

fn fit(setting: &Setting<'_>) -> String {
    let option =
        OPTIONS.iter().find(|(kind, _)| *kind == setting.kind).map_or("--risk", |(_, option)| *option);
    format!(
        "# Not in the thresholds file yet.\nplimsoll fit --scores tables/scores.parquet {option} {} --out {FITTED}\n",
        setting.stop.text
    )
}
