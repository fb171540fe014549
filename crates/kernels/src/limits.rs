//! What one thread of this machine can do at best: the measure for what kernels reach of it.

use std::hint::black_box;
use std::time::Instant;

use crate::packed::{Kernel, KernelChoice};
use crate::wide;

/// Runs of a measurement, of which the fastest counts.
const RUNS: usize = 5;
/// Rounds of a run: a few milliseconds.
const ROUNDS: usize = 1 << 20;

/// Products and sums of 8-bit integers a second that the instructions of a kernel do from registers, each counted;
/// `None` for the portable kernel, which has none of its own.
pub fn int8_per_second(kernel: Kernel) -> Option<f64> {
    match kernel.choice() {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        KernelChoice::Amx => crate::packed::tile_products_per_second(ROUNDS / 8),
        #[cfg(target_arch = "x86_64")]
        KernelChoice::Avx512Vnni => Some(x86::vnni()),
        #[cfg(target_arch = "x86_64")]
        KernelChoice::Avx2 => Some(x86::avx2()),
        _ => None,
    }
}

/// Products and sums of f32 a second, each counted, by the widest fused products of the machine; `None` where none are
/// known.
pub fn f32_per_second() -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return Some(x86::fused512());
        }
        if is_x86_feature_detected!("fma") {
            return Some(x86::fused256());
        }
    }
    None
}

/// Bytes a second that one thread reads of a list too large for its caches.
pub fn bytes_per_second(list: &[u64]) -> f64 {
    size_of_val(list) as f64 / fastest(|| black_box(xor(list)))
}

wide! {
    fn xor(list: &[u64]) -> u64 {
        let mut lanes = [0_u64; 32];
        for chunk in list.as_chunks::<32>().0 {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *lane ^= value;
            }
        }
        lanes.iter().fold(0, |all, lane| all ^ lane)
    }
}

/// Seconds of the fastest run.
pub(crate) fn fastest<T>(mut run: impl FnMut() -> T) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let begin = Instant::now();
        black_box(run());
        best = best.min(begin.elapsed().as_secs_f64());
    }
    best
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::asm;

    use super::{ROUNDS, fastest};

    /// Twelve instructions on twelve registers, so that none waits for another, `ROUNDS` times.
    macro_rules! rounds {
        ($name:ident, $operations:literal, $($line:literal),+) => {
            pub(super) fn $name() -> f64 {
                let seconds = fastest(|| {
                    for _ in 0..ROUNDS {
                        #[expect(unsafe_code, reason = "instructions are counted, which the compiler would not leave alone")]
                        // SAFETY: the machine was asked for these instructions; they touch vector registers alone, all
                        // of them declared.
                        unsafe {
                            asm!(
                                // Factors of 0: whatever stands in registers might be floats that are slow.
                                "vpxor xmm13, xmm13, xmm13",
                                "vpxor xmm14, xmm14, xmm14",
                                $($line),+,
                                out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _,
                                out("xmm5") _, out("xmm6") _, out("xmm7") _, out("xmm8") _, out("xmm9") _,
                                out("xmm10") _, out("xmm11") _, out("xmm12") _, out("xmm13") _, out("xmm14") _,
                                options(nostack, preserves_flags, nomem),
                            );
                        }
                    }
                });
                (ROUNDS * $operations) as f64 / seconds
            }
        };
    }

    rounds!(
        vnni,
        1536,
        "vpdpbusd zmm0, zmm13, zmm14",
        "vpdpbusd zmm1, zmm13, zmm14",
        "vpdpbusd zmm2, zmm13, zmm14",
        "vpdpbusd zmm3, zmm13, zmm14",
        "vpdpbusd zmm4, zmm13, zmm14",
        "vpdpbusd zmm5, zmm13, zmm14",
        "vpdpbusd zmm6, zmm13, zmm14",
        "vpdpbusd zmm7, zmm13, zmm14",
        "vpdpbusd zmm8, zmm13, zmm14",
        "vpdpbusd zmm9, zmm13, zmm14",
        "vpdpbusd zmm10, zmm13, zmm14",
        "vpdpbusd zmm11, zmm13, zmm14"
    );
    // Three instructions for 32 products and their sums.
    rounds!(
        avx2,
        256,
        "vpmaddubsw ymm0, ymm13, ymm14",
        "vpmaddwd ymm0, ymm0, ymm12",
        "vpaddd ymm4, ymm4, ymm0",
        "vpmaddubsw ymm1, ymm13, ymm14",
        "vpmaddwd ymm1, ymm1, ymm12",
        "vpaddd ymm5, ymm5, ymm1",
        "vpmaddubsw ymm2, ymm13, ymm14",
        "vpmaddwd ymm2, ymm2, ymm12",
        "vpaddd ymm6, ymm6, ymm2",
        "vpmaddubsw ymm3, ymm13, ymm14",
        "vpmaddwd ymm3, ymm3, ymm12",
        "vpaddd ymm7, ymm7, ymm3"
    );
    rounds!(
        fused512,
        384,
        "vfmadd231ps zmm0, zmm13, zmm14",
        "vfmadd231ps zmm1, zmm13, zmm14",
        "vfmadd231ps zmm2, zmm13, zmm14",
        "vfmadd231ps zmm3, zmm13, zmm14",
        "vfmadd231ps zmm4, zmm13, zmm14",
        "vfmadd231ps zmm5, zmm13, zmm14",
        "vfmadd231ps zmm6, zmm13, zmm14",
        "vfmadd231ps zmm7, zmm13, zmm14",
        "vfmadd231ps zmm8, zmm13, zmm14",
        "vfmadd231ps zmm9, zmm13, zmm14",
        "vfmadd231ps zmm10, zmm13, zmm14",
        "vfmadd231ps zmm11, zmm13, zmm14"
    );
    rounds!(
        fused256,
        192,
        "vfmadd231ps ymm0, ymm13, ymm14",
        "vfmadd231ps ymm1, ymm13, ymm14",
        "vfmadd231ps ymm2, ymm13, ymm14",
        "vfmadd231ps ymm3, ymm13, ymm14",
        "vfmadd231ps ymm4, ymm13, ymm14",
        "vfmadd231ps ymm5, ymm13, ymm14",
        "vfmadd231ps ymm6, ymm13, ymm14",
        "vfmadd231ps ymm7, ymm13, ymm14",
        "vfmadd231ps ymm8, ymm13, ymm14",
        "vfmadd231ps ymm9, ymm13, ymm14",
        "vfmadd231ps ymm10, ymm13, ymm14",
        "vfmadd231ps ymm11, ymm13, ymm14"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_above_what_nothing_does() {
        for kernel in Kernel::all() {
            let limit = int8_per_second(kernel);
            assert_eq!(limit.is_none(), kernel.choice() == KernelChoice::Portable);
            assert!(limit.is_none_or(|limit| limit.is_finite() && limit > 0.0));
        }
        assert!(f32_per_second().is_none_or(|limit| limit.is_finite() && limit > 0.0));
        assert!(bytes_per_second(&vec![1; 1 << 16]) > 0.0);
    }
}
