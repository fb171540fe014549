//! Loops over slices at the width of the machine, and what they need.
//!
//! Sums run over a fixed number of lanes, so that every machine adds in the same order.

use half::bf16;

/// Lanes of a sum, unless a caller says otherwise.
pub(crate) const LANES: usize = 16;

/// A function whose loops are compiled three times, for the machine at hand: with AVX-512, or with AVX2 and fused
/// products, where an x86 has them, and plainly. All give the same bits. What it calls must be inlined.
#[macro_export]
macro_rules! wide {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $type),*) $(-> $result)? {
            #[inline(always)]
            fn plain($($arg: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            fn widest($($arg: $type),*) $(-> $result)? {
                plain($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn fast($($arg: $type),*) $(-> $result)? {
                plain($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            if $crate::simd::has_avx512() {
                #[expect(unsafe_code, reason = "only machines with these instructions may run them")]
                // SAFETY: the machine has them.
                return unsafe { widest($($arg),*) };
            }
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                #[expect(unsafe_code, reason = "only machines with these instructions may run them")]
                // SAFETY: the machine has both.
                return unsafe { fast($($arg),*) };
            }
            plain($($arg),*)
        }
    };
}

/// Whether the machine has the AVX-512 instructions that [`wide!`](crate::wide) compiles for.
#[cfg(target_arch = "x86_64")]
#[doc(hidden)]
pub fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("fma")
}

/// Of two slices of one length, in f32, in a fixed order.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    dot_of::<LANES, _>(a, b, |number| number)
}

/// As [`dot`], over so many lanes (a power of two), the first slice of whatever widens to f32.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
pub fn dot_of<const LANES: usize, T: Copy>(a: &[T], b: &[f32], widened: impl Fn(T) -> f32) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] = widened(a[lane]).mul_add(b[lane], sums[lane]);
        }
    }
    let mut sum = total(sums);
    for (a, b) in a_rest.iter().zip(b_rest) {
        sum = widened(*a).mul_add(*b, sum);
    }
    sum
}

/// As `bf16::to_f32`, but without its branch for a signalling NaN, which would keep a loop from being wide.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
pub fn widened(number: bf16) -> f32 {
    f32::from_bits(u32::from(number.to_bits()) << 16)
}

/// The sum of a slice, in a fixed order.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
pub fn sum(numbers: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (chunks, rest) = numbers.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += chunk[lane];
        }
    }
    total(sums) + rest.iter().sum::<f32>()
}

/// The largest of a slice that has numbers only; minus infinity for none.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
pub fn largest(numbers: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = numbers.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            most[lane] = if chunk[lane] > most[lane] { chunk[lane] } else { most[lane] };
        }
    }
    most.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max)
}

/// Halves are added until one number is left.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
pub(crate) fn total<const LANES: usize>(mut sums: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

/// e to the power of x, from -87 to 88; outside, of the nearer end. The library's own is a call for every
/// number, and a third of a step.
///
/// # Formula
/// 2^n times a polynomial of degree 6 in x - n ln 2 (Cephes `expf`), to two units in the last place.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    /// Adding it moves the integer part to the lowest bits.
    const SHIFT: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = if x > 88.0 { 88.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x.mul_add(std::f32::consts::LOG2_E, SHIFT);
    let n = shifted - SHIFT;
    let r = n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, x));
    let mut p = 1.987_569_1e-4_f32;
    p = p.mul_add(r, 1.398_199_9e-3);
    p = p.mul_add(r, 8.333_452e-3);
    p = p.mul_add(r, 4.166_579_6e-2);
    p = p.mul_add(r, 1.666_666_5e-1);
    p = p.mul_add(r, 0.5);
    p = p.mul_add(r * r, r) + 1.0;
    // The low bits of the shifted number are n, in two's complement.
    let power = shifted.to_bits().wrapping_shl(23).wrapping_add(0x3f80_0000);
    p * f32::from_bits(power)
}

/// e to the power of x at most 0, in f64; 0 below -708.
///
/// # Formula
/// 2^n times the Taylor polynomial of degree 13 in x - n ln 2, whose remainder is below 1e-17.
#[inline(always)]
fn exp_f64(x: f64) -> f64 {
    /// Adding it moves the integer part to the lowest bits.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    /// 1 / 13! down to 1 / 2!.
    const TERMS: [f64; 12] = [
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        1.0 / 2.0,
    ];
    let clamped = if x < -708.0 { -708.0 } else { x };
    let shifted = clamped.mul_add(std::f64::consts::LOG2_E, SHIFT);
    let n = shifted - SHIFT;
    let r = n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, clamped));
    let mut p = TERMS[0];
    for term in &TERMS[1..] {
        p = p.mul_add(r, *term);
    }
    let p = p.mul_add(r * r, r) + 1.0;
    // The low bits of the shifted number are n, in two's complement.
    let power = shifted.to_bits().wrapping_shl(52).wrapping_add(0x3ff0_0000_0000_0000);
    if x < -708.0 { 0.0 } else { p * f64::from_bits(power) }
}

