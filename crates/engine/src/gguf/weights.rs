//! Weights of a file, under transformers' names and in transformers' order of rows.

use std::collections::BTreeMap;

use candle_core::quantized::{QStorage, QTensor};
use candle_core::{DType, Device, Tensor};

use super::blocks::BlockFormat;
use super::error::{GgufError, WeightError};
use super::file::GgufFile;
use super::floats::Floats;
use super::header::TensorInfo;
use super::hyperparameters::Hyperparameters;
use super::matrix::GgufMatrix;
use super::names;
use super::rows::{RowOrder, Rows};

/// How many bytes of a packed tensor are unpacked at a time.
const STAGING_BYTES: usize = 1 << 20;
/// candle's blocks are read from bytes that lie as their half-precision scales must.
const BLOCK_ALIGNMENT: usize = 16;

/// Where a weight is in the file.
#[derive(Debug, Clone)]
struct Source {
    /// Its name there.
    name: String,
    order: RowOrder,
}

/// The weights of a model in a GGUF file. None is in memory until it is asked for.
#[derive(Debug)]
pub struct GgufWeights {
    file: GgufFile,
    hyperparameters: Hyperparameters,
    sources: BTreeMap<String, Source>,
}

impl GgufWeights {
    /// Looks through the tensors of a file.
    ///
    /// # Errors
    /// Metadata that describe no model that can be run, or a tensor that is not part of one.
    pub fn new(file: GgufFile) -> Result<Self, GgufError> {
        let hyperparameters = match Hyperparameters::new(file.header()) {
            Ok(hyperparameters) => hyperparameters,
            Err(error) => {
                let (path, source) = (file.path().to_owned(), Box::new(error));
                return Err(GgufError::Hyperparameters { path, source });
            }
        };
        let mut sources = BTreeMap::new();
        for (name, info) in &file.header().tensors {
            let factors = [names::ROPE_FACTORS, names::ROPE_FACTORS_LONG, names::ROPE_FACTORS_SHORT];
            if factors.contains(&name.as_str()) {
                continue;
            }
            let failed = |source| tensor_error(&file, name, source);
            let known = names::by_transformers(name, hyperparameters.architecture);
            let known = known.ok_or(WeightError::Unknown).map_err(failed)?;
            let order = order(&known, info, &hyperparameters).map_err(failed)?;
            let name = name.clone();
            sources.insert(known, Source { name, order });
        }
        Ok(Self { file, hyperparameters, sources })
    }

    /// What the metadata say.
    pub fn hyperparameters(&self) -> &Hyperparameters {
        &self.hyperparameters
    }

    /// The file.
    pub fn file(&self) -> &GgufFile {
        &self.file
    }

