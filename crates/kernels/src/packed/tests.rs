//! Unpacking against the formats' definitions, value by value.

mod products;

use super::*;

/// Bits `from..from + count` of a block, counted from the lowest bit of its first byte.
fn bits(block: &[u8], from: usize, count: usize) -> u32 {
    (0..count).map(|bit| u32::from(block[(from + bit) / 8] >> ((from + bit) % 8) & 1) << bit).sum()
}

/// A half-precision number, by its definition.
fn half(block: &[u8], byte: usize) -> f32 {
    let (fraction, exponent) = (bits(block, 8 * byte, 10) as f32, bits(block, 8 * byte + 10, 5));
    let sign = if bits(block, 8 * byte + 15, 1) == 1 { -1.0 } else { 1.0 };
    match exponent {
        0 => sign * fraction * 2_f32.powi(-24),
        exponent => sign * (1024.0 + fraction) * 2_f32.powi(exponent.cast_signed() - 25),
    }
}

/// Scale and minimum of run `run` of eight, six bits each: whole in the first eight bytes for four runs, in
/// pieces for the others.
fn six_bits(scales: &[u8], run: usize) -> (f32, f32) {
    let byte = |at: usize, from: usize, count: usize| bits(scales, 8 * at + from, count);
    if run < 4 {
        return (byte(run, 0, 6) as f32, byte(run + 4, 0, 6) as f32);
    }
    let scale = byte(run + 4, 0, 4) + 16 * byte(run - 4, 6, 2);
    let minimum = byte(run + 4, 4, 4) + 16 * byte(run, 6, 2);
    (scale as f32, minimum as f32)
}

/// One value of a block, as the format defines it.
fn value(packing: Packing, block: &[u8], index: usize) -> f32 {
    // Of a small block: four bits of value `index`.
    let nibble = |from: usize| bits(block, 8 * (from + index % 16) + index / 16 * 4, 4);
    // Of a large block: in which half of it, and which of the 128 values there.
    let (side, within) = (index / 128, index % 128);
    match packing {
        Packing::Q4_0 => (nibble(2) as f32 - 8.0) * half(block, 0),
        Packing::Q4_1 => nibble(4) as f32 * half(block, 0) + half(block, 2),
        Packing::Q5_0 => ((nibble(6) + 16 * bits(block, 16 + index, 1)) as f32 - 16.0) * half(block, 0),
        Packing::Q5_1 => {
            (nibble(8) + 16 * bits(block, 32 + index, 1)) as f32 * half(block, 0) + half(block, 2)
        }
        Packing::Q8_0 => f32::from(block[2 + index].cast_signed()) * half(block, 0),
        Packing::Q2K => {
            let run = index / 16;
            let packed = bits(block, 8 * (16 + 32 * side + within % 32) + within / 32 * 2, 2);
            let (scale, minimum) = (bits(block, 8 * run, 4) as f32, bits(block, 8 * run + 4, 4) as f32);
            half(block, 80) * scale * packed as f32 - half(block, 82) * minimum
        }
        Packing::Q3K => {
            let run = index / 16;
            let low = bits(block, 8 * (96 + run % 8) + run / 8 * 4, 4);
            let high = bits(block, 8 * (104 + run % 4) + run / 4 * 2, 2);
            let packed = bits(block, 8 * (32 + 32 * side + within % 32) + within / 32 * 2, 2);
            let third = bits(block, 8 * (within % 32) + 4 * side + within / 32, 1);
            let scale = half(block, 108) * ((low + 16 * high) as f32 - 32.0);
            scale * ((packed + 4 * third) as f32 - 4.0)
        }
        Packing::Q4K | Packing::Q5K => {
            let (scale, minimum) = six_bits(&block[4..16], index / 32);
            let (values, fifth) = match packing {
                Packing::Q4K => (16, 0),
                _ => (48, bits(block, 8 * (16 + index % 32) + index / 32, 1)),
            };
            let packed = bits(block, 8 * (values + index / 64 * 32 + index % 32) + index / 32 % 2 * 4, 4);
            half(block, 0) * scale * (packed + 16 * fifth) as f32 - half(block, 2) * minimum
        }
        Packing::Q6K => {
            let low = bits(block, 8 * (64 * side + within % 64) + within / 64 * 4, 4);
            let high = bits(block, 8 * (128 + 32 * side + within % 32) + within / 32 * 2, 2);
            let scale = half(block, 208) * f32::from(block[192 + index / 16].cast_signed());
            scale * ((low + 16 * high) as f32 - 32.0)
        }
    }
}

/// Where halves stand in a block.
fn halves(packing: Packing) -> &'static [usize] {
    match packing {
        Packing::Q4_0 | Packing::Q5_0 | Packing::Q8_0 => &[0],
        Packing::Q4_1 | Packing::Q5_1 | Packing::Q4K | Packing::Q5K => &[0, 2],
        Packing::Q2K => &[80, 82],
        Packing::Q3K => &[108],
        Packing::Q6K => &[208],
    }
}

/// Bytes of every kind, with scales that are finite.
fn blocks(packing: Packing, count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let mut bytes: Vec<u8> = (0..count * packing.bytes()).map(|_| byte()).collect();
    for block in bytes.chunks_exact_mut(packing.bytes()) {
        for at in halves(packing) {
            // Small, subnormal ones among them, of both signs; the largest exponent is for what is no number.
            block[at + 1] &= 0b1010_0011;
        }
    }
    bytes
}

fn vectors() -> Vec<Vectors> {
    let mut vectors = vec![Vectors::Plain];
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            vectors.push(Vectors::Wide256);
        }
        if is_x86_feature_detected!("avx512f") {
            vectors.push(Vectors::Wide512);
        }
    }
    vectors
}

#[test]
fn blocks_are_unpacked_to_the_bit_on_every_kind_of_processor() {
    for packing in Packing::ALL {
        let bytes = blocks(packing, 40, packing.bytes() as u64);
        let expected: Vec<u32> = bytes
            .chunks_exact(packing.bytes())
            .flat_map(|block| (0..packing.values()).map(|index| value(packing, block, index).to_bits()))
            .collect();
        for vectors in vectors() {
            let mut found = vec![f32::NAN; 40 * packing.values()];
            packing.unpack_on(vectors, &bytes, &mut found);
            let found: Vec<u32> = found.into_iter().map(f32::to_bits).collect();
            assert!(found == expected, "{packing:?} {vectors:?}");
        }
    }
}

#[test]
fn what_fills_no_block_is_left_alone() {
    for packing in Packing::ALL {
        let bytes = blocks(packing, 2, 3);
        for cut in [0, 1, packing.bytes() - 1, packing.bytes(), packing.bytes() + 1] {
            let mut values = vec![f32::INFINITY; 2 * packing.values()];
            packing.unpack(&bytes[..cut], &mut values);
            let written = cut / packing.bytes() * packing.values();
            assert!(values[..written].iter().all(|value| value.is_finite()), "{packing:?} {cut}");
            assert!(values[written..].iter().all(|value| *value == f32::INFINITY), "{packing:?} {cut}");
        }
        let mut few = vec![f32::INFINITY; packing.values() - 1];
        packing.unpack(&bytes, &mut few);
        assert!(few.iter().all(|value| *value == f32::INFINITY), "{packing:?}");
    }
}
