//! What a table is, and its Arrow schema.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use plimsoll_core::schema::{Column, ColumnType, TableRow};
use serde::Serialize;

/// The Arrow type of a column. Items of a list are never null.
pub fn data_type(column_type: ColumnType) -> DataType {
    match column_type {
        ColumnType::Text => DataType::Utf8,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Int32 => DataType::Int32,
        ColumnType::UInt32 => DataType::UInt32,
        ColumnType::UInt64 => DataType::UInt64,
        ColumnType::Float32 => DataType::Float32,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::List(item) => DataType::List(Arc::new(Field::new_list_field(data_type(*item), false))),
        ColumnType::Struct(columns) => DataType::Struct(fields(columns)),
    }
}

fn fields(columns: &[Column]) -> Fields {
    let field = |column: &Column| Field::new(column.name, data_type(column.column_type), column.nullable);
    columns.iter().map(field).collect()
}

/// A table: its name and version. Its columns are the fields of its rows.
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
    /// The table whose rows are `R`.
    pub const fn new<R: TableRow>(name: &'static str, version: u32) -> Self {
        Self { name, version, columns: R::COLUMNS }
    }

    /// The Arrow schema.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(fields(self.columns)))
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
                arrow_type: data_type(column.column_type).to_string(),
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
        plimsoll_core::table_row! {
            /// A row.
            struct Row {
                /// Some "text".
                a: String,
                /// How many.
                b: Option<u64>,
            }
        }
        const TABLE: Table = Table::new::<Row>("t", 3);
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
