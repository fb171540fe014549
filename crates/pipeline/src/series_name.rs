//! Names of series and pairs for people.

use plimsoll_core::{ModelId, ScoreSeries};

/// `SLM -> LLM METHOD`, or `SLM METHOD`.
pub fn series_name(series: &ScoreSeries) -> String {
    format!("{} {}", pair_name(series.slm.as_str(), series.llm.as_ref().map(ModelId::as_str)), series.method)
}

/// `SLM -> LLM`, or `SLM`.
pub fn pair_name(slm: &str, llm: Option<&str>) -> String {
    llm.map_or_else(|| slm.to_owned(), |llm| format!("{slm} -> {llm}"))
}
