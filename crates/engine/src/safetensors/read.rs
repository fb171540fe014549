//! Numbers of one tensor, from the file into their final type.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use candle_core::{DType, WithDType};
use half::{bf16, f16};

use super::header::TensorEntry;
use crate::weights::room;
use crate::weights_error::WeightsError;

/// Bytes that are read at once; a multiple of every width.
const STAGING: usize = 1 << 20;

/// A type of the computation.
pub(super) trait Number: WithDType {
    fn from_f32(value: f32) -> Self;
    fn from_f16(value: f16) -> Self;
    fn from_bf16(value: bf16) -> Self;
    fn value(self) -> f32;
    fn finite(self) -> bool;
}

impl Number for f32 {
    fn from_f32(value: f32) -> Self {
        value
    }

    fn from_f16(value: f16) -> Self {
        value.to_f32()
    }

    fn from_bf16(value: bf16) -> Self {
        value.to_f32()
    }

    fn value(self) -> f32 {
        self
    }

    fn finite(self) -> bool {
        self.is_finite()
    }
}

impl Number for bf16 {
    fn from_f32(value: f32) -> Self {
        Self::from_f32(value)
    }

    fn from_f16(value: f16) -> Self {
        Self::from_f32(value.to_f32())
    }

    fn from_bf16(value: bf16) -> Self {
        value
    }

    fn value(self) -> f32 {
        self.to_f32()
    }

    fn finite(self) -> bool {
        self.is_finite()
    }
}

impl Number for f16 {
    fn from_f32(value: f32) -> Self {
        Self::from_f32(value)
    }

    fn from_f16(value: f16) -> Self {
        value
    }

    fn from_bf16(value: bf16) -> Self {
        Self::from_f32(value.to_f32())
    }

    fn value(self) -> f32 {
        self.to_f32()
    }

    fn finite(self) -> bool {
        self.is_finite()
    }
}

/// A tensor in a file.
pub(super) struct TensorSource<'a> {
    pub(super) path: &'a Path,
    pub(super) name: &'a str,
    pub(super) entry: &'a TensorEntry,
}

impl TensorSource<'_> {
    /// All values, each finite.
    pub(super) fn values<T: Number>(&self) -> Result<Vec<T>, WeightsError> {
        match self.entry.stored.as_str() {
            "F32" => self.each::<T, 4>(|bytes| T::from_f32(f32::from_le_bytes(bytes))),
            "F16" => self.each::<T, 2>(|bytes| T::from_f16(f16::from_le_bytes(bytes))),
            "BF16" => self.each::<T, 2>(|bytes| T::from_bf16(bf16::from_le_bytes(bytes))),
            _ => Err(self.unreadable(T::DTYPE)),
        }
    }

    pub(super) fn unreadable(&self, wanted: DType) -> WeightsError {
        WeightsError::Type { name: self.name.to_owned(), stored: self.entry.stored.clone(), wanted }
    }

    fn each<T: Number, const WIDTH: usize>(
        &self,
        number: impl Fn([u8; WIDTH]) -> T,
    ) -> Result<Vec<T>, WeightsError> {
        let failed = |source| WeightsError::Io { action: "read", path: self.path.to_owned(), source };
        let mut file = self.open_at_start().map_err(failed)?;
        let no_memory = |bytes| WeightsError::Memory { name: self.name.to_owned(), bytes };
        let mut values: Vec<T> = room(self.entry.elements()).map_err(no_memory)?;
        let mut left = self.entry.bytes;
        let mut staging = vec![0; STAGING.min(usize::try_from(left).unwrap_or(STAGING))];
        while left > 0 {
            let count = staging.len().min(usize::try_from(left).unwrap_or(STAGING));
            file.read_exact(&mut staging[..count]).map_err(failed)?;
            let first = values.len();
            values.extend(staging[..count].as_chunks::<WIDTH>().0.iter().map(|bytes| number(*bytes)));
            self.check_finite(&values[first..], first)?;
            left -= count as u64;
        }
        Ok(values)
    }

    /// Opened anew for each tensor, so that threads share no position.
    fn open_at_start(&self) -> io::Result<File> {
        let mut file = File::open(self.path)?;
        file.seek(SeekFrom::Start(self.entry.begin))?;
        Ok(file)
    }

    fn check_finite<T: Number>(&self, values: &[T], first: usize) -> Result<(), WeightsError> {
        // Without a branch for each value, so that the compiler vectorises it.
        if values.iter().fold(true, |all, number| all & number.finite()) {
            return Ok(());
        }
        let found = values.iter().position(|number| !number.finite()).unwrap_or(0);
        let (value, element) = (values[found].value(), first + found);
        Err(WeightsError::NotFinite { name: self.name.to_owned(), value, element })
    }
}
