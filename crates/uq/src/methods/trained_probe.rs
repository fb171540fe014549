//! Trained probe.

use serde_json::Value;

use super::probe_parameters::resolve;
use crate::method::{MethodConfig, UncertaintyMethod};
use crate::parameters::ParameterError;
use crate::probe::ProbeKind;

/// A probe trained on the dataset that it scores, on rows that are never scored. See [`crate::probe`].
#[derive(Debug)]
pub(super) struct TrainedProbe;

impl UncertaintyMethod for TrainedProbe {
    fn id(&self) -> &'static str {
        "trained_probe"
    }

    fn definition(&self) -> &'static str {
        "a 4-layer network on the hidden state of the asked layer and token, trained on questions of the same dataset that are set apart for it"
    }

    fn resolve(&self, given: &Value) -> Result<MethodConfig, ParameterError> {
        resolve(self.id(), self.definition(), ProbeKind::SameDataset, given)
    }
}
