//! What stands before the weights: version, metadata, and where each tensor lies.
//!
//! The input is untrusted: no memory is allocated for a count in the file before that count was held
//! against the file's length, and no tensor is handed out that is not whole, aligned and alone in its
//! bytes.

use std::collections::BTreeMap;
use std::io::Read;

use super::blocks::BlockFormat;
use super::cursor::Cursor;
use super::header_error::{HeaderError, TensorError};
use super::limits::{MAX_DIMENSIONS, MAX_KEY_BYTES, MAX_NAME_BYTES};
use super::metadata::Metadata;
use super::value::MetadataValue;

/// Maximum number of pairs of metadata; models have some dozens.
const MAX_PAIRS: u64 = 65_536;
/// Maximum number of tensors; the largest models have some thousands.
const MAX_TENSORS: u64 = 65_536;
/// Where tensors begin, if the metadata do not say.
const DEFAULT_ALIGNMENT: u64 = 32;
const MAX_ALIGNMENT: u64 = 1 << 20;

/// Minimum bytes of a pair: length of the key, one byte of key, type, one byte of value.
const MIN_PAIR: u64 = 8 + 1 + 4 + 1;
/// Minimum bytes of a description: length of the name, one byte of name, dimensions, one dimension,
/// type, offset.
const MIN_DESCRIPTION: u64 = 8 + 1 + 4 + 8 + 4 + 8;

/// What a file says about itself.
#[derive(Debug, Clone)]
pub struct GgufHeader {
    /// 2 or 3, which differ in nothing that is read here.
    pub version: u32,
    /// Keys and values.
    pub metadata: Metadata,
    /// The tensors by name.
    pub tensors: BTreeMap<String, TensorInfo>,
}

/// Where a tensor lies and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its dimensions, outermost first: `[rows, columns]` of a matrix.
    pub shape: Vec<usize>,
    /// How it is packed.
    pub format: BlockFormat,
    /// Where it begins in the file.
    pub offset: u64,
    /// How many bytes it has.
    pub bytes: u64,
}

/// As described; its offset is not checked yet.
struct RawTensorInfo {
    name: String,
    info: TensorInfo,
}

impl GgufHeader {
    /// Reads the header of a file of `length` bytes.
    ///
    /// # Errors
    /// [`HeaderError`] names what is wrong and the key, tensor or byte where it is.
    pub fn read<R: Read>(reader: R, length: u64) -> Result<Self, HeaderError> {
        let mut cursor = Cursor::new(reader, length);
        let version = version(&mut cursor)?;
        let tensors = count(&mut cursor, "tensors", MAX_TENSORS)?;
        let pairs = count(&mut cursor, "metadata pairs", MAX_PAIRS)?;
        let metadata = metadata(&mut cursor, pairs)?;
        let alignment = alignment(&metadata)?;
        let descriptions = descriptions(&mut cursor, tensors)?;
        let start = cursor.at().next_multiple_of(alignment);
        let tensors = placed(descriptions, start, length, alignment)?;
        Ok(Self { version, metadata, tensors })
    }
}

fn version<R: Read>(cursor: &mut Cursor<R>) -> Result<u32, HeaderError> {
    if cursor.expect(1, 4).is_err() {
        return Err(HeaderError::NotGguf);
    }
    if cursor.array().map_err(HeaderError::Counts)? != *b"GGUF" {
        return Err(HeaderError::NotGguf);
    }
    match cursor.u32().map_err(HeaderError::Counts)? {
        version @ 2..=3 => Ok(version),
        version if version.trailing_zeros() >= 16 && version != 0 => Err(HeaderError::BigEndian),
        version => Err(HeaderError::Version { version }),
    }
}

fn count<R: Read>(cursor: &mut Cursor<R>, what: &'static str, max: u64) -> Result<u64, HeaderError> {
    let count = cursor.u64().map_err(HeaderError::Counts)?;
    if count > max {
        return Err(HeaderError::TooMany { count, what, max });
    }
    Ok(count)
}

fn metadata<R: Read>(cursor: &mut Cursor<R>, pairs: u64) -> Result<Metadata, HeaderError> {
    cursor.expect(pairs, MIN_PAIR).map_err(HeaderError::Counts)?;
    let mut values = BTreeMap::new();
    for index in 0..pairs {
        let key = cursor.text();
        let key = key.map_err(|source| HeaderError::Key { index, source })?;
        let bytes = key.len();
        if bytes == 0 || bytes > MAX_KEY_BYTES {
            return Err(HeaderError::KeyLength { index, bytes });
        }
        if values.contains_key(&key) {
            return Err(HeaderError::DuplicateKey { key });
        }
        match MetadataValue::read(cursor) {
            Ok(value) => values.insert(key, value),
            Err(source) => return Err(HeaderError::Value { key, source }),
        };
    }
    Ok(Metadata::new(values))
}

