//! Products of packed matrices: against sums in f64, and all kernels against each other, to the bit.

use super::super::*;
use super::{blocks, halves};
use crate::product::Threads;

/// Of sums of blocks in f32 against sums in f64, as a share of the sum of the sizes of all products.
const F32_TOLERANCE: f64 = 1e-6;
/// Half a unit of a code of 8 bits, as a share of a block's largest activation, and what rounding to f32 adds.
const ROUNDING: f64 = 0.5 / 127.0 + 1e-6;

fn number(index: usize) -> f32 {
    ((index * 7919 + 13) % 1009) as f32 / 509.0 - 1.0
}

fn rows(count: usize, inputs: usize) -> Vec<f32> {
    // Blocks of different sizes, so that a scale of the wrong block shows.
    (0..count * inputs).map(|index| number(index) * (1.0 + (index / 32 % 7) as f32)).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn kernels() -> Vec<Kernel> {
    let all: Vec<Kernel> = Kernel::all().collect();
    assert_eq!(all[0].choice(), KernelChoice::Portable);
    all
}

/// Packed bytes, their matrix, and its values.
fn matrix(packing: Packing, outputs: usize, blocks_of_output: usize) -> (PackedMatrix, Vec<f32>) {
    let bytes = blocks(packing, outputs * blocks_of_output, outputs as u64);
    unpacked(packing, outputs, &bytes)
}

fn unpacked(packing: Packing, outputs: usize, bytes: &[u8]) -> (PackedMatrix, Vec<f32>) {
    let inputs = bytes.len() / packing.bytes() * packing.values() / outputs;
    let mut values = vec![0.0; outputs * inputs];
    packing.unpack(bytes, &mut values);
    (PackedMatrix::new(packing, [outputs, inputs], bytes).unwrap(), values)
}

/// What the rounded row is, in f64, by the definition.
fn rounded(packing: Packing, row: &[f32]) -> Vec<f64> {
    let block = |block: &[f32]| -> Vec<f64> {
        let size = block.iter().fold(0.0_f32, |size, value| size.max(value.abs()));
        if size < 2_f32.powi(-119) {
            return vec![0.0; block.len()];
        }
        let code = |value: &f32| f64::from((value * (127.0 / size)).round_ties_even());
        block.iter().map(|value| code(value) * f64::from(size / 127.0)).collect()
    };
    row.chunks(packing.values()).flat_map(block).collect()
}

/// The product, and the sum of the sizes of what is added.
fn dot(row: &[f64], output: &[f32]) -> (f64, f64) {
    let terms = row.iter().zip(output).map(|(a, b)| a * f64::from(*b));
    terms.fold((0.0, 0.0), |(sum, size), x| (sum + x, size + x.abs()))
}

/// How large a product may be where minima take away what scales give: of both apart.
fn size(packing: Packing, row: &[f64], output: &[f32], code_size: f64) -> f64 {
    let (_, plain) = dot(row, output);
    if layout::Coding::new(packing).minimum {
        plain + row.iter().map(|value| value.abs()).sum::<f64>() * code_size
    } else {
        plain
    }
}

#[test]
fn outputs_are_those_of_the_unpacked_matrix_to_the_bit() {
    for packing in Packing::ALL {
        for (outputs, blocks_of_output) in [(1, 1), (15, 3), (16, 2), (67, 1)] {
            let (matrix, expected) = matrix(packing, outputs, blocks_of_output);
            let inputs = blocks_of_output * packing.values();
            assert_eq!((matrix.outputs(), matrix.inputs(), matrix.packing()), (outputs, inputs, packing));
            let mut values = vec![f32::NAN; inputs];
            for (index, expected) in expected.chunks_exact(inputs).enumerate() {
                assert!(matrix.output(index, &mut values));
                assert_eq!(bits(&values), bits(expected), "{packing:?} {index}");
            }
            assert!(!matrix.output(outputs, &mut values));
            assert!(!matrix.output(usize::MAX, &mut values));
            assert!(!matrix.output(0, &mut values[1..]));
        }
    }
}

#[test]
fn matrices_that_are_not_whole_are_refused() {
    for packing in Packing::ALL {
        let bytes = blocks(packing, 40, 7);
        let inputs = 2 * packing.values();
        let refused = |shape, bytes| PackedMatrix::new(packing, shape, bytes).err();
        assert_eq!(refused([20, inputs], &bytes), None);
        for inputs in [0, 1, inputs - 1, usize::MAX] {
            assert_eq!(refused([20, inputs], &bytes), Some(PackError::Shape), "{inputs}");
        }
        assert_eq!(refused([20, inputs], &bytes[1..]), Some(PackError::Shape));
        for outputs in [0, 19, 21] {
            assert_eq!(refused([outputs, inputs], &bytes), Some(PackError::Outputs), "{outputs}");
        }
        let far = usize::MAX - usize::MAX % packing.values();
        assert!(matches!(refused([20, far], &bytes), Some(PackError::Memory { .. })));
        assert!(matches!(refused([usize::MAX, inputs], &bytes), Some(PackError::Memory { .. })));
        assert!(matches!(refused([usize::MAX / 300, inputs], &bytes), Some(PackError::Memory { .. })));
        assert_eq!(PackedMatrix::new(packing, [0, inputs], &[]).unwrap().outputs(), 0);
    }
}

#[test]
fn a_matrix_that_comes_in_pieces_is_that_of_the_whole() {
    let packing = Packing::Q5K;
    let bytes = blocks(packing, 41, 3);
    let whole = PackedMatrix::new(packing, [41, 256], &bytes).unwrap();
    let mut packer = Packer::new(packing, [41, 256]).unwrap();
    let (one, rest) = bytes.split_at(16 * packing.bytes());
    packer.push(one).unwrap();
    packer.push(&[]).unwrap();
    packer.push(rest).unwrap();
    assert_eq!(packer.push(one), Err(PackError::Outputs));
    assert_eq!(packer.finish().unwrap().panels(), whole.panels());
    let mut packer = Packer::new(packing, [41, 256]).unwrap();
    packer.push(&one[..packing.bytes()]).unwrap();
    assert_eq!(packer.push(one), Err(PackError::Outputs), "a panel that is not full comes last");
    assert_eq!(packer.finish().err(), Some(PackError::Outputs));
}

#[test]
fn products_are_those_of_the_rounded_rows() {
    for packing in Packing::ALL {
        for (outputs, blocks_of_output) in [(1, 1), (3, 2), (40, 5), (67, 3), (16, 33)] {
            let (matrix, values) = matrix(packing, outputs, blocks_of_output);
            let inputs = matrix.inputs();
            let rows = rows(19, inputs);
            let product = matrix.multiply(Kernel::best(), Threads::One, &rows);
            for (index, found) in product.iter().enumerate() {
                let row = &rows[index / outputs * inputs..][..inputs];
                let output = &values[index % outputs * inputs..][..inputs];
                let near = rounded(packing, row);
                let ((sum, _), largest) =
                    (dot(&near, output), output.iter().fold(0.0_f32, |a, b| a.max(b.abs())));
                let size = size(packing, &near, output, f64::from(largest));
                let off = (f64::from(*found) - sum).abs();
                assert!(off <= F32_TOLERANCE * size, "{packing:?}: {found} for {sum} of {size}");
                // And those of the rows themselves, as far as 8 bits go.
                let exact: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
                let bound: f64 = row
                    .chunks(packing.values())
                    .zip(output.chunks(packing.values()))
                    .map(|(row, output)| {
                        let size = row.iter().fold(0.0_f32, |size, value| size.max(value.abs()));
                        f64::from(size)
                            * ROUNDING
                            * output.iter().map(|value| f64::from(value.abs())).sum::<f64>()
                    })
                    .sum();
                assert!((f64::from(*found) - dot(&exact, output).0).abs() <= bound + F32_TOLERANCE * size);
            }
        }
    }
}

#[test]
fn all_kernels_give_the_same_bits() {
    for packing in Packing::ALL {
        // More blocks than are prepared at once for tiles, of both sizes.
        for (outputs, blocks_of_output) in [(1, 1), (16, 3), (67, 2), (33, 35)] {
            let (matrix, _) = matrix(packing, outputs, blocks_of_output);
            // Also a row and some more than are multiplied at once: too few for a tile, and enough.
            for count in [0, 1, 2, 7, 8, 9, 15, 16, 17, 20, 33, 257, 259, 260, 275] {
                if count > 33 && blocks_of_output > 3 {
                    continue;
                }
                let rows = rows(count, matrix.inputs());
                let products: Vec<Vec<u32>> = kernels()
                    .into_iter()
                    .map(|kernel| bits(&matrix.multiply(kernel, Threads::One, &rows)))
                    .collect();
                assert_eq!(products[0].len(), count * outputs);
                for (kernel, product) in kernels().iter().zip(&products) {
                    assert!(*product == products[0], "{packing:?} {kernel:?} {outputs} {count}");
                }
            }
        }
    }
}

/// What the decoder's promises rest on: not a bit depends on the rows beside a row, or on threads.
#[test]
fn a_row_has_the_same_bits_whatever_stands_beside_it() {
    for packing in Packing::ALL {
        let (outputs, inputs) = (201, 2 * LARGE);
        let (matrix, _) = matrix(packing, outputs, inputs / packing.values());
        let rows = rows(37, inputs);
        for kernel in kernels() {
            let together = matrix.multiply(kernel, Threads::One, &rows);
            for count in [1, 2, 3, 8, 16, 19, 36] {
                for first in [0, 1, 37 - count] {
                    let some =
                        matrix.multiply(kernel, Threads::One, &rows[first * inputs..][..count * inputs]);
                    assert!(
                        some == together[first * outputs..][..count * outputs],
                        "{packing:?} {kernel:?} {first} {count}"
                    );
                }
            }
            for threads in [2, 3, 8] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let product = pool.install(|| matrix.multiply(kernel, Threads::Pool, &rows));
                assert!(product == together, "{packing:?} {kernel:?} {threads}");
            }
        }
    }
}

