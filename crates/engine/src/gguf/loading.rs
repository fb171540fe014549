//! Bytes of a file to tensors, each held against what a weight may be.

use candle_core::quantized::{QStorage, QTensor};
use candle_core::{DType, Device, Tensor};

use super::blocks::BlockFormat;
use super::error::{GgufError, WeightError};
use super::file::GgufFile;
use super::floats::Floats;
use super::rows::{RowOrder, Rows};
use crate::weights::room;

/// How many bytes of a packed tensor are unpacked at a time.
const STAGING_BYTES: usize = 1 << 20;
/// candle's blocks are read from bytes that lie as their half-precision scales must.
const BLOCK_ALIGNMENT: usize = 16;

/// A tensor on the CPU of one dimension, unpacked piece by piece to F32, F16 or BF16.
pub(super) fn unpacked(file: &GgufFile, rows: &Rows, dtype: DType) -> Result<Tensor, WeightError> {
    let (count, bytes) = (rows.count(), rows.bytes());
    let at_a_time = (STAGING_BYTES / bytes).clamp(1, count);
    let mut staging = Staging::new(at_a_time * bytes)?;
    let mut floats = Floats::new(dtype, count * rows.values())?;
    for first in (0..count).step_by(at_a_time) {
        let some = at_a_time.min(count - first);
        let buffer = &mut staging.bytes()[..some * bytes];
        read_rows(file, rows, first, buffer)?;
        let piece = qtensor(buffer, rows.format(), &[some, rows.values()], &Device::Cpu);
        let piece = piece.and_then(|piece| piece.dequantize(&Device::Cpu));
        let too_large = piece.and_then(|piece| floats.push(&piece)).map_err(WeightError::Candle)?;
        if let Some(value) = too_large {
            let (row, column) = (first + value / rows.values(), value % rows.values());
            return Err(WeightError::TooLarge { row, column, dtype });
        }
    }
    floats.tensor().map_err(WeightError::Candle)
}

/// A matrix as it is packed. Its bytes are there twice while candle copies them.
pub(super) fn packed(file: &GgufFile, rows: &Rows, device: &Device) -> Result<QTensor, WeightError> {
    let mut staging = Staging::new(rows.count() * rows.bytes())?;
    let buffer = staging.bytes();
    read_rows(file, rows, 0, buffer)?;
    // candle's copy ends the program where there is no room for it.
    room::<u8>(buffer.len()).map_err(no_memory)?;
    let shape = [rows.count(), rows.values()];
    qtensor(buffer, rows.format(), &shape, device).map_err(WeightError::Candle)
}

/// The numbers that rotary frequencies are divided by: the tensor of that name, which must have `count`.
pub(super) fn divisors(file: &GgufFile, name: &str, count: usize) -> Result<Vec<f32>, GgufError> {
    let read = || {
        let info = file.header().tensors.get(name).ok_or(WeightError::Missing)?;
        if info.shape != [count] {
            return Err(WeightError::Shape { found: info.shape.clone(), wanted: vec![count] });
        }
        let tensor = unpacked(file, &Rows::new(info, RowOrder::AsStored), DType::F32)?;
        tensor.to_vec1::<f32>().map_err(WeightError::Candle)
    };
    read().map_err(|source| GgufError::tensor(file.path(), name, source))
}

/// Reads whole rows, in order, into a buffer, and looks for what is not finite.
fn read_rows(file: &GgufFile, rows: &Rows, first: usize, buffer: &mut [u8]) -> Result<(), WeightError> {
    for piece in rows.pieces(first, buffer.len() / rows.bytes()) {
        let into = &mut buffer[piece.within.clone()];
        file.read_at(piece.offset, into).map_err(WeightError::Io)?;
    }
    match rows.format().first_non_finite(buffer) {
        Some(value) => {
            let (row, column) = (first + value / rows.values(), value % rows.values());
            Err(WeightError::NonFinite { row, column })
        }
        None => Ok(()),
    }
}

pub(super) fn no_memory(bytes: usize) -> WeightError {
    WeightError::Memory { bytes }
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
    fn new(length: usize) -> Result<Self, WeightError> {
        let mut memory = room(length + BLOCK_ALIGNMENT).map_err(no_memory)?;
        memory.resize(length + BLOCK_ALIGNMENT, 0);
        let start = memory.as_ptr().align_offset(BLOCK_ALIGNMENT).min(BLOCK_ALIGNMENT);
        Ok(Self { memory, start, length })
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length]
    }
}
