//! What each method's confidence is, as thresholds files say it.

use plimsoll_core::ScoreSeries;
use plimsoll_core::canonical::sha256_hex;
use plimsoll_fit::MethodIdentity;
use plimsoll_import::foreign::method_definition;
use plimsoll_uq::MethodConfig;
use plimsoll_uq::methods::Scoring;

use crate::cross_fit::probes::file_stem;
use crate::run_folder::manifest::OutputFile;

/// The methods of the scores of a run.
#[derive(Debug, Clone, Copy)]
pub struct MethodIdentities<'a> {
    /// `None` for imported scores.
    methods: Option<&'a [MethodConfig]>,
    /// Files of the stage that scored, probes among them.
    files: &'a [OutputFile],
}

impl<'a> MethodIdentities<'a> {
    /// Those of imported scores, of which nothing but the methods' names is known.
    pub const fn imported() -> Self {
        Self { methods: None, files: &[] }
    }

    /// Those that a run computed; `files` are the outputs of its stage `score`.
    pub(crate) const fn computed(methods: &'a [MethodConfig], files: &'a [OutputFile]) -> Self {
        Self { methods: Some(methods), files }
    }

    fn method(&self, series: &ScoreSeries) -> Option<&'a MethodConfig> {
        self.methods?.iter().find(|method| method.id == series.method.as_str())
    }

    /// What the confidence of a series is.
    pub(crate) fn get(&self, series: &ScoreSeries) -> MethodIdentity {
        let Some(method) = self.method(series) else {
            let id = series.method.as_str();
            let definition = method_definition(id).unwrap_or_else(|| {
                format!(
                    "imported as `{id}`; the confidence is as its source defines it, higher = more likely correct"
                )
            });
            return MethodIdentity::from_definition(id, definition);
        };
        MethodIdentity {
            definition: method.definition.to_owned(),
            variant_sha256: method.variant_hash(),
            probe_sha256: self.probe(series, method),
        }
    }

    /// SHA-256 of the probe; of several, that of the lines `HASH  NAME\n`.
    fn probe(&self, series: &ScoreSeries, method: &MethodConfig) -> Option<String> {
        if !matches!(method.scoring, Scoring::Probe(_)) {
            return None;
        }
        let stem = file_stem(series.slm.as_str(), method.id);
        let (one, several) = (format!("{stem}.safetensors"), format!("{stem}--"));
        let probes: Vec<&OutputFile> =
            self.files.iter().filter(|file| file.path == one || file.path.starts_with(&several)).collect();
        match probes.as_slice() {
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
