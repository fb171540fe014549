//! A value of the metadata: a number, a text, or an array of them.

use std::io::Read;

use super::cursor::{Cursor, CursorError};

/// How deep arrays may stand in arrays. The models read here have no nested ones at all.
pub(super) const MAX_DEPTH: usize = 4;
/// How many arrays may stand in an array.
pub(super) const MAX_NESTED: u64 = 4096;

/// Why a value could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// It ends too early, or is no text.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// Its type is none.
    #[error("{id} is no type of a value")]
    UnknownType {
        /// The number.
        id: u32,
    },
    /// Neither true nor false.
    #[error("{byte} is neither true (1) nor false (0)")]
    Boolean {
        /// The byte.
        byte: u8,
    },
    /// Arrays in arrays in arrays.
    #[error("arrays stand more than {MAX_DEPTH} deep in each other")]
    TooDeep,
    /// An array of very many arrays.
    #[error("{count} arrays stand in an array; at most {MAX_NESTED} are allowed")]
    TooManyArrays {
        /// How many.
        count: u64,
    },
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum MetadataValue {
    /// An integer of any width that is not below zero.
    Unsigned(u64),
    /// An integer below zero.
    Negative(i64),
    /// A 32- or 64-bit float.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A text.
    Text(String),
    /// Values of one type.
    Array(Array),
}

/// Values of one type. Numbers keep their width, so that an array takes no more memory than its bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Array {
    /// `u8`, and booleans.
    U8(Vec<u8>),
    /// `i8`.
    I8(Vec<i8>),
    /// `u16`.
    U16(Vec<u16>),
    /// `i16`.
    I16(Vec<i16>),
    /// `u32`.
    U32(Vec<u32>),
    /// `i32`.
    I32(Vec<i32>),
    /// `u64`.
    U64(Vec<u64>),
    /// `i64`.
    I64(Vec<i64>),
    /// `f32`.
    F32(Vec<f32>),
    /// `f64`.
    F64(Vec<f64>),
    /// Texts.
    Texts(TextArray),
    /// Arrays.
    Arrays(Vec<Array>),
}

/// Many texts in one piece of memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextArray {
    joined: String,
    ends: Vec<u32>,
}

impl TextArray {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many bytes they have together.
    pub fn bytes(&self) -> usize {
        self.joined.len()
    }

    /// The text of that index.
    pub fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.joined.get(start as usize..end as usize)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl MetadataValue {
    /// What it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unsigned(_) | Self::Negative(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Bool(_) => "a boolean",
            Self::Text(_) => "a text",
            Self::Array(Array::Texts(_)) => "an array of texts",
            Self::Array(_) => "an array",
        }
    }

    /// Reads the type and the value that follow.
    pub(super) fn read<R: Read>(cursor: &mut Cursor<R>) -> Result<Self, ValueError> {
        let id = cursor.u32()?;
        Ok(match id {
            0 => Self::Unsigned(cursor.array().map(u8::from_le_bytes)?.into()),
            1 => Self::signed(cursor.array().map(i8::from_le_bytes)?.into()),
            2 => Self::Unsigned(cursor.array().map(u16::from_le_bytes)?.into()),
            3 => Self::signed(cursor.array().map(i16::from_le_bytes)?.into()),
            4 => Self::Unsigned(cursor.u32()?.into()),
            5 => Self::signed(cursor.array().map(i32::from_le_bytes)?.into()),
            6 => Self::Float(cursor.array().map(f32::from_le_bytes)?.into()),
            7 => Self::Bool(boolean(cursor)? == 1),
            8 => Self::Text(cursor.text()?),
            9 => Self::Array(Array::read(cursor, 1)?),
            10 => Self::Unsigned(cursor.u64()?),
            11 => Self::signed(cursor.array().map(i64::from_le_bytes)?),
            12 => Self::Float(cursor.array().map(f64::from_le_bytes)?),
            id => return Err(ValueError::UnknownType { id }),
        })
    }

    fn signed(value: i64) -> Self {
        u64::try_from(value).map_or(Self::Negative(value), Self::Unsigned)
    }
}

impl Array {
    /// How many values there are.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::I8(values) => values.len(),
            Self::U16(values) => values.len(),
            Self::I16(values) => values.len(),
            Self::U32(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::U64(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::Texts(texts) => texts.len(),
            Self::Arrays(arrays) => arrays.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn read<R: Read>(cursor: &mut Cursor<R>, depth: usize) -> Result<Self, ValueError> {
        if depth > MAX_DEPTH {
            return Err(ValueError::TooDeep);
        }
        let id = cursor.u32()?;
        let count = cursor.u64()?;
        Ok(match id {
            0 => Self::U8(read_values(cursor, count, u8::from_le_bytes)?),
            1 => Self::I8(read_values(cursor, count, i8::from_le_bytes)?),
            2 => Self::U16(read_values(cursor, count, u16::from_le_bytes)?),
            3 => Self::I16(read_values(cursor, count, i16::from_le_bytes)?),
            4 => Self::U32(read_values(cursor, count, u32::from_le_bytes)?),
            5 => Self::I32(read_values(cursor, count, i32::from_le_bytes)?),
            6 => Self::F32(read_values(cursor, count, f32::from_le_bytes)?),
            7 => Self::U8(gather(cursor, count, 1, boolean)?),
            8 => Self::Texts(texts(cursor, count)?),
            9 if count > MAX_NESTED => return Err(ValueError::TooManyArrays { count }),
            // Type and length.
            9 => Self::Arrays(gather(cursor, count, 12, |cursor| Self::read(cursor, depth + 1))?),
            10 => Self::U64(read_values(cursor, count, u64::from_le_bytes)?),
            11 => Self::I64(read_values(cursor, count, i64::from_le_bytes)?),
            12 => Self::F64(read_values(cursor, count, f64::from_le_bytes)?),
            id => return Err(ValueError::UnknownType { id }),
        })
    }
}

fn boolean<R: Read>(cursor: &mut Cursor<R>) -> Result<u8, ValueError> {
    let [byte] = cursor.array()?;
    if byte > 1 {
        return Err(ValueError::Boolean { byte });
    }
    Ok(byte)
}

/// `count` values of at least `bytes` bytes each. They are known to fit before room is made for them.
fn gather<R: Read, T>(
    cursor: &mut Cursor<R>,
    count: u64,
    bytes: u64,
    mut read: impl FnMut(&mut Cursor<R>) -> Result<T, ValueError>,
) -> Result<Vec<T>, ValueError> {
    cursor.expect(count, bytes)?;
    (0..count).map(|_| read(cursor)).collect()
}

fn read_values<R: Read, T, const N: usize>(
    cursor: &mut Cursor<R>,
    count: u64,
    number: fn([u8; N]) -> T,
) -> Result<Vec<T>, ValueError> {
    gather(cursor, count, N as u64, |cursor| Ok(cursor.array().map(number)?))
}

fn texts<R: Read>(cursor: &mut Cursor<R>, count: u64) -> Result<TextArray, ValueError> {
    // Each has at least its length.
    cursor.expect(count, 8)?;
    let mut texts = TextArray::default();
    for _ in 0..count {
        let bytes = cursor.u64()?;
        cursor.append_text(bytes, &mut texts.joined)?;
        let end = u32::try_from(texts.joined.len());
        let end = end.map_err(|_| CursorError::TooLong { at: cursor.at() })?;
        texts.ends.push(end);
    }
    Ok(texts)
}
