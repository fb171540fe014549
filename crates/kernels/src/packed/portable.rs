//! The reference, by what every processor has.

use super::kernels::half;
use super::layout;

type Ints = [i32; PANEL];
type Fours = [u8; GROUP_BYTES];
type Floats = [f32; PANEL];

fn zero() -> Ints {
    [0; PANEL]
}

fn splat(value: i32) -> Ints {
    [value; PANEL]
}

fn plus(a: Ints, b: Ints) -> Ints {
    std::array::from_fn(|lane| a[lane] + b[lane])
}

fn times_bytes(a: Ints, factors: &[u8; PANEL]) -> Ints {
    std::array::from_fn(|lane| a[lane] * i32::from(factors[lane].cast_signed()))
}

fn times_128(a: Ints) -> Ints {
    a.map(|value| value * 128)
}

fn load_fours(bytes: &[u8; GROUP_BYTES]) -> Fours {
    *bytes
}

fn store_fours(fours: Fours, bytes: &mut [u8; GROUP_BYTES]) {
    *bytes = fours;
}

/// The codes of a step.
fn fours<const BITS: u8>(step: &[u8]) -> [Fours; GROUPS] {
    layout::joined(if BITS == BYTES { 8 } else { BITS }, step)
}

/// Nothing that every processor has.
fn fetch_ahead(_codes: &[u8]) {}

fn splat_four(codes: [i8; 4]) -> [i32; 4] {
    codes.map(i32::from)
}

fn dot<const BITS: u8>(sum: Ints, fours: Fours, activations: [i32; 4]) -> Ints {
    let mut sums = sum;
    for (sum, codes) in sums.iter_mut().zip(fours.as_chunks::<4>().0) {
        for (code, activation) in codes.iter().zip(activations) {
            *sum += i32::from(*code) * activation;
        }
    }
    sums
}

/// As [`dot`], of four rows whose fours begin `STRIDE` fours apart, with each of the groups.
fn dot_rows<const BITS: u8, const STRIDE: usize, const G: usize>(
    sums: &mut [Ints; 4],
    groups: &[Fours; G],
    rows: &[[i8; 4]],
) {
    for (row, sum) in sums.iter_mut().enumerate() {
        for (group, codes) in groups.iter().zip(&rows[row * STRIDE..]) {
            *sum = dot::<BITS>(*sum, *group, splat_four(*codes));
        }
    }
}

fn halves(bytes: &[u8]) -> Floats {
    std::array::from_fn(|lane| half(bytes, 2 * lane))
}

fn float(ints: Ints) -> Floats {
    ints.map(|value| value as f32)
}

fn float_zero() -> Floats {
    [0.0; PANEL]
}

fn float_splat(value: f32) -> Floats {
    [value; PANEL]
}

fn float_times(a: Floats, b: Floats) -> Floats {
    std::array::from_fn(|lane| a[lane] * b[lane])
}

fn fused(a: Floats, b: Floats, sum: Floats) -> Floats {
    std::array::from_fn(|lane| a[lane].mul_add(b[lane], sum[lane]))
}

fn float_store(floats: Floats) -> [f32; PANEL] {
    floats
}

products!([], rows: [2, 1], signed: false);
