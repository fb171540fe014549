//! Cells of text formats: what type they have, and columns made of them.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder as _, ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, StringBuilder,
};
use arrow::datatypes::DataType;

/// The type of a cell, and of the cells of a column so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CellKind {
    /// Nothing.
    Null,
    /// True or false.
    Boolean,
    /// A 64-bit integer.
    Integer,
    /// A 64-bit float.
    Number,
    Text,
}

impl CellKind {
    /// The type of a CSV cell.
    pub(crate) fn from_cell(cell: &str) -> Self {
        let digits = cell.strip_prefix('-').unwrap_or(cell).as_bytes();
        let Some(first) = digits.first() else {
            return if cell.is_empty() { Self::Null } else { Self::Text };
        };
        if digits.iter().all(u8::is_ascii_digit) {
            // `007` and `-0` are not how an integer is written; as text they keep what they are.
            let canonical = *first != b'0' || cell == "0";
            return if canonical && cell.parse::<i64>().is_ok() { Self::Integer } else { Self::Text };
        }
        if matches!(first, b'+') && digits[1..].iter().all(u8::is_ascii_digit) {
            return Self::Text;
        }
        if cell.parse::<f64>().is_ok() {
            Self::Number
        } else if boolean(cell).is_some() {
            Self::Boolean
        } else {
            Self::Text
        }
    }

    /// The type that holds both.
    pub(crate) fn join(self, other: Self) -> Self {
        match (self, other) {
            (kind, Self::Null) | (Self::Null, kind) => kind,
            (a, b) if a == b => a,
            (Self::Integer, Self::Number) | (Self::Number, Self::Integer) => Self::Number,
            _ => Self::Text,
        }
    }

    /// The Arrow type of a column of this type.
    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Integer => DataType::Int64,
            Self::Number => DataType::Float64,
            Self::Null | Self::Text => DataType::Utf8,
        }
    }
}

/// A column that grows cell by cell.
#[derive(Debug)]
pub(super) enum Cells {
    /// Of [`CellKind::Boolean`].
    Boolean(BooleanBuilder),
    /// Of [`CellKind::Integer`].
    Integer(Int64Builder),
    /// Of [`CellKind::Number`].
    Number(Float64Builder),
    /// Of any other kind.
    Text(StringBuilder),
}

impl Cells {
    /// An empty column of one of the types that [`CellKind::data_type`] gives.
    pub(super) fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Boolean(BooleanBuilder::new()),
            DataType::Int64 => Self::Integer(Int64Builder::new()),
            DataType::Float64 => Self::Number(Float64Builder::new()),
            _ => Self::Text(StringBuilder::new()),
        }
    }

    /// Number of cells.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Boolean(builder) => builder.len(),
            Self::Integer(builder) => builder.len(),
            Self::Number(builder) => builder.len(),
            Self::Text(builder) => builder.len(),
        }
    }

    /// Appends an empty cell.
    pub(super) fn push_null(&mut self) {
        match self {
            Self::Boolean(builder) => builder.append_null(),
            Self::Integer(builder) => builder.append_null(),
            Self::Number(builder) => builder.append_null(),
            Self::Text(builder) => builder.append_null(),
        }
    }

    /// Appends a cell; false if it is not of the column's type, and then nothing is appended.
    pub(super) fn push(&mut self, cell: &str) -> bool {
        fn append<T>(value: Option<T>, append: impl FnOnce(T)) -> bool {
            value.map(append).is_some()
        }
        match self {
            Self::Boolean(builder) => append(boolean(cell), |value| builder.append_value(value)),
            Self::Integer(builder) => append(cell.parse().ok(), |value| builder.append_value(value)),
            Self::Number(builder) => append(cell.parse().ok(), |value| builder.append_value(value)),
            Self::Text(builder) => append(Some(cell), |value| builder.append_value(value)),
        }
    }

    /// The column so far; what follows is a new one.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Number(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
        }
    }
}

fn boolean(cell: &str) -> Option<bool> {
    if cell.eq_ignore_ascii_case("true") {
        Some(true)
    } else if cell.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_kinds() {
        let cases = [
            (CellKind::Null, vec![""]),
            (CellKind::Boolean, vec!["true", "False", "TRUE"]),
            (CellKind::Integer, vec!["0", "7", "-12", "9223372036854775807"]),
            (CellKind::Number, vec!["0.5", "-1e-3", ".5", "1.", "NaN", "inf", "-Infinity", "007.5", "+0.5"]),
            (
                CellKind::Text,
                vec![
                    "007",
                    "-0",
                    "+7",
                    "9223372036854775808",
                    "-",
                    "+",
                    "a",
                    " 1",
                    "1 ",
                    "0x1",
                    "1,5",
                    "yes",
                ],
            ),
        ];
        for (kind, cells) in cases {
            for cell in cells {
                assert_eq!(CellKind::from_cell(cell), kind, "{cell:?}");
            }
        }
    }

    #[test]
    fn joins_commute_and_hold_both() {
        let kinds = [CellKind::Null, CellKind::Boolean, CellKind::Integer, CellKind::Number, CellKind::Text];
        for a in kinds {
            for b in kinds {
                assert_eq!(a.join(b), b.join(a));
                assert_eq!(a.join(b).join(a), a.join(b));
            }
        }
        assert_eq!(CellKind::Integer.join(CellKind::Number), CellKind::Number);
        assert_eq!(CellKind::Boolean.join(CellKind::Integer), CellKind::Text);
    }
}