/// Lanes of sums in f64.
const LANES_F64: usize = 8;

wide! {
    /// The sum of `exp((number - highest) * factor)`, in f64, in a fixed order. `highest` is the largest number, `factor`
    /// above 0.
    pub fn sum_of_exp(numbers: &[f32], highest: f64, factor: f64) -> f64 {
        let mut sums = [0.0_f64; LANES_F64];
        let (chunks, rest) = numbers.as_chunks::<LANES_F64>();
        for chunk in chunks {
            for lane in 0..LANES_F64 {
                sums[lane] += exp_f64((f64::from(chunk[lane]) - highest) * factor);
            }
        }
        let rest: f64 = rest.iter().map(|number| exp_f64((f64::from(*number) - highest) * factor)).sum();
        sums.iter().sum::<f64>() + rest
    }
}

wide! {
    /// `exp((number - highest) * factor)` of each number, in f64, as [`sum_of_exp`] sums them.
    pub fn exp_each(numbers: &[f32], highest: f64, factor: f64, powers: &mut [f64]) {
        for (power, number) in powers.iter_mut().zip(numbers) {
            *power = exp_f64((f64::from(*number) - highest) * factor);
        }
    }
}

wide! {
    /// The largest of a slice; numbers that are NaN are passed over.
    pub fn largest_of(numbers: &[f32]) -> f32 {
        largest(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two units in the last place of f64.
    const EXP_F64_TOLERANCE: f64 = 2.0 * f64::EPSILON;

    #[test]
    fn powers_of_e_in_f64_are_those_of_the_library() {
        for step in 0..70_800 {
            let x = -f64::from(step) / 100.0 - f64::from(step % 7) / 1000.0;
            let (found, expected) = (exp_f64(x), x.exp());
            assert!(
                (found - expected).abs() <= EXP_F64_TOLERANCE * expected || x < -708.0,
                "{x}: {found} {expected}"
            );
        }
        assert_eq!((exp_f64(0.0), exp_f64(f64::NEG_INFINITY), exp_f64(-1e9)), (1.0, 0.0, 0.0));
        assert!(exp_f64(f64::NAN).is_nan());
    }

    #[test]
    fn sums_of_powers_are_those_of_the_definition() {
        let numbers: Vec<f32> =
            (0..1003_u16).map(|index| f32::from(index * 37 % 500) / 20.0 - 30.0).collect();
        let highest = f64::from(largest_of(&numbers));
        let expected: Vec<f64> =
            numbers.iter().map(|number| ((f64::from(*number) - highest) * 1.7).exp()).collect();
        let sum: f64 = expected.iter().sum();
        assert!((sum_of_exp(&numbers, highest, 1.7) - sum).abs() <= 1e-13 * sum);
        let mut powers = vec![0.0; numbers.len()];
        exp_each(&numbers, highest, 1.7, &mut powers);
        assert!(powers.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= EXP_F64_TOLERANCE * b));
    }

    /// Units in the last place of f32.
    const EXP_TOLERANCE: f64 = 3.0 * f32::EPSILON as f64;

    #[test]
    fn powers_of_e_are_those_of_the_library() {
        for step in -86_000..88_000 {
            let x = step as f32 / 1000.0;
            let (found, expected) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((found - expected).abs() <= EXP_TOLERANCE * expected, "{x}: {found} {expected}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(-1e9) > 0.0 && exp(-1e9) < 1e-37);
    }

    wide! {
        fn wide_dot(a: &[f32], b: &[f32]) -> f32 {
            dot(a, b)
        }
    }

    #[test]
    fn sums_are_those_of_the_definition() {
        for length in [0_u16, 1, 15, 16, 17, 128, 131] {
            let numbers: Vec<f32> = (0..length).map(|index| f32::from(index % 7) - 3.0).collect();
            assert_eq!(sum(&numbers), numbers.iter().sum::<f32>());
            assert_eq!(dot(&numbers, &numbers), numbers.iter().map(|x| x * x).sum::<f32>());
            assert_eq!(wide_dot(&numbers, &numbers), dot(&numbers, &numbers));
            let most = numbers.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(largest(&numbers), most);
        }
    }
}
