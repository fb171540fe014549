//! Weights of a file, under transformers' names and in transformers' order of rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::Tensor;

use super::architecture::GgufArchitecture;
use super::blocks::BlockFormat;
use super::error::{GgufError, WeightError};
use super::file::GgufFile;
use super::header::TensorInfo;
use super::loading;
use super::matrix::GgufMatrix;
use super::names;
use super::rows::{RowLayout, RowOrder};
use super::spec::decoder_spec;
use crate::kernel::chosen_kernel;
use crate::spec::DecoderSpec;
use crate::weights::{Embedding, Linear, Placement, Tensors};
use crate::weights_error::WeightsError;

/// Where a weight is in the file.
#[derive(Debug, Clone)]
struct StoredTensor {
    /// Its name there.
    name: String,
    order: RowOrder,
}

/// The weights of a model in a GGUF file. None is in memory until it is read.
#[derive(Debug)]
pub struct GgufWeights {
    file: GgufFile,
    architecture: GgufArchitecture,
    spec: DecoderSpec,
    stored_tensors: BTreeMap<String, StoredTensor>,
}

impl GgufWeights {
    /// Reads the spec of the model and looks through its tensors.
    ///
    /// # Errors
    /// Metadata that describe no model that can be run, or a tensor that is not part of one.
    pub fn new(file: GgufFile) -> Result<Self, GgufError> {
        let (architecture, spec) = decoder_spec(&file)?;
        let mut stored_tensors = BTreeMap::new();
        for (name, info) in &file.header().tensors {
            if names::ROPE_DIVISORS.contains(&name.as_str()) {
                continue;
            }
            let failed = |source| GgufError::tensor(file.path(), name, source);
            let known = names::by_transformers(name, architecture);
            let known = known.ok_or(WeightError::Unknown).map_err(failed)?;
            let heads = match architecture.interleaves() {
                true if known.contains(".self_attn.q_proj.") => Some(spec.heads),
                true if known.contains(".self_attn.k_proj.") => Some(spec.key_value_heads),
                _ => None,
            };
            let order = order(info, heads).map_err(failed)?;
            stored_tensors.insert(known, StoredTensor { name: name.clone(), order });
        }
        Ok(Self { file, architecture, spec, stored_tensors })
    }

    /// The decoder that the metadata describe.
    pub fn spec(&self) -> &DecoderSpec {
        &self.spec
    }

    /// What kind of model it is.
    pub fn architecture(&self) -> GgufArchitecture {
        self.architecture
    }

    /// The file.
    pub fn file(&self) -> &GgufFile {
        &self.file
    }

    /// How a weight is packed, if it is there.
    pub fn format(&self, name: &str) -> Option<BlockFormat> {
        self.found(name).map(|(_, info)| info.format)
    }

    /// A matrix `[rows, columns]`, kept packed where it is packed, else in the dtype of the computation, in
    /// which its rows are given, too. On their way to a device, the bytes of this one tensor are in memory twice.
    ///
    /// # Errors
    /// A weight that is missing, of another shape, cannot be read, or holds NaN or infinity.
    pub fn matrix(
        &self,
        name: &str,
        shape: [usize; 2],
        placement: &Placement,
    ) -> Result<GgufMatrix, WeightsError> {
        let (source, info) = self.expect(name, &shape)?;
        let Some(packing) = info.format.packing() else {
            return Ok(GgufMatrix::floats(self.dense(name, &shape, placement)?));
        };
        let (rows, dtype) = (RowLayout::new(info, source.order), placement.dtype);
        let matrix = if placement.device.is_cpu() {
            chosen_kernel().map_err(WeightError::Kernel).and_then(|kernel| {
                let matrix = loading::packed(&self.file, &rows, packing)?;
                Ok(GgufMatrix::here(info.format, matrix, kernel, dtype))
            })
        } else {
            loading::on_device(&self.file, &rows, &placement.device)
                .map(|weights| GgufMatrix::on_device(weights, info.format, dtype))
        };
        matrix.map_err(|error| self.error(name, error))
    }

    fn found(&self, name: &str) -> Option<(&StoredTensor, &TensorInfo)> {
        let source = self.stored_tensors.get(name)?;
        let info = self.file.header().tensors.get(&source.name)?;
        Some((source, info))
    }

    fn expect(&self, name: &str, shape: &[usize]) -> Result<(&StoredTensor, &TensorInfo), WeightsError> {
        let missing = || WeightsError::Missing { name: name.to_owned() };
        let (source, info) = self.found(name).ok_or_else(missing)?;
        if info.shape != shape {
            let (found, wanted) = (info.shape.clone(), shape.to_vec());
            return Err(WeightsError::Shape { name: name.to_owned(), found, wanted });
        }
        Ok((source, info))
    }

    fn error(&self, name: &str, source: WeightError) -> WeightsError {
        let stored = self.stored_tensors.get(name).map_or(name, |source| &source.name);
        let source = Box::new(GgufError::tensor(self.file.path(), stored, source));
        WeightsError::Container { name: name.to_owned(), source }
    }
}

impl Tensors for GgufWeights {
    fn names(&self) -> Vec<&str> {
        self.stored_tensors.keys().map(String::as_str).collect()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.found(name).map(|(_, info)| info.shape.as_slice())
    }

    fn dense(&self, name: &str, shape: &[usize], placement: &Placement) -> Result<Tensor, WeightsError> {
        let (source, info) = self.expect(name, shape)?;
        let rows = RowLayout::new(info, source.order);
        let tensor = loading::unpacked(&self.file, &rows, placement.dtype);
        let placed = tensor.and_then(|tensor| {
            let placed = tensor.reshape(shape).and_then(|tensor| tensor.to_device(&placement.device));
            placed.map_err(WeightError::Candle)
        });
        placed.map_err(|error| self.error(name, error))
    }

    fn linear(
        &self,
        name: &str,
        shape: [usize; 2],
        placement: &Placement,
    ) -> Result<Arc<dyn Linear>, WeightsError> {
        Ok(Arc::new(self.matrix(name, shape, placement)?))
    }

    fn embedding(
        &self,
        name: &str,
        shape: [usize; 2],
        placement: &Placement,
        tied: bool,
    ) -> Result<Embedding, WeightsError> {
        let matrix = Arc::new(self.matrix(name, shape, placement)?);
        let head = tied.then(|| matrix.clone() as Arc<dyn Linear>);
        Ok(Embedding { rows: matrix, head })
    }
}

/// How the rows of a weight stand in the file; `heads` of them if their pairs stand side by side.
fn order(info: &TensorInfo, heads: Option<usize>) -> Result<RowOrder, WeightError> {
    if info.shape.len() == 1 && !info.format.is_float() {
        return Err(WeightError::PackedVector);
    }
    let Some(heads) = heads else {
        return Ok(RowOrder::AsStored);
    };
    let rows = info.shape.first().copied().unwrap_or(0);
    if !rows.is_multiple_of(heads * 2) {
        return Err(WeightError::Heads { rows, heads });
    }
    Ok(RowOrder::Interleaved { head: rows / heads })
}
