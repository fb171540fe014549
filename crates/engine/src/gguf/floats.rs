//! Floats of a wanted width, gathered piece by piece.

use candle_core::{DType, Device, Result, Tensor};
use half::{bf16, f16};

use super::error::{WeightError, no_memory};
use crate::weights::room;

/// Values that are there so far.
#[derive(Debug)]
pub(super) enum Floats {
    F32(Vec<f32>),
    F16(Vec<f16>),
    BF16(Vec<bf16>),
}

impl Floats {
    /// Room for `count` values of a type.
    ///
    /// # Errors
    /// Another type than F32, F16 and BF16; no memory for so many.
    pub(super) fn new(dtype: DType, count: usize) -> std::result::Result<Self, WeightError> {
        match dtype {
            DType::F32 => room(count).map(Self::F32).map_err(no_memory),
            DType::F16 => room(count).map(Self::F16).map_err(no_memory),
            DType::BF16 => room(count).map(Self::BF16).map_err(no_memory),
            dtype => Err(WeightError::Candle(candle_core::Error::UnsupportedDTypeForOp(dtype, "weights"))),
        }
    }

    /// Appends values. Returns the index of the first that the type cannot hold.
    pub(super) fn push(&mut self, values: &[f32]) -> Option<usize> {
        match self {
            Self::F32(all) => {
                all.extend_from_slice(values);
                None
            }
            Self::F16(all) => {
                let start = all.len();
                all.extend(values.iter().copied().map(f16::from_f32));
                all[start..].iter().position(|value| !value.is_finite())
            }
            Self::BF16(all) => {
                let start = all.len();
                all.extend(values.iter().copied().map(bf16::from_f32));
                all[start..].iter().position(|value| !value.is_finite())
            }
        }
    }

    /// All of them as a vector on the CPU.
    ///
    /// # Errors
    /// None that is known of.
    pub(super) fn tensor(self) -> Result<Tensor> {
        match self {
            Self::F32(all) => from(all),
            Self::F16(all) => from(all),
            Self::BF16(all) => from(all),
        }
    }
}

fn from<T: candle_core::WithDType>(all: Vec<T>) -> Result<Tensor> {
    let count = all.len();
    Tensor::from_vec(all, count, &Device::Cpu)
}
