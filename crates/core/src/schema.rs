//! The columns of a table, derived from the struct of its rows: a field's name, type and doc are the column's.

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text; enums are stored as the names of their variants.
    Text,
    /// True or false.
    Boolean,
    /// A signed 32-bit integer.
    Int32,
    /// An unsigned 32-bit integer.
    UInt32,
    /// An unsigned 64-bit integer.
    UInt64,
    /// A 32-bit float.
    Float32,
    /// A 64-bit float.
    Float64,
    /// A list whose items are all there.
    List(&'static Self),
    /// A group of columns.
    Struct(&'static [Column]),
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name: that of the field.
    pub name: &'static str,
    /// Its type: that of the field.
    pub column_type: ColumnType,
    /// Whether a row may leave it empty (the field is an `Option`): missing, undefined or not applicable, never zero.
    pub nullable: bool,
    /// What it holds, with unit or range: the field's doc in one line.
    pub doc: &'static str,
}

impl Column {
    /// The column for a field of type `T`.
    pub const fn new<T: ColumnValue>(name: &'static str, doc: &'static str) -> Self {
        Self { name, column_type: T::TYPE, nullable: T::NULLABLE, doc: doc.trim_ascii() }
    }
}

/// A type that a column can hold.
pub trait ColumnValue {
    /// Type of the column.
    const TYPE: ColumnType;
    /// Whether the value may be absent.
    const NULLABLE: bool = false;
}

macro_rules! column_values {
    ($($value:ty => $kind:ident),+ $(,)?) => {
        $( impl ColumnValue for $value { const TYPE: ColumnType = ColumnType::$kind; } )+
    };
}

column_values! {
    String => Text,
    &str => Text,
    crate::QuestionId => Text,
    crate::DatasetId => Text,
    crate::DomainId => Text,
    plimsoll_router::thresholds::Status => Text,
    bool => Boolean,
    i32 => Int32,
    u32 => UInt32,
    u64 => UInt64,
    f32 => Float32,
    f64 => Float64,
}

impl<T: ColumnValue> ColumnValue for Option<T> {
    const TYPE: ColumnType = T::TYPE;
    const NULLABLE: bool = true;
}

impl<T: ColumnValue> ColumnValue for Vec<T> {
    const TYPE: ColumnType = ColumnType::List(&T::TYPE);
}

/// A row of a table, or a group of columns within one.
pub trait TableRow {
    /// The columns, in the order of the fields.
    const COLUMNS: &'static [Column];
}

impl<R: TableRow> ColumnValue for R {
    const TYPE: ColumnType = ColumnType::Struct(R::COLUMNS);
}

/// The name of a column, spelled as the field of its row: a field that does not exist does not compile.
///
/// ```
/// use plimsoll_core::{column, records::ScoreRow};
/// assert_eq!(column!(ScoreRow, slm_correct), "slm_correct");
/// ```
#[macro_export]
macro_rules! column {
    ($Row:ty, $field:ident) => {{
        const _: fn(&$Row) = |row| _ = &row.$field;
        stringify!($field)
    }};
}

/// Declares the struct of a row; its columns ([`TableRow`]) are its fields. Each field has a doc and may have serde
/// attributes. The second form is for rows that add columns to another record.
#[macro_export]
macro_rules! table_row {
    (
        $(#[$meta:meta])*
        $vis:vis struct $Row:ident {
            $( $(#[doc = $doc:literal])+ $(#[serde $serde:tt])* $field_vis:vis $field:ident: $Field:ty, )+
        }
    ) => {
        $(#[$meta])*
        $vis struct $Row {
            $( $(#[doc = $doc])+ $(#[serde $serde])* $field_vis $field: $Field, )+
        }

        impl $crate::schema::TableRow for $Row {
            const COLUMNS: &'static [$crate::schema::Column] =
                &[$( $crate::schema::Column::new::<$Field>(stringify!($field), concat!($($doc),+)) ),+];
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis struct $Row:ident<$life:lifetime> {
            $(#[doc = $base_doc:literal])+
            #[serde(flatten)]
            $base_vis:vis $base:ident: &$base_life:lifetime $Base:ty,
            $( $(#[doc = $doc:literal])+ $field_vis:vis $field:ident: $Field:ty, )+
        }
    ) => {
        $(#[$meta])*
        $vis struct $Row<$life> {
            $(#[doc = $base_doc])+
            #[serde(flatten)]
            $base_vis $base: &$base_life $Base,
            $( $(#[doc = $doc])+ $field_vis $field: $Field, )+
        }

        impl $crate::schema::TableRow for $Row<'_> {
            const COLUMNS: &'static [$crate::schema::Column] = {
                const BASE: &[$crate::schema::Column] = <$Base as $crate::schema::TableRow>::COLUMNS;
                const ADDED: &[$crate::schema::Column] =
                    &[$( $crate::schema::Column::new::<$Field>(stringify!($field), concat!($($doc),+)) ),+];
                &$crate::schema::joined::<{ BASE.len() + ADDED.len() }>(BASE, ADDED)
            };
        }
    };
}

/// Two groups of columns as one, of `N` columns in all.
#[doc(hidden)]
pub const fn joined<const N: usize>(first: &[Column], second: &[Column]) -> [Column; N] {
    let mut all = [Column { name: "", column_type: ColumnType::Text, nullable: false, doc: "" }; N];
    let (head, tail) = all.split_at_mut(first.len());
    head.copy_from_slice(first);
    tail.copy_from_slice(second);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    table_row! {
        /// Inner.
        struct Inner {
            /// A letter.
            letter: Option<String>,
        }
    }

    table_row! {
        /// Outer.
        #[derive(serde::Serialize)]
        struct Outer {
            /// A "count",
            /// in two lines.
            #[serde(default)]
            count: u64,
            /// States.
            states: Option<Vec<f32>>,
        }
    }

    #[test]
    fn columns_are_the_fields() {
        let states = ColumnType::List(&ColumnType::Float32);
        let expected = [
            Column {
                name: "count",
                column_type: ColumnType::UInt64,
                nullable: false,
                doc: "A \"count\", in two lines.",
            },
            Column { name: "states", column_type: states, nullable: true, doc: "States." },
        ];
        assert_eq!(Outer::COLUMNS, expected);
        assert_eq!(<Vec<Inner>>::TYPE, ColumnType::List(&ColumnType::Struct(Inner::COLUMNS)));
        assert_eq!(column!(Inner, letter), "letter");
    }
}
