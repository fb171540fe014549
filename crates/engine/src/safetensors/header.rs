//! The header of a safetensors file: eight bytes of length, then JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::regular::open_regular;
use crate::weights_error::{HeaderProblem, WeightsError};

/// Maximum size of a header. That of a model with 100,000 tensors has 12 MB.
const MAX_HEADER: u64 = 32 << 20;
/// Bytes of the length before it.
const LENGTH: u64 = 8;
/// Maximum number of dimensions of a tensor; those of decoders have one or two.
const MAX_DIMENSIONS: usize = 8;

/// A header, checked against the length of its file.
#[derive(Debug)]
pub(super) struct SafetensorsHeader {
    pub(super) entries: BTreeMap<String, TensorEntry>,
}

/// A tensor's type, shape and location.
#[derive(Debug)]
pub(super) struct TensorEntry {
    /// The type of its values, as the file spells it.
    pub(super) stored: String,
    pub(super) shape: Vec<usize>,
    /// The first byte in the file.
    pub(super) begin: u64,
    pub(super) bytes: u64,
}

impl TensorEntry {
    pub(super) fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// As the JSON has it: offsets count from the end of the header.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

/// Entries by name, each name once; `__metadata__` is read over.
struct RawHeader(BTreeMap<String, RawEntry>);

impl SafetensorsHeader {
    pub(super) fn read(path: &Path) -> Result<Self, WeightsError> {
        let failed = |source| WeightsError::Io { action: "read", path: path.to_owned(), source };
        let (file, bytes) = open_regular(path).map_err(|source| WeightsError::Io {
            action: "open",
            path: path.to_owned(),
            source,
        })?;
        let (text, begin) = read_text(file, bytes).map_err(failed)?.map_err(|problem| at(path, problem))?;
        let raw: RawHeader =
            serde_json::from_slice(&text).map_err(|source| at(path, HeaderProblem::Json(source)))?;
        drop(text);
        check(raw, begin, bytes).map_err(|problem| at(path, problem))
    }
}

fn at(path: &Path, problem: HeaderProblem) -> WeightsError {
    WeightsError::Safetensors { path: path.to_owned(), problem }
}

/// The JSON, and where the tensors begin. Nothing is allocated before the length is believed.
fn read_text(mut file: File, bytes: u64) -> io::Result<Result<(Vec<u8>, u64), HeaderProblem>> {
    if bytes < LENGTH {
        return Ok(Err(HeaderProblem::Truncated { bytes, wanted: LENGTH }));
    }
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER {
        return Ok(Err(HeaderProblem::HeaderTooLarge { bytes: length, max: MAX_HEADER }));
    }
    if LENGTH + length > bytes {
        return Ok(Err(HeaderProblem::Truncated { bytes, wanted: LENGTH + length }));
    }
    let mut text = Vec::new();
    file.take(length).read_to_end(&mut text)?;
    Ok(Ok((text, LENGTH + length)))
}

/// Tensors must cover the file from the header to its end, none twice, as the format demands.
fn check(raw: RawHeader, begin: u64, bytes: u64) -> Result<SafetensorsHeader, HeaderProblem> {
    let mut order: Vec<(&String, &RawEntry)> = raw.0.iter().collect();
    order.sort_by_key(|(_, entry)| entry.data_offsets);
    let mut next = 0;
    for (name, entry) in order {
        let (first, end) = entry.data_offsets;
        if end < first || !fits(entry, end - first) {
            let (stored, shape) = (entry.dtype.clone(), entry.shape.clone());
            return Err(HeaderProblem::Range { name: name.clone(), stored, shape, begin: first, end });
        }
        if first != next {
            return Err(HeaderProblem::Gap { name: name.clone(), begin: first, expected: next });
        }
        next = end;
    }
    let wanted = begin.saturating_add(next);
    if wanted > bytes {
        return Err(HeaderProblem::Truncated { bytes, wanted });
    }
    if wanted < bytes {
        return Err(HeaderProblem::Trailing { bytes, wanted });
    }
    let entries = raw.0.into_iter().map(|(name, entry)| {
        let (first, end) = entry.data_offsets;
        let entry =
            TensorEntry { stored: entry.dtype, shape: entry.shape, begin: begin + first, bytes: end - first };
        (name, entry)
    });
    Ok(SafetensorsHeader { entries: entries.collect() })
}

/// Whether shape and type need as many bytes. Of a type that is not known here, a number has a bit at least.
fn fits(entry: &RawEntry, bytes: u64) -> bool {
    if entry.shape.len() > MAX_DIMENSIONS {
        return false;
    }
    let elements = entry.shape.iter().try_fold(1, |product: u64, size| product.checked_mul(*size as u64));
    let Some(elements) = elements else { return false };
    match width(&entry.dtype) {
        Some(width) => elements.checked_mul(width) == Some(bytes),
        None => elements <= bytes.saturating_mul(8),
    }
}

fn width(stored: &str) -> Option<u64> {
    match stored {
        "F64" | "I64" | "U64" => Some(8),
        "F32" | "I32" | "U32" => Some(4),
        "F16" | "BF16" | "I16" | "U16" => Some(2),
        "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2" => Some(1),
        _ => None,
    }
}

impl<'de> Deserialize<'de> for RawHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = RawHeader;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                map.next_value::<de::IgnoredAny>()?;
            } else if entries.insert(name, map.next_value()?).is_some() {
                return Err(de::Error::custom("a tensor is there twice"));
            }
        }
        Ok(RawHeader(entries))
    }
}
