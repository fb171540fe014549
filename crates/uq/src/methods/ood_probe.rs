//! Out-of-distribution probe.

use serde_json::Value;

use super::probe_parameters::resolve;
use crate::method::{MethodConfig, UncertaintyMethod};
use crate::parameters::ParameterError;
use crate::probe::ProbeKind;

/// A probe trained on all datasets but the one that it scores. See [`crate::probe`].
#[derive(Debug)]
pub(super) struct OodProbe;

impl UncertaintyMethod for OodProbe {
    fn id(&self) -> &'static str {
        "ood_probe"
    }

    fn definition(&self) -> &'static str {
        "a 4-layer network on the hidden state of the asked layer and token, trained on questions of all other datasets; never on one of the dataset that it scores"
    }

    fn resolve(&self, given: &Value) -> Result<MethodConfig, ParameterError> {
        resolve(self.id(), self.definition(), ProbeKind::OtherDatasets, given)
    }
}
