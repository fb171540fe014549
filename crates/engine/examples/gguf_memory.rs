//! What loading a GGUF file costs: `gguf_memory FILE [f32|bf16]`.
//!
//! Loads every matrix as a decoder would, multiplies once with each, by one row and by 64, and prints one line
//! of JSON: sizes in bytes, resident memory after each step and at its peak (Linux only, else null).

use std::env;
use std::error::Error;
use std::fs;
use std::io::{Write as _, stdout};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use plimsoll_engine::gguf::{GgufFile, GgufWeights};
use plimsoll_engine::{Linear, Placement, Tensors};
use serde_json::json;

/// A line of the process's status, in bytes.
fn status(field: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

fn multiply(
    matrices: &[(Arc<dyn Linear>, usize)],
    rows: usize,
    placement: &Placement,
) -> candle_core::Result<()> {
    for (matrix, columns) in matrices {
        let x = Tensor::ones((rows, *columns), placement.dtype, &placement.device)?;
        drop(matrix.forward(&x)?);
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path = PathBuf::from(arguments.next().ok_or("usage: gguf_memory FILE [f32|bf16]")?);
    let dtype = match arguments.next().as_deref() {
        None | Some("f32") => DType::F32,
        Some("bf16") => DType::BF16,
        Some(other) => return Err(format!("`{other}` is neither f32 nor bf16").into()),
    };
    let placement = Placement { dtype, device: Device::Cpu };
    let before = status("VmRSS");
    let start = Instant::now();
    let weights = GgufWeights::new(GgufFile::open(&path)?)?;
    let (mut matrices, mut vectors) = (Vec::new(), Vec::new());
    for name in weights.names() {
        match *weights.shape(name).unwrap_or_default() {
            [rows, columns] => {
                let matrix = weights.linear(name, [rows, columns], &placement)?;
                matrices.push((matrix, columns));
            }
            ref shape => vectors.push(weights.dense(name, shape, &placement)?),
        }
    }
    let (load_s, loaded, peak) = (start.elapsed().as_secs_f64(), status("VmRSS"), status("VmHWM"));
    multiply(&matrices, 1, &placement)?;
    let after_one = status("VmRSS");
    multiply(&matrices, 64, &placement)?;
    let report = json!({
        "file_bytes": fs::metadata(&path)?.len(),
        "matrices": matrices.len(),
        "matrix_bytes": matrices.iter().map(|(matrix, _)| matrix.bytes()).sum::<usize>(),
        "largest_matrix_bytes": matrices.iter().map(|(matrix, _)| matrix.bytes()).max(),
        "load_s": load_s,
        "rss_before": before,
        "rss_loaded": loaded,
        "peak_of_loading": peak,
        "rss_after_one_row": after_one,
        "rss_after_64_rows": status("VmRSS"),
    });
    writeln!(stdout(), "{report}")?;
    Ok(())
}
