//! Loops over slices at the width of the machine, and what they need.
//!
//! Sums run over a fixed number of lanes, so that every machine adds in the same order.

use half::bf16;

/// Lanes of a sum, unless a caller says otherwise.
pub(crate) const LANES: usize = 16;

/// A function whose loops are compiled twice, for the machine at hand: with AVX2 and fused products where
/// an x86 has them, and plainly. Both give the same bits. What it calls must be inlined.
#[macro_export]
macro_rules! wide {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $type),*) $(-> $result)? {
            #[inline(always)]
            fn plain($($arg: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn fast($($arg: $type),*) $(-> $result)? {
                plain($($arg),*)
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

#[cfg(test)]
mod tests {
    use super::*;

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
