//! Bytes of a file to tensors, each held against what a weight may be.

use std::ops::Range;

use candle_core::quantized::{QStorage, QTensor};
use candle_core::{DType, Device, Tensor};
use plimsoll_kernels::packed::{PackError, PackedMatrix, Packer, Packing};

use super::error::{GgufError, WeightError, no_memory};
use super::file::GgufFile;
use super::floats::Floats;
use super::rows::{RowLayout, RowOrder};
use crate::weights::room;

/// How many bytes of a packed tensor are unpacked at a time.
const STAGING_BYTES: usize = 1 << 20;
/// What candle copies to a device is read as blocks, from bytes that lie as their half-precision scales must.
const BLOCK_ALIGNMENT: usize = 16;

/// A tensor on the CPU of one dimension, unpacked piece by piece to F32, F16 or BF16.
pub(super) fn unpacked(file: &GgufFile, rows: &RowLayout, dtype: DType) -> Result<Tensor, WeightError> {
    let (count, bytes, width) = (rows.count(), rows.bytes(), rows.values());
    let at_a_time = (STAGING_BYTES / bytes).clamp(1, count);
    let mut staging = room(at_a_time * bytes).map_err(no_memory)?;
    let mut values = room(at_a_time * width).map_err(no_memory)?;
    let mut floats = Floats::new(dtype, count * width)?;
    for first in (0..count).step_by(at_a_time) {
        let some = at_a_time.min(count - first);
        staging.clear();
        read_rows(file, rows, first..first + some, &mut staging)?;
        values.resize(some * width, 0.0);
        rows.format().unpack(&staging, &mut values);
        if let Some(value) = floats.push(&values) {
            let (row, column) = (first + value / width, value % width);
            return Err(WeightError::TooLarge { row, column, dtype });
        }
    }
    floats.tensor().map_err(WeightError::Candle)
}

/// A matrix in the layout of the kernels, its rows in the decoder's order. It is packed as it is read, some rows at a
/// time, so that it is never in memory twice.
pub(super) fn packed(
    file: &GgufFile,
    rows: &RowLayout,
    packing: Packing,
) -> Result<PackedMatrix, WeightError> {
    let count = rows.count();
    let panels = STAGING_BYTES / (rows.bytes() * PackedMatrix::PANEL);
    let at_a_time = (panels.max(1) * PackedMatrix::PANEL).min(count.max(1));
    let mut packer = Packer::new(packing, [count, rows.values()]).map_err(pack_error)?;
    let mut staging = room(at_a_time * rows.bytes()).map_err(no_memory)?;
    for first in (0..count).step_by(at_a_time) {
        staging.clear();
        read_rows(file, rows, first..count.min(first + at_a_time), &mut staging)?;
        packer.push(&staging).map_err(pack_error)?;
    }
    packer.finish().map_err(pack_error)
}

fn pack_error(error: PackError) -> WeightError {
    match error {
        PackError::Memory { bytes } => WeightError::Memory { bytes },
        // Shapes were held against the format when the header was read.
        error => WeightError::Candle(candle_core::Error::wrap(error)),
    }
}

/// A packed matrix on a device. Its bytes are there twice while they are copied.
pub(super) fn on_device(file: &GgufFile, rows: &RowLayout, device: &Device) -> Result<QTensor, WeightError> {
    let mut bytes = room(rows.count() * rows.bytes()).map_err(no_memory)?;
    read_rows(file, rows, 0..rows.count(), &mut bytes)?;
    let mut staging = Staging::new(bytes.len())?;
    staging.bytes().copy_from_slice(&bytes);
    drop(bytes);
    let storage = QStorage::from_data((&*staging.bytes()).into(), device, rows.format().ggml());
    let tensor = storage.and_then(|storage| QTensor::new(storage, (rows.count(), rows.values())));
    tensor.map_err(WeightError::Candle)
}

/// The divisors of rotary frequencies: the tensor of that name, which must have `count`.
pub(super) fn divisors(file: &GgufFile, name: &str, count: usize) -> Result<Vec<f32>, GgufError> {
    let read = || {
        let info = file.header().tensors.get(name).ok_or(WeightError::Missing)?;
        if info.shape != [count] {
            return Err(WeightError::Shape { found: info.shape.clone(), wanted: vec![count] });
        }
        let tensor = unpacked(file, &RowLayout::new(info, RowOrder::AsStored), DType::F32)?;
        tensor.to_vec1::<f32>().map_err(WeightError::Candle)
    };
    read().map_err(|source| GgufError::tensor(file.path(), name, source))
}

/// Appends whole rows, in order, and looks for what is not finite.
fn read_rows(
    file: &GgufFile,
    rows: &RowLayout,
    wanted: Range<usize>,
    buffer: &mut Vec<u8>,
) -> Result<(), WeightError> {
    let first = wanted.start;
    for (offset, length) in rows.pieces(wanted) {
        file.append(offset, length, buffer).map_err(WeightError::Io)?;
    }
    match rows.format().first_non_finite(buffer) {
        Some(value) => {
            let (row, column) = (first + value / rows.values(), value % rows.values());
            Err(WeightError::NonFinite { row, column })
        }
        None => Ok(()),
    }
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