    /// The names of all weights, as transformers spells them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().map(String::as_str)
    }

    fn found(&self, name: &str) -> Option<(&Source, &TensorInfo)> {
        let source = self.sources.get(name)?;
        let info = self.file.header().tensors.get(&source.name)?;
        Some((source, info))
    }

    /// The shape of a weight, outermost first.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.found(name).map(|(_, info)| info.shape.as_slice())
    }

    /// How a weight is packed.
    pub fn format(&self, name: &str) -> Option<BlockFormat> {
        self.found(name).map(|(_, info)| info.format)
    }

    /// A weight of that shape as floats, unpacked piece by piece straight into `dtype` (F32, F16 or BF16).
    ///
    /// # Errors
    /// A weight that is missing, of another shape, cannot be read, or holds NaN or infinity.
    pub fn dense(
        &self,
        name: &str,
        shape: &[usize],
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor, GgufError> {
        let (source, info) = self.expect(name, shape)?;
        let rows = Rows::new(info, source.order);
        unpacked(&self.file, &rows, dtype)
            .and_then(|tensor| {
                let tensor = tensor.reshape(shape).and_then(|tensor| tensor.to_device(device));
                tensor.map_err(WeightError::Candle)
            })
            .map_err(|error| self.error(name, error))
    }

    /// A matrix `[rows, columns]`, kept packed where it is packed, else in `dtype` (F32, F16 or BF16), in
    /// which its rows are given, too. The file's bytes of this one tensor are in memory twice while candle
    /// copies them.
    ///
    /// A format and width that candle cannot multiply with as they are (an odd number of blocks of `Q4_1`,
    /// `Q5_0` or `Q5_1`) are unpacked.
    ///
    /// # Errors
    /// A weight that is missing, of another shape, cannot be read, or holds NaN or infinity.
    pub fn matrix(
        &self,
        name: &str,
        shape: [usize; 2],
        dtype: DType,
        device: &Device,
    ) -> Result<GgufMatrix, GgufError> {
        let (source, info) = self.expect(name, &shape)?;
        if !GgufMatrix::stays_packed(info.format, shape[1]) {
            return Ok(GgufMatrix::floats(self.dense(name, &shape, dtype, device)?));
        }
        let rows = Rows::new(info, source.order);
        match packed(&self.file, &rows, device) {
            Ok(weights) => Ok(GgufMatrix::packed(weights, dtype)),
            Err(error) => Err(self.error(name, error)),
        }
    }

    /// The numbers that rotary frequencies are divided by, from one of the tensors of factors, if the file
    /// has it. `count` is how many there must be: half of the values that turn.
    ///
    /// # Errors
    /// A tensor of another length, that cannot be read, or holds NaN, infinity or nothing above 0.
    pub fn rope_factors(&self, which: RopeFactors, count: usize) -> Result<Option<Vec<f32>>, GgufError> {
        let name = which.tensor();
        let Some(info) = self.file.header().tensors.get(name) else {
            return Ok(None);
        };
        let read = || {
            if info.shape != [count] {
                let (found, wanted) = (info.shape.clone(), vec![count]);
                return Err(WeightError::Shape { found, wanted });
            }
            let rows = Rows::new(info, RowOrder::AsStored);
            let tensor = unpacked(&self.file, &rows, DType::F32)?;
            let factors = tensor.flatten_all().and_then(|tensor| tensor.to_vec1::<f32>());
            let factors = factors.map_err(WeightError::Candle)?;
            match factors.iter().position(|factor| *factor <= 0.0) {
                Some(column) => Err(WeightError::RopeFactor { column }),
                None => Ok(factors),
            }
        };
        read().map(Some).map_err(|error| tensor_error(&self.file, name, error))
    }

    fn expect(&self, name: &str, shape: &[usize]) -> Result<(&Source, &TensorInfo), GgufError> {
        let missing = || self.error(name, WeightError::Missing);
        let (source, info) = self.found(name).ok_or_else(missing)?;
        if info.shape != shape {
            let (found, wanted) = (info.shape.clone(), shape.to_vec());
            return Err(self.error(name, WeightError::Shape { found, wanted }));
        }
        Ok((source, info))
    }

    fn error(&self, name: &str, source: WeightError) -> GgufError {
        let stored = self.sources.get(name).map_or(name, |source| &source.name);
        tensor_error(&self.file, stored, source)
    }
}

/// Which numbers divide rotary frequencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RopeFactors {
    /// For texts of any length.
    Always,
    /// For texts that are longer than the original context.
    Long,
    /// For those that are not.
    Short,
}

impl RopeFactors {
    fn tensor(self) -> &'static str {
        match self {
            Self::Always => names::ROPE_FACTORS,
            Self::Long => names::ROPE_FACTORS_LONG,
            Self::Short => names::ROPE_FACTORS_SHORT,
        }
    }
}

fn tensor_error(file: &GgufFile, name: &str, source: WeightError) -> GgufError {
    let (path, name) = (file.path().to_owned(), name.to_owned());
    let source = Box::new(source);
    GgufError::Tensor { path, name, source }
}

