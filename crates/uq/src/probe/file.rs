//! A probe as a safetensors file, with what it belongs to.

use plimsoll_core::canonical::sha256_hex;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::Probe;
use super::error::ProbeError;
use super::network::{DenseLayer, ProbeNetwork, shapes};
use super::standard::Standard;

/// The metadata key under which the origin stands.
const ORIGIN: &str = "plimsoll_probe";

/// What a probe belongs to. Another model, layer or position gives states that it cannot read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeOrigin {
    /// The method (`trained_probe`, `ood_probe`).
    pub method: String,
    /// The model, by its id in the plan.
    pub model: String,
    /// SHA-256 of its weights.
    pub weights_sha256: String,
    /// The layer, as asked: negative counts from the end.
    pub layer: i32,
    /// The token whose state is read (`last_prompt`, `last_answer`).
    pub position: String,
    /// Datasets of the rows that it was trained on, ordered.
    pub datasets: Vec<String>,
}

/// The version that is written and read.
const VERSION: u32 = 1;

/// What stands in the metadata.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProbeHeader {
    version: u32,
    origin: ProbeOrigin,
}

impl Probe {
    /// The probe as a file, the same bytes for the same probe.
    ///
    /// # Errors
    /// [`ProbeError::File`] if the origin cannot be written as JSON.
    pub fn to_bytes(&self, origin: &ProbeOrigin) -> Result<Vec<u8>, ProbeError> {
        let problem = |error: &dyn std::fmt::Display| ProbeError::File { problem: error.to_string() };
        let trained_on: Vec<u8> = self.trained_on.iter().flat_map(|key| key.to_le_bytes()).collect();
        let mut parts = vec![
            ("standard.mean".to_owned(), vec![self.width()], bytes(&self.standard.mean)),
            ("standard.scale".to_owned(), vec![self.width()], bytes(&self.standard.scale)),
        ];
        for (index, layer) in self.network.layers.iter().enumerate() {
            let shape = vec![layer.bias.len(), layer.inputs];
            parts.push((format!("layers.{index}.weight"), shape, bytes(&layer.weight)));
            parts.push((format!("layers.{index}.bias"), vec![layer.bias.len()], bytes(&layer.bias)));
        }
        let mut views = Vec::with_capacity(parts.len() + 1);
        for (name, shape, data) in &parts {
            views.push((
                name.clone(),
                TensorView::new(Dtype::F32, shape.clone(), data).map_err(|e| problem(&e))?,
            ));
        }
        let keys =
            TensorView::new(Dtype::U64, vec![self.trained_on.len()], &trained_on).map_err(|e| problem(&e))?;
        views.push(("trained_on".to_owned(), keys));
        let header = ProbeHeader { version: VERSION, origin: origin.clone() };
        let header = serde_json::to_string(&header).map_err(|e| problem(&e))?;
        let metadata = [(ORIGIN.to_owned(), header)].into();
        safetensors::serialize(views, Some(metadata)).map_err(|e| problem(&e))
    }

    /// Reads a probe and what it belongs to.
    ///
    /// # Errors
    /// [`ProbeError::File`] for bytes that are no probe, of another version, or whose weights are not finite.
    pub fn from_bytes(bytes: &[u8]) -> Result<(Self, ProbeOrigin), ProbeError> {
        let origin = origin(bytes)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| refused(error.to_string()))?;
        let mean = floats(&tensors, "standard.mean", None)?;
        let width = mean.len();
        if width == 0 {
            return Err(refused("`standard.mean` is empty".to_owned()));
        }
        let scale = floats(&tensors, "standard.scale", Some(width))?;
        let layer = |(index, (inputs, outputs)): (usize, (usize, usize))| {
            let weight = floats(&tensors, &format!("layers.{index}.weight"), inputs.checked_mul(outputs))?;
            let bias = floats(&tensors, &format!("layers.{index}.bias"), Some(outputs))?;
            Ok(DenseLayer { inputs, weight, bias })
        };
        let layers = shapes(width).into_iter().enumerate().map(layer).collect::<Result<_, ProbeError>>()?;
        let keys = view(&tensors, "trained_on", Dtype::U64)?;
        let trained_on = keys.data().as_chunks::<8>().0.iter().map(|key| u64::from_le_bytes(*key)).collect();
        let standard = Standard { mean, scale };
        Ok((Self { standard, network: ProbeNetwork { layers }, trained_on }, origin))
    }

    /// SHA-256 of the probe's weights and training rows, for the thresholds file.
    ///
    /// # Errors
    /// As [`Probe::to_bytes`].
    pub fn sha256(&self, origin: &ProbeOrigin) -> Result<String, ProbeError> {
        Ok(sha256_hex(&self.to_bytes(origin)?))
    }
}

fn refused(problem: String) -> ProbeError {
    ProbeError::File { problem }
}

fn origin(bytes: &[u8]) -> Result<ProbeOrigin, ProbeError> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| refused(error.to_string()))?;
    let empty = std::collections::HashMap::new();
    let text = metadata.metadata().as_ref().unwrap_or(&empty).get(ORIGIN);
    let text = text.ok_or_else(|| refused(format!("no `{ORIGIN}` in its metadata")))?;
    let header: ProbeHeader =
        serde_json::from_str(text).map_err(|error| refused(format!("`{ORIGIN}`: {error}")))?;
    if header.version != VERSION {
        return Err(refused(format!(
            "it has version {}, this program reads version {VERSION}",
            header.version
        )));
    }
    Ok(header.origin)
}

fn view<'a>(tensors: &SafeTensors<'a>, name: &str, dtype: Dtype) -> Result<TensorView<'a>, ProbeError> {
    let view = tensors.tensor(name).map_err(|error| refused(error.to_string()))?;
    if view.dtype() == dtype {
        Ok(view)
    } else {
        Err(refused(format!("`{name}` is {:?}, not {dtype:?}", view.dtype())))
    }
}

/// The finite values of a tensor; `None` takes any count.
fn floats(tensors: &SafeTensors<'_>, name: &str, count: Option<usize>) -> Result<Vec<f32>, ProbeError> {
    let view = view(tensors, name, Dtype::F32)?;
    let found: Vec<f32> =
        view.data().as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
    if count.is_some_and(|count| count != found.len()) {
        return Err(refused(format!("`{name}` has {} values, not {}", found.len(), count.unwrap_or(0))));
    }
    if found.iter().all(|value| value.is_finite()) {
        Ok(found)
    } else {
        Err(refused(format!("`{name}` holds a number that is not finite")))
    }
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
