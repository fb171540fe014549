//! What each method's confidence is, as thresholds files say it.

use plimsoll_core::ScoreSeries;
use plimsoll_core::canonical::sha256_hex;
use plimsoll_router::thresholds::Method;
use plimsoll_uq::MethodConfig;
use plimsoll_uq::methods::Scoring;

use super::probes::file_stem;
use crate::folder::manifest::Artifact;

/// The methods of a run, or none where others made the scores.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Definitions<'a> {
    methods: Option<&'a [MethodConfig]>,
    /// Files of the stage that scored, probes among them.
    files: &'a [Artifact],
}

impl<'a> Definitions<'a> {
    /// Of methods; `None` where others made the scores.
    pub(crate) fn new(methods: Option<&'a [MethodConfig]>, files: &'a [Artifact]) -> Self {
        Self { methods, files }
    }

    fn method(&self, series: &ScoreSeries) -> Option<&'a MethodConfig> {
        self.methods?.iter().find(|method| method.id == series.method.as_str())
    }

    /// What the confidence of a series is, in a sentence.
    pub(crate) fn text(&self, series: &ScoreSeries) -> String {
        self.method(series).map_or_else(
            || {
                format!(
                    "imported as `{}`; the confidence is as its source defines it, higher = more likely correct",
                    series.method
                )
            },
            |method| method.definition.to_owned(),
        )
    }

    /// An entry with the hashes of its method's variant and probes.
    pub(crate) fn sign(&self, series: &ScoreSeries, mut entry: Method) -> Method {
        if let Some(method) = self.method(series) {
            entry.variant_sha256 = method.variant_hash();
            entry.probe_sha256 = self.probe(series, method);
        }
        entry
    }

    /// SHA-256 of the probe; of several, that of the lines `HASH  NAME\n`.
    fn probe(&self, series: &ScoreSeries, method: &MethodConfig) -> Option<String> {
        if !matches!(method.scoring, Scoring::Probe(_)) {
            return None;
        }
        let stem = file_stem(series.slm.as_str(), method.id);
        let (one, several) = (format!("{stem}.safetensors"), format!("{stem}--"));
        let own: Vec<&Artifact> =
            self.files.iter().filter(|file| file.path == one || file.path.starts_with(&several)).collect();
        match own.as_slice() {
            [] => None,
            [probe] => Some(probe.sha256.clone()),
            several => {
                let lines: Vec<String> =
                    several.iter().map(|file| format!("{}  {}\n", file.sha256, file.path)).collect();
                Some(sha256_hex(lines.concat().as_bytes()))
            }
        }
    }
}