/// Codes of all ones or all zeros, the largest scales, activations at the ends of what is rounded.
#[test]
fn extremes_give_the_same_bits_and_no_sum_overflows() {
    for packing in Packing::ALL {
        for byte in [0x00_u8, 0x7f, 0x80, 0xff] {
            let (outputs, blocks_of_output) = (17, 35);
            let mut bytes = vec![byte; outputs * blocks_of_output * packing.bytes()];
            for block in bytes.chunks_exact_mut(packing.bytes()) {
                for at in halves(packing) {
                    block[*at..*at + 2].copy_from_slice(&half::f16::MAX.to_le_bytes());
                }
            }
            let (matrix, values) = unpacked(packing, outputs, &bytes);
            let inputs = matrix.inputs();
            for value in [1.0_f32, -1.0, 0.0, -0.0, 1e-45, -1e-37, f32::MIN_POSITIVE, 1e20, -1e20] {
                let rows = vec![value; 18 * inputs];
                let expected = bits(&matrix.multiply(kernels()[0], Threads::One, &rows));
                for kernel in kernels() {
                    let found = matrix.multiply(kernel, Threads::One, &rows);
                    assert!(bits(&found) == expected, "{packing:?} {kernel:?} {byte} {value}");
                    let near = rounded(packing, &rows[..inputs]);
                    let (sum, plain) = dot(&near, &values[..inputs]);
                    // The sizes of what is added, before minima are taken away.
                    let bound =
                        F32_TOLERANCE * (plain + near.iter().map(|x| x.abs()).sum::<f64>() * 65504.0 * 64.0);
                    assert!(
                        (f64::from(found[0]) - sum).abs() <= bound,
                        "{packing:?} {byte} {value} {}",
                        found[0]
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_not_finite_spoils_its_own_row_only() {
    for packing in Packing::ALL {
        let (matrix, _) = matrix(packing, 20, 2);
        let inputs = matrix.inputs();
        let sound = rows(18, inputs);
        let expected = matrix.multiply(kernels()[0], Threads::One, &sound);
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut rows = sound.clone();
            rows[5 * inputs + 3] = value;
            for kernel in kernels() {
                let found = matrix.multiply(kernel, Threads::One, &rows);
                for (row, (found, expected)) in found.chunks(20).zip(expected.chunks(20)).enumerate() {
                    match row {
                        5 => assert!(
                            found.iter().all(|value| value.is_nan()),
                            "{packing:?} {kernel:?} {value}"
                        ),
                        _ => assert_eq!(bits(found), bits(expected), "{packing:?} {kernel:?} {row}"),
                    }
                }
            }
        }
    }
}

#[test]
fn kernels_are_chosen_by_name() {
    for choice in KernelChoice::ALL {
        assert_eq!(choice.name().parse(), Ok(choice));
        match choice.kernel() {
            Ok(kernel) if choice == KernelChoice::Auto => assert_eq!(kernel, Kernel::best()),
            Ok(kernel) => assert_eq!(kernel.choice(), choice),
            Err(error) => {
                let message = error.to_string();
                assert!(message.contains(choice.name()) && message.contains("portable"), "{message}");
            }
        }
    }
    let message = "fast".parse::<KernelChoice>().unwrap_err().to_string();
    assert!(message.contains("`fast`") && message.contains("avx512-vnni"), "{message}");
    assert!(KernelChoice::Portable.kernel().is_ok());
}
