//! Where a model in process is computed, and in which type.

use candle_core::{DType, Device as CandleDevice};
use plimsoll_engine::Placement;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, FailureKind, OrFail as _};

/// Type of weights and activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// IEEE single precision.
    F32,
    /// bfloat16.
    Bf16,
    /// IEEE half precision.
    F16,
}

/// Where to compute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The CPU.
    #[default]
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
    /// An Apple GPU.
    Metal,
}

/// Device and type for a model; `natural` is the type in which its weights are stored.
///
/// # Errors
/// A usage failure for a device that this program was not built for, or that is not there.
pub fn placement(dtype: Option<Dtype>, device: Device, natural: DType) -> Result<Placement, Failure> {
    let dtype = match dtype {
        None => natural,
        Some(Dtype::F32) => DType::F32,
        Some(Dtype::Bf16) => DType::BF16,
        Some(Dtype::F16) => DType::F16,
    };
    let device = match device {
        Device::Cpu => Ok(CandleDevice::Cpu),
        Device::Cuda => CandleDevice::new_cuda(0),
        Device::Metal => CandleDevice::new_metal(0),
    };
    Ok(Placement { dtype, device: device.or_fail(FailureKind::Usage)? })
}