fn alignment(metadata: &Metadata) -> Result<u64, HeaderError> {
    match metadata.get("general.alignment") {
        None => Ok(DEFAULT_ALIGNMENT),
        Some(MetadataValue::Unsigned(alignment))
            if alignment.is_power_of_two() && *alignment <= MAX_ALIGNMENT =>
        {
            Ok(*alignment)
        }
        Some(_) => Err(HeaderError::Alignment),
    }
}

fn descriptions<R: Read>(cursor: &mut Cursor<R>, tensors: u64) -> Result<Vec<RawTensorInfo>, HeaderError> {
    cursor.expect(tensors, MIN_DESCRIPTION).map_err(HeaderError::Counts)?;
    (0..tensors).map(|index| description(cursor, index)).collect()
}

fn description<R: Read>(cursor: &mut Cursor<R>, index: u64) -> Result<RawTensorInfo, HeaderError> {
    let damaged = |source| HeaderError::Description { index, source };
    let name = cursor.text().map_err(damaged)?;
    let bytes = name.len();
    if bytes == 0 || bytes > MAX_NAME_BYTES {
        return Err(HeaderError::NameLength { index, bytes });
    }
    let dimensions = cursor.u32().map_err(damaged)?;
    if dimensions == 0 || dimensions > MAX_DIMENSIONS {
        let source = TensorError::Dimensions { dimensions };
        return Err(HeaderError::Tensor { name, source });
    }
    let shape: Result<Vec<u64>, _> = (0..dimensions).map(|_| cursor.u64()).collect();
    let shape = shape.map_err(damaged)?;
    let id = cursor.u32().map_err(damaged)?;
    let offset = cursor.u64().map_err(damaged)?;
    match info(shape, id, offset) {
        Ok(info) => Ok(RawTensorInfo { name, info }),
        Err(source) => Err(HeaderError::Tensor { name, source }),
    }
}

/// `shape` is innermost first, as in the file.
fn info(shape: Vec<u64>, id: u32, offset: u64) -> Result<TensorInfo, TensorError> {
    let format = BlockFormat::from_id(id).map_err(|name| TensorError::Format { id, name })?;
    let block = format.values_per_block();
    let row = shape.first().copied().unwrap_or(0);
    let outermost_first: Option<Vec<usize>> =
        shape.iter().rev().map(|&size| usize::try_from(size).ok()).collect();
    let bytes = shape
        .iter()
        .try_fold(1_u64, |values, &size| values.checked_mul(size))
        .filter(|&values| values > 0 && i64::try_from(values).is_ok())
        .and_then(|values| (values / block as u64).checked_mul(format.bytes_per_block() as u64));
    let (Some(outermost_first), Some(bytes)) = (outermost_first, bytes) else {
        return Err(TensorError::Shape { shape });
    };
    if !row.is_multiple_of(block as u64) {
        let format = format.name();
        return Err(TensorError::Row { format, block, row });
    }
    Ok(TensorInfo { shape: outermost_first, format, offset, bytes })
}

/// Turns offsets in the data into offsets in the file, and refuses tensors that are not alone there.
fn placed(
    descriptions: Vec<RawTensorInfo>,
    start: u64,
    length: u64,
    alignment: u64,
) -> Result<BTreeMap<String, TensorInfo>, HeaderError> {
    let data = length.saturating_sub(start);
    let mut tensors = BTreeMap::new();
    for RawTensorInfo { name, mut info } in descriptions {
        if let Err(source) = check_offset(&info, data, alignment) {
            return Err(HeaderError::Tensor { name, source });
        }
        if tensors.contains_key(&name) {
            let source = TensorError::Duplicate;
            return Err(HeaderError::Tensor { name, source });
        }
        info.offset += start;
        tensors.insert(name, info);
    }
    let mut in_order: Vec<_> = tensors.iter().collect();
    in_order.sort_by_key(|(_, info)| info.offset);
    for pair in in_order.windows(2) {
        let [(other, before), (name, after)] = pair else {
            continue;
        };
        if before.offset + before.bytes > after.offset {
            let (name, other) = ((*name).clone(), (*other).clone());
            let source = TensorError::Overlap { other };
            return Err(HeaderError::Tensor { name, source });
        }
    }
    Ok(tensors)
}

fn check_offset(info: &TensorInfo, data: u64, alignment: u64) -> Result<(), TensorError> {
    let (offset, bytes) = (info.offset, info.bytes);
    if !offset.is_multiple_of(alignment) {
        return Err(TensorError::Misaligned { offset, alignment });
    }
    if offset.checked_add(bytes).is_none_or(|end| end > data) {
        return Err(TensorError::OutOfFile { offset, bytes, data });
    }
    Ok(())
}
