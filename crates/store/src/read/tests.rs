//! Tables read back: whole rows, columns, and files that are damaged.

use std::fs;

use serde::{Deserialize, Serialize};

use super::*;
use crate::write::write_rows;
use plimsoll_core::table_row;

table_row! {
    /// A row.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Row {
        /// A.
        a: f64,
    }
}

table_row! {
    /// The same column, nullable.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Changed {
        /// A.
        a: Option<f64>,
    }
}

static FIRST: Table = Table::new::<Row>("sample", 1);
static SECOND: Table = Table::new::<Row>("sample", 2);
static OTHER: Table = Table::new::<Row>("other", 1);
static CHANGED: Table = Table::new::<Changed>("sample", 1);

#[test]
fn rows_come_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    let mut rows: Vec<Row> = (0..20_000u32).map(|n| Row { a: f64::from(n).sqrt() / 7.0 }).collect();
    rows.extend([0.0, -0.0, f64::MIN_POSITIVE, f64::MAX, 1.0_f64.next_up(), 1e-300].map(|a| Row { a }));
    write_rows(&FIRST, &rows, &path, &Provenance::default()).unwrap();
    let read: Vec<Row> = read_rows(&path, &FIRST).unwrap();
    assert_eq!(read.len(), rows.len());
    assert!(read.iter().zip(&rows).all(|(a, b)| a.a.to_bits() == b.a.to_bits()));
}

#[test]
fn some_columns_alone() {
    table_row! {
        /// All columns.
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Wide {
            /// A.
            a: String,
            /// B.
            b: Option<f64>,
            /// C.
            c: u64,
        }
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Narrow {
        c: u64,
        b: Option<f64>,
    }
    static WIDE: Table = Table::new::<Wide>("wide", 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wide");
    let wide = |c: u64| Wide { a: "x".repeat(100), b: (c > 0).then_some(0.5), c };
    write_rows(&WIDE, &[wide(0), wide(1)], &path, &Provenance::default()).unwrap();
    let narrow: Vec<Narrow> = read_columns(&path, &WIDE, &["b", "c"]).unwrap();
    assert_eq!(narrow, [Narrow { c: 0, b: None }, Narrow { c: 1, b: Some(0.5) }]);
    // What was not asked for is not there, and the file is held to its schema all the same.
    assert!(read_columns::<Wide>(&path, &WIDE, &["b", "c"]).is_err());
    assert!(read_columns::<Narrow>(&path, &FIRST, &["a"]).is_err());
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, table| {
        let path = folder.path().join(name);
        write_rows(table, &[Row { a: 1.0 }], &path, &Provenance::default()).unwrap();
        path
    };
    let (first, second) = (file("first", &FIRST), file("second", &SECOND));
    let garbage = folder.path().join("garbage");
    fs::write(&garbage, "PAR1 but no more").unwrap();
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    let truncated = folder.path().join("truncated");
    let bytes = fs::read(&first).unwrap();
    fs::write(&truncated, &bytes[..bytes.len() / 2]).unwrap();
    let cases: [(&Path, &'static Table, &str); 8] = [
        (&first, &SECOND, "run the stage that writes it again"),
        (&second, &FIRST, "update plimsoll"),
        (&first, &OTHER, "does not hold table `other` but table `sample`"),
        (&first, &CHANGED, "its columns are not those"),
        (&garbage, &FIRST, "garbage"),
        (&empty, &FIRST, "empty"),
        (&truncated, &FIRST, "truncated"),
        (Path::new("/no/such/file"), &FIRST, "cannot open"),
    ];
    for (path, table, expected) in cases {
        let error = read_batches(path, table).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}: {expected}");
    }
}
