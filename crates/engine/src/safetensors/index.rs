//! The index of sharded weights: which tensor is in which file.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Component, Path};

use serde::Deserialize;

use crate::regular::open_regular;
use crate::weights_error::{IndexProblem, WeightsError};

/// The name of the index.
pub const INDEX: &str = "model.safetensors.index.json";

/// The largest index that is read.
const MAX_INDEX: u64 = 32 << 20;

#[derive(Deserialize)]
struct RawIndex {
    weight_map: BTreeMap<String, String>,
}

/// Names of tensors by the name of their shard.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Vec<String>>, WeightsError> {
    let failed = |source| WeightsError::Io { action: "read", path: path.to_owned(), source };
    let mut text = Vec::new();
    let (file, bytes) = open_regular(path).map_err(failed)?;
    if bytes > MAX_INDEX {
        return Err(at(path, IndexProblem::TooLarge { bytes, max: MAX_INDEX }));
    }
    file.take(MAX_INDEX).read_to_end(&mut text).map_err(failed)?;
    let raw: RawIndex =
        serde_json::from_slice(&text).map_err(|source| at(path, IndexProblem::Json(source)))?;
    let mut shards: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, file) in raw.weight_map {
        if !is_plain_name(&file) {
            return Err(at(path, IndexProblem::Outside { file }));
        }
        shards.entry(file).or_default().push(name);
    }
    if shards.is_empty() {
        return Err(at(path, IndexProblem::Empty));
    }
    Ok(shards)
}

pub(super) fn misplaced(path: &Path, name: String, file: String) -> WeightsError {
    at(path, IndexProblem::Misplaced { name, file })
}

fn at(path: &Path, problem: IndexProblem) -> WeightsError {
    WeightsError::Index { path: path.to_owned(), problem }
}

/// One file of the folder, on every system: no separators, no drive, no `..`.
fn is_plain_name(file: &str) -> bool {
    let mut parts = Path::new(file).components();
    let plain = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
    plain && !file.contains(['/', '\\', ':', '\0'])
}
