//! What a table is.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::Serialize;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// A 64-bit float.
    Number,
    /// A number of things: an unsigned 64-bit integer.
    Count,
    /// A place in a short list: an unsigned 32-bit integer.
    Index,
    /// A signed 32-bit integer.
    Integer,
    /// True or false.
    Flag,
    /// A list of texts.
    Texts,
    /// A list of choices: structs of `label` and `text`.
    Choices,
    /// A list of tokens: structs of `id`, `text`, `start`, `end` and `logprob`.
    Tokens,
    /// A list of replies to follow-ups: structs of the fields of `FollowUpRow`.
    FollowUps,
    /// A list of 32-bit floats.
    Vector,
}

impl Kind {
    /// The Arrow type.
    pub fn data_type(self) -> DataType {
        let list = |item| DataType::List(Arc::new(Field::new_list_field(item, false)));
        match self {
            Self::Text => DataType::Utf8,
            Self::Number => DataType::Float64,
            Self::Count => DataType::UInt64,
            Self::Index => DataType::UInt32,
            Self::Integer => DataType::Int32,
            Self::Flag => DataType::Boolean,
            Self::Texts => list(DataType::Utf8),
            Self::Choices => {
                let text = |name: &str| Field::new(name, DataType::Utf8, false);
                list(DataType::Struct(vec![text("label"), text("text")].into()))
            }
            Self::Tokens => list(DataType::Struct(token_fields().into())),
            Self::FollowUps => list(DataType::Struct(follow_up_fields().into())),
            Self::Vector => list(DataType::Float32),
        }
    }
}

fn token_fields() -> Vec<Field> {
    vec![
        Field::new("id", DataType::UInt32, true),
        Field::new("text", DataType::Utf8, false),
        Field::new("start", DataType::UInt32, false),
        Field::new("end", DataType::UInt32, false),
        Field::new("logprob", DataType::Float32, true),
    ]
}

fn follow_up_fields() -> Vec<Field> {
    let nullable = |name: &str, kind| Field::new(name, kind, true);
    vec![
        Field::new("id", DataType::Utf8, false),
        nullable("text", DataType::Utf8),
        nullable("finish_reason", DataType::Utf8),
        nullable("starts_in_reasoning", DataType::Boolean),
        nullable("true_mass", DataType::Float64),
        nullable("false_mass", DataType::Float64),
        nullable("censored", DataType::Boolean),
        nullable("missing_reason", DataType::Utf8),
        nullable("prompt_tokens", DataType::UInt64),
        nullable("completion_tokens", DataType::UInt64),
        nullable("cost_usd", DataType::Float64),
    ]
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether a row may leave it empty.
    pub nullable: bool,
    /// What it says, with unit or range.
    pub doc: &'static str,
}

impl Column {
    /// A column that every row fills.
    pub const fn new(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, kind, nullable: false, doc }
    }

    /// A column that rows may leave empty: missing, undefined or not applicable, never zero.
    pub const fn nullable(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, kind, nullable: true, doc }
    }
}

/// A table: the one place that knows its name, version and columns.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name, also that of its file.
    pub name: &'static str,
    /// Version of its schema; raised with every change of the columns.
    pub version: u32,
    /// Its columns, in order.
    pub columns: &'static [Column],
}

impl Table {
    /// The Arrow schema.
    pub fn schema(&self) -> SchemaRef {
        let field = |column: &Column| Field::new(column.name, column.kind.data_type(), column.nullable);
        Arc::new(Schema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The schema as JSON text for `schemas/`: two-space indent, fixed key order, a final newline.
    pub fn dump(&self) -> String {
        let columns = self
            .columns
            .iter()
            .map(|column| DumpedColumn {
                name: column.name,
                arrow_type: column.kind.data_type().to_string(),
                nullable: column.nullable,
                doc: column.doc,
            })
            .collect();
        let dump = Dump { table: self.name, version: self.version, columns };
        // Plain structs of text, numbers and booleans always serialize.
        let mut text = serde_json::to_string_pretty(&dump).unwrap_or_default();
        text.push('\n');
        text
    }
}

#[derive(Serialize)]
struct Dump {
    table: &'static str,
    version: u32,
    columns: Vec<DumpedColumn>,
}

#[derive(Serialize)]
struct DumpedColumn {
    name: &'static str,
    arrow_type: String,
    nullable: bool,
    doc: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_stable() {
        const TABLE: Table = Table {
            name: "t",
            version: 3,
            columns: &[
                Column::new("a", Kind::Text, "Some \"text\"."),
                Column::nullable("b", Kind::Count, "How many."),
            ],
        };
        let expected = r#"{
  "table": "t",
  "version": 3,
  "columns": [
    {
      "name": "a",
      "arrow_type": "Utf8",
      "nullable": false,
      "doc": "Some \"text\"."
    },
    {
      "name": "b",
      "arrow_type": "UInt64",
      "nullable": true,
      "doc": "How many."
    }
  ]
}
"#;
        assert_eq!(TABLE.dump(), expected);
    }
}
