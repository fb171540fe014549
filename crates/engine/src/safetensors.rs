//! Weights in safetensors files, single or sharded.
//!
//! The header is read and checked by itself; then each tensor is read from its offset in the file straight into
//! its final type, through one small buffer. A model is never in memory twice, and nothing is allocated for a
//! tensor before its bytes are known to be there.

mod header;
mod index;
mod read;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use half::{bf16, f16};

use crate::weights::{Placement, Tensors};
use crate::weights_error::WeightsError;
use header::{SafetensorsHeader, TensorEntry};

pub use index::INDEX;

/// The one file of weights that are not sharded.
pub const SINGLE: &str = "model.safetensors";

/// The tensors of one or more safetensors files.
#[derive(Debug)]
pub struct Safetensors {
    files: Vec<PathBuf>,
    locations: BTreeMap<String, TensorLocation>,
}

/// Where a tensor is.
#[derive(Debug)]
struct TensorLocation {
    file: usize,
    entry: TensorEntry,
}

impl Safetensors {
    /// Opens the weights of a model's folder: `model.safetensors`, or the shards that
    /// `model.safetensors.index.json` names. Only headers are read.
    ///
    /// # Errors
    /// [`WeightsError`] if neither is there, a shard is missing, or a header or the index is damaged.
    pub fn open(folder: &Path) -> Result<Self, WeightsError> {
        let index = folder.join(INDEX);
        if folder.join(SINGLE).exists() || !index.exists() {
            Self::open_file(&folder.join(SINGLE))
        } else {
            Self::open_index(folder, &index)
        }
    }

    /// Opens one file.
    ///
    /// # Errors
    /// [`WeightsError`] if it cannot be read or its header is damaged.
    pub fn open_file(path: &Path) -> Result<Self, WeightsError> {
        let header = SafetensorsHeader::read(path)?;
        let locations = header
            .entries
            .into_iter()
            .map(|(name, entry)| (name, TensorLocation { file: 0, entry }))
            .collect();
        Ok(Self { files: vec![path.to_owned()], locations })
    }

    fn open_index(folder: &Path, index: &Path) -> Result<Self, WeightsError> {
        let shards = index::read(index)?;
        let (mut files, mut locations) = (Vec::new(), BTreeMap::new());
        for (shard, names) in shards {
            let path = folder.join(&shard);
            let mut header = SafetensorsHeader::read(&path)?;
            for name in names {
                let Some(entry) = header.entries.remove(&name) else {
                    return Err(index::misplaced(index, name, shard));
                };
                locations.insert(name, TensorLocation { file: files.len(), entry });
            }
            files.push(path);
        }
        Ok(Self { files, locations })
    }

    /// The files, in the order of their names.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The type of most parameters, as the files spell it (`BF16`).
    pub fn stored_type(&self) -> Option<&str> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for location in self.locations.values() {
            *counts.entry(location.entry.stored.as_str()).or_default() += location.entry.elements();
        }
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(stored, _)| stored)
    }

    /// The number of parameters of all tensors.
    pub fn elements(&self) -> u64 {
        self.locations.values().map(|location| location.entry.elements() as u64).sum()
    }

    fn location(&self, name: &str, shape: &[usize]) -> Result<&TensorLocation, WeightsError> {
        let location =
            self.locations.get(name).ok_or_else(|| WeightsError::Missing { name: name.to_owned() })?;
        if location.entry.shape != shape {
            let (found, wanted) = (location.entry.shape.clone(), shape.to_vec());
            return Err(WeightsError::Shape { name: name.to_owned(), found, wanted });
        }
        Ok(location)
    }
}

impl Tensors for Safetensors {
    fn names(&self) -> Vec<&str> {
        self.locations.keys().map(String::as_str).collect()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.locations.get(name).map(|location| location.entry.shape.as_slice())
    }

    fn dense(&self, name: &str, shape: &[usize], placement: &Placement) -> Result<Tensor, WeightsError> {
        let location = self.location(name, shape)?;
        let from = read::TensorSource { path: &self.files[location.file], name, entry: &location.entry };
        let device = &placement.device;
        let made = match placement.dtype {
            DType::F32 => tensor(from.values::<f32>()?, shape, device),
            DType::BF16 => tensor(from.values::<bf16>()?, shape, device),
            DType::F16 => tensor(from.values::<f16>()?, shape, device),
            wanted => return Err(from.unreadable(wanted)),
        };
        made.map_err(|source| WeightsError::Device { name: name.to_owned(), source })
    }
}

/// On the processor the values become the tensor; elsewhere they are copied there and dropped.
fn tensor<T: candle_core::WithDType>(
    values: Vec<T>,
    shape: &[usize],
    device: &Device,
) -> candle_core::Result<Tensor> {
    Tensor::from_vec(values, shape, device)
}