/// The order in which the rows of a weight stand in the file.
fn order(name: &str, info: &TensorInfo, model: &Hyperparameters) -> Result<RowOrder, WeightError> {
    if info.shape.len() == 1 && !info.format.is_float() {
        return Err(WeightError::PackedVector);
    }
    let heads = if !model.architecture.interleaves() {
        return Ok(RowOrder::AsStored);
    } else if name.contains(".self_attn.q_proj.") {
        model.heads
    } else if name.contains(".self_attn.k_proj.") {
        model.kv_heads
    } else {
        return Ok(RowOrder::AsStored);
    };
    let rows = info.shape.first().copied().unwrap_or(0);
    if !rows.is_multiple_of(heads * 2) {
        return Err(WeightError::Heads { rows, heads });
    }
    let head = rows / heads;
    Ok(RowOrder::Interleaved { head })
}

/// Reads whole rows, in order, into a buffer, and looks for what is not finite.
fn read_rows(file: &GgufFile, rows: &Rows, first: usize, buffer: &mut [u8]) -> Result<(), WeightError> {
    for piece in rows.pieces(first, buffer.len() / rows.bytes()) {
        let into = &mut buffer[piece.within.clone()];
        file.read_at(piece.offset, into).map_err(WeightError::Io)?;
    }
    match rows.format().first_non_finite(buffer) {
        Some(value) => {
            Err(WeightError::NonFinite { row: first + value / rows.values(), column: value % rows.values() })
        }
        None => Ok(()),
    }
}

/// A tensor on the CPU of one dimension, unpacked.
fn unpacked(file: &GgufFile, rows: &Rows, dtype: DType) -> Result<Tensor, WeightError> {
    let (count, bytes) = (rows.count(), rows.bytes());
    let at_a_time = (STAGING_BYTES / bytes).clamp(1, count);
    let mut staging = Staging::new(at_a_time * bytes);
    let mut floats = Floats::new(dtype, count * rows.values()).map_err(WeightError::Candle)?;
    for first in (0..count).step_by(at_a_time) {
        let some = at_a_time.min(count - first);
        let buffer = &mut staging.bytes()[..some * bytes];
        read_rows(file, rows, first, buffer)?;
        let piece = qtensor(buffer, rows.format(), &[some, rows.values()], &Device::Cpu);
        let piece = piece.and_then(|piece| piece.dequantize(&Device::Cpu));
        let pushed = piece.and_then(|piece| floats.push(&piece));
        pushed.map_err(WeightError::Candle)?;
    }
    floats.tensor().map_err(WeightError::Candle)
}

fn packed(file: &GgufFile, rows: &Rows, device: &Device) -> Result<QTensor, WeightError> {
    let mut staging = Staging::new(rows.count() * rows.bytes());
    let buffer = staging.bytes();
    read_rows(file, rows, 0, buffer)?;
    let shape = [rows.count(), rows.values()];
    qtensor(buffer, rows.format(), &shape, device).map_err(WeightError::Candle)
}

fn qtensor(
    bytes: &[u8],
    format: BlockFormat,
    shape: &[usize],
    device: &Device,
) -> candle_core::Result<QTensor> {
    let storage = QStorage::from_data(bytes.into(), device, format.ggml())?;
    QTensor::new(storage, shape)
}

/// Bytes that begin at a multiple of [`BLOCK_ALIGNMENT`], which candle asks of blocks and a `Vec<u8>` does
/// not promise.
struct Staging {
    memory: Vec<u8>,
    start: usize,
    length: usize,
}

impl Staging {
    fn new(length: usize) -> Self {
        let memory = vec![0; length + BLOCK_ALIGNMENT];
        let start = memory.as_ptr().align_offset(BLOCK_ALIGNMENT);
        Self { start: start.min(BLOCK_ALIGNMENT), memory, length }
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length]
    }
}
