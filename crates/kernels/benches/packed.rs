//! Products of packed matrices by every kernel of this machine, beside what one thread of it can do at best.
//!
//! `cargo bench -p plimsoll-kernels`; a word after `--` picks names that hold it, such as `Q4K` or `amx`. Throughput is in
//! multiply-adds, two operations each: a limit of 1000 G operations is 500 Gelem/s.

#![expect(clippy::print_stdout, reason = "limits are printed beside the figures")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use plimsoll_kernels::limits;
use plimsoll_kernels::packed::{Kernel, PackedMatrix, Packing};
use plimsoll_kernels::product::Threads;

/// Outputs and inputs of matrices: of a model of 0.5B parameters, in whole blocks of every packing.
const SHAPES: [[usize; 2]; 2] = [[4864, 768], [768, 4864]];
/// One row as in decoding, sixteen, a prompt.
const ROWS: [usize; 3] = [1, 16, 256];
/// Packings of files that are common: with and without minima, of either block.
const PACKINGS: [Packing; 4] = [Packing::Q4_0, Packing::Q4_1, Packing::Q4K, Packing::Q6K];
/// Of a list that no cache holds, in 8 bytes each.
const LIST: usize = 32 << 20;

fn print_limits() {
    for kernel in Kernel::all() {
        if let Some(limit) = limits::int8_per_second(kernel) {
            println!("limit of a thread, {}: {:.0} G operations/s in 8 bits", kernel.choice(), limit * 1e-9);
        }
    }
    if let Some(limit) = limits::f32_per_second() {
        println!("limit of a thread, f32: {:.0} G operations/s", limit * 1e-9);
    }
    let list = vec![1; LIST];
    println!("limit of a thread, memory: {:.1} GB/s", limits::bytes_per_second(&list) * 1e-9);
}

/// Any codes; bytes below 60, so that scales in half precision are finite.
fn matrix(packing: Packing, [outputs, inputs]: [usize; 2]) -> Option<PackedMatrix> {
    let bytes: Vec<u8> = (0..outputs * inputs / packing.values() * packing.bytes())
        .map(|index| u8::try_from((index * 73 + index / 7) % 60).unwrap_or_default())
        .collect();
    PackedMatrix::new(packing, [outputs, inputs], &bytes).ok()
}

fn products(criterion: &mut Criterion) {
    print_limits();
    for packing in PACKINGS {
        for shape in SHAPES {
            let Some(matrix) = matrix(packing, shape) else { continue };
            let mut group = criterion.benchmark_group(format!("{packing:?} {}x{}", shape[0], shape[1]));
            for rows in ROWS {
                let values: Vec<f32> = (0..rows * shape[1])
                    .map(|index| ((index * 7919 + 13) % 1009) as f32 / 509.0 - 1.0)
                    .collect();
                group.throughput(Throughput::Elements((rows * shape[0] * shape[1]) as u64));
                for kernel in Kernel::all() {
                    let id = BenchmarkId::new(kernel.choice().name(), format!("{rows} rows"));
                    group.bench_with_input(id, &values, |bencher, values| {
                        bencher.iter(|| black_box(matrix.multiply(kernel, Threads::One, values)));
                    });
                }
            }
            group.finish();
        }
    }
}

criterion_group!(benches, products);
criterion_main!(benches);
