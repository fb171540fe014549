//! Names of series and pairs for people.

use plimsoll_core::{ModelId, ScoreSeries, SeriesKey};

/// `SLM -> LLM METHOD`, or `SLM METHOD`.
pub fn series_name(series: &ScoreSeries) -> String {
    key_name(&series.key())
}

/// [`series_name`] of a series that is not read.
pub fn key_name(key: &SeriesKey) -> String {
    format!("{} {}", pair_name(key.slm.as_str(), key.llm.as_ref().map(ModelId::as_str)), key.method)
}

/// `SLM -> LLM`, or `SLM`.
pub fn pair_name(slm: &str, llm: Option<&str>) -> String {
    llm.map_or_else(|| slm.to_owned(), |llm| format!("{slm} -> {llm}"))
}
