//! Sums, and gates of feed-forward parts, element by element.
//!
//! On the processor candle gives each such step to a pool of threads of its own that wait by spinning: on a machine
//! with other work to do, a tenth of the processor time of a prompt. Here the threads are those of everything else,
//! and the arithmetic is candle's, to the bit.

use candle_core::{CpuStorage, DType, Storage, Tensor};
use rayon::prelude::*;

use crate::spec::Activation;

/// Numbers that a thread takes at once.
const SHARE: usize = 16 << 10;

/// `one + other`, of one shape.
pub(super) fn sum(one: &Tensor, other: &Tensor) -> candle_core::Result<Tensor> {
    match joined(one, other, |a, b| a + b)? {
        Some(sum) => Ok(sum),
        None => one + other,
    }
}

/// The activation of `gate`, times `up`, of one shape.
pub(super) fn gated(activation: Activation, gate: &Tensor, up: &Tensor) -> candle_core::Result<Tensor> {
    let product = match activation {
        Activation::Silu => joined(gate, up, |gate, up| gate / (1.0 + (-gate).exp()) * up)?,
        Activation::GeluTanh => joined(gate, up, |gate, up| gelu(gate) * up)?,
        Activation::Gelu => None,
    };
    match (product, activation) {
        (Some(product), _) => Ok(product),
        (None, Activation::Silu) => gate.silu()? * up,
        (None, Activation::GeluTanh) => gate.gelu()? * up,
        (None, Activation::Gelu) => gate.gelu_erf()? * up,
    }
}

fn gelu(x: f32) -> f32 {
    /// The root of 2 / pi, as candle has it.
    const FACTOR: f32 = 0.797_884_6;
    0.5 * x * (1.0 + f32::tanh(FACTOR * x * (1.0 + 0.044_715 * x * x)))
}

/// Pairs of elements, combined; `None` for what is not of f32, whole and on the processor.
fn joined(
    one: &Tensor,
    other: &Tensor,
    join: impl Fn(f32, f32) -> f32 + Sync,
) -> candle_core::Result<Option<Tensor>> {
    let is_ours = |tensor: &Tensor| tensor.device().is_cpu() && tensor.dtype() == DType::F32;
    if !is_ours(one) || !is_ours(other) || one.shape() != other.shape() {
        return Ok(None);
    }
    let ((ones, one_layout), (others, other_layout)) = (one.storage_and_layout(), other.storage_and_layout());
    let (Storage::Cpu(CpuStorage::F32(ones)), Storage::Cpu(CpuStorage::F32(others))) = (&*ones, &*others)
    else {
        return Ok(None);
    };
    let (Some(own), Some(theirs)) = (one_layout.contiguous_offsets(), other_layout.contiguous_offsets())
    else {
        return Ok(None);
    };
    let (ones, others) = (&ones[own.0..own.1], &others[theirs.0..theirs.1]);
    let mut values = vec![0.0; ones.len()];
    let share = |((values, ones), others): ((&mut [f32], &[f32]), &[f32])| {
        for ((number, one), other) in values.iter_mut().zip(ones).zip(others) {
            *number = join(*one, *other);
        }
    };
    values.par_chunks_mut(SHARE).zip(ones.par_chunks(SHARE)).zip(others.par_chunks(SHARE)).for_each(share);
    Tensor::from_vec(values, one.shape(), one.device()).map(Some)
}

/// Multiplied in f32: in bf16 candle would round the factor.
pub(super) fn scaled(tensor: Tensor, factor: f64) -> candle_core::Result<Tensor> {
    if factor == 1.0 {
        return Ok(tensor);
    }
    let dtype = tensor.dtype();
    tensor.to_dtype(DType::F32)?.affine(factor, 0.0)?.to_dtype(dtype)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn values(shape: (usize, usize), step: f32) -> Tensor {
        let count = shape.0 * shape.1;
        let values: Vec<f32> = (0..count).map(|at| (at as f32 * step).sin() * 20.0).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    fn bits(tensor: &Tensor) -> Vec<u32> {
        let values = tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        values.into_iter().map(f32::to_bits).collect()
    }

    #[test]
    fn the_bits_are_those_of_candle() {
        for shape in [(1, 1), (3, 700), (40, 2048)] {
            let (one, other) = (values(shape, 0.37), values(shape, 0.11));
            assert_eq!(bits(&sum(&one, &other).unwrap()), bits(&(&one + &other).unwrap()));
            for (activation, activated) in [
                (Activation::Silu, one.silu().unwrap()),
                (Activation::GeluTanh, one.gelu().unwrap()),
                (Activation::Gelu, one.gelu_erf().unwrap()),
            ] {
                let expected = (activated * &other).unwrap();
                assert_eq!(
                    bits(&gated(activation, &one, &other).unwrap()),
                    bits(&expected),
                    "{activation:?}"
                );
            }
        }
    }

    #[test]
    fn other_types_and_views_go_through_candle() {
        let (one, other) = (values((6, 9), 0.37), values((9, 6), 0.11).t().unwrap());
        assert_eq!(bits(&sum(&one, &other).unwrap()), bits(&(&one + &other).unwrap()));
        let half = |tensor: &Tensor| tensor.to_dtype(DType::BF16).unwrap();
        let (one, other) = (half(&one), half(&other));
        let expected = (one.silu().unwrap() * &other).unwrap();
        assert_eq!(bits(&gated(Activation::Silu, &one, &other).unwrap()), bits(&expected));
        assert!(sum(&one, &values((2, 2), 1.0)).is_err());
    }
}
