//! Columns that stand in the names of folders, as Hive, Spark, Polars and others write them:
//! `dataset=a/method=avg/part-0.parquet`.

use std::path::{Component, Path};
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Int64Array, StringViewArray, UInt32Array, new_null_array,
};
use arrow::compute::{cast, take};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use crate::error::ImportError;
use crate::files::{CellKind, FILE_COLUMN, ROW_COLUMN};
use crate::rows::{innermost, is_text};
use crate::spec::FileSpec;

/// What stands for a value that is missing.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The partition columns of the files of a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Partitions(Vec<Partition>);

/// A column whose value is the same in all rows of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Partition {
    name: String,
    data_type: DataType,
    /// The value of each file.
    values: Vec<Option<String>>,
}

/// A folder's name, taken apart.
pub(crate) type FolderPair = (String, Option<String>);

impl Partitions {
    /// Finds the columns. They hold integers where every value is written as one, and text otherwise; those
    /// named in `text` hold text. A column that only some of the files have is an error if it `matters`,
    /// and none otherwise.
    pub(crate) fn find(
        spec: &FileSpec,
        text: &[&str],
        matters: &dyn Fn(&str) -> bool,
    ) -> Result<Self, ImportError> {
        let files: Vec<Vec<FolderPair>> =
            spec.paths.iter().map(|path| pairs(path, &spec.root)).collect::<Result<_, _>>()?;
        let names = |pairs: &[FolderPair]| pairs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let mut columns = files.first().map(|pairs| names(pairs)).unwrap_or_default();
        for (path, pairs) in spec.paths.iter().zip(&files).skip(1) {
            let own = names(pairs);
            let first = (&spec.paths[0], &columns);
            for (has, lacks) in [(first, (path, &own)), ((path, &own), first)] {
                let lacking = has.1.iter().find(|name| !lacks.1.contains(name) && matters(name));
                if let Some(column) = lacking {
                    let (path, column, other) = (lacks.0.clone(), column.clone(), has.0.clone());
                    return Err(ImportError::OtherPartitions { path, column, other });
                }
            }
            columns.retain(|name| own.contains(name));
        }
        let column = |name: String| {
            let value = |pairs: &Vec<FolderPair>| pairs.iter().find(|(known, _)| *known == name)?.1.clone();
            let values: Vec<Option<String>> = files.iter().map(value).collect();
            let kinds = values.iter().flatten().map(|value| CellKind::from_cell(value));
            let joined = kinds.reduce(CellKind::join);
            let is_integer = joined == Some(CellKind::Integer) && !text.contains(&name.as_str());
            let data_type = if is_integer { DataType::Int64 } else { DataType::Utf8View };
            Partition { name, data_type, values }
        };
        Ok(Self(columns.into_iter().map(column).collect()))
    }

    /// Names and types.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&str, &DataType)> {
        self.0.iter().map(|partition| (partition.name.as_str(), &partition.data_type))
    }

    /// What the folders of a file say of a column; `None` is null, or that there is no such column.
    pub(crate) fn value(&self, name: &str, file: usize) -> Option<&str> {
        self.get(name, file)?.1
    }

    fn get(&self, name: &str, file: usize) -> Option<(&Partition, Option<&str>)> {
        let partition = self.0.iter().find(|partition| partition.name == name)?;
        Some((partition, partition.values.get(file).and_then(Option::as_deref)))
    }

    /// So many rows of a column; `None` if there is no such column.
    pub(crate) fn rows(&self, name: &str, file: usize, rows: usize) -> Option<Result<ArrayRef, ArrowError>> {
        let (Partition { data_type, .. }, value) = self.get(name, file)?;
        let Some(value) = value else { return Some(Ok(new_null_array(data_type, rows))) };
        let one: ArrayRef = match (data_type, value.parse()) {
            (DataType::Int64, Ok(value)) => Arc::new(Int64Array::from_value(value, 1)),
            _ => Arc::new(StringViewArray::from(vec![value])),
        };
        Some(take(&one, &UInt32Array::from_value(0, rows), None))
    }

    /// A column of the file that its path names, too: the first row where the two differ, with the file's
    /// value and the path's. What has no one way to be written as text (times, lists) is not compared.
    pub(crate) fn contradiction(
        &self,
        name: &str,
        file: usize,
        column: &ArrayRef,
    ) -> Result<Option<(usize, String, String)>, ArrowError> {
        let Some((_, wanted)) = self.get(name, file) else { return Ok(None) };
        let values = innermost(column.data_type()).clone();
        let comparable = is_text(&values)
            || values.is_numeric()
            || matches!(values, DataType::Boolean | DataType::Null | DataType::Date32 | DataType::Date64);
        if !comparable {
            return Ok(None);
        }
        let texts = cast(column, &DataType::Utf8View)?;
        let texts = texts.as_string_view();
        let text = |row: usize| texts.is_valid(row).then(|| texts.value(row)).filter(|text| !text.is_empty());
        let row = (0..texts.len()).find(|row| !agree(&values, text(*row), wanted));
        let shown =
            |text: Option<&str>| text.map_or_else(|| "nothing".to_owned(), |text| format!("`{text}`"));
        Ok(row.map(|row| (row, shown(text(row)), shown(wanted))))
    }
}

/// Whether two values, as text, are the same value of this type.
fn agree(values: &DataType, a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) if a != b => match values {
            DataType::Boolean => a.eq_ignore_ascii_case(b),
            number if number.is_numeric() => {
                a.parse::<f64>().is_ok_and(|a| b.parse::<f64>().is_ok_and(|b| a == b))
            }
            _ => false,
        },
        (a, b) => a == b,
    }
}

/// What the folders of a path say, those below `root` alone.
pub(crate) fn pairs(path: &Path, root: &Path) -> Result<Vec<FolderPair>, ImportError> {
    let here = |component: &Component<'_>| *component != Component::CurDir;
    let root: Vec<_> = root.components().filter(here).collect();
    let all: Vec<_> = path.components().filter(here).collect();
    let (_, folders) = all.split_last().unwrap_or((&Component::CurDir, &[]));
    let below = folders.strip_prefix(root.as_slice()).unwrap_or(folders);
    let mut pairs = Vec::<FolderPair>::new();
    for folder in below {
        let name = folder.as_os_str().as_encoded_bytes();
        let Some(equals) = name.iter().position(|byte| *byte == b'=').filter(|at| *at > 0) else { continue };
        let decode = |bytes: &[u8]| {
            String::from_utf8(decoded(bytes)).map_err(|_| ImportError::PartitionText {
                path: path.to_owned(),
                folder: folder.as_os_str().to_string_lossy().into_owned(),
            })
        };
        let (column, value) = (decode(&name[..equals])?, decode(&name[equals + 1..])?);
        if column == FILE_COLUMN || column == ROW_COLUMN {
            return Err(ImportError::ReservedColumn { path: path.to_owned(), column });
        }
        if pairs.iter().any(|(known, _)| *known == column) {
            return Err(ImportError::RepeatedPartition { path: path.to_owned(), column });
        }
        pairs.push((column, Some(value).filter(|value| !value.is_empty() && value != NULL)));
    }
    Ok(pairs)
}

/// With `%20` and its like as the bytes that they stand for; what is no such escape stays.
fn decoded(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, more @ ..] = rest {
        let escaped = match more {
            [high, low, ..] if *first == b'%' => digit(high).zip(digit(low)),
            _ => None,
        };
        decoded.push(escaped.map_or(*first, |(high, low)| high * 16 + low));
        rest = if escaped.is_some() { &more[2..] } else { more };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;

    fn pairs_below_root(path: &str) -> Vec<(String, String)> {
        let pairs = pairs(Path::new(path), Path::new("")).unwrap();
        pairs.into_iter().map(|(name, value)| (name, value.unwrap_or_else(|| "-".to_owned()))).collect()
    }

    #[test]
    fn names_of_folders() {
        for (path, expected) in [
            ("hive/dataset=a/method=avg/p.parquet", vec![("dataset", "a"), ("method", "avg")]),
            ("/abs/k=v/p", vec![("k", "v")]),
            ("k=v", vec![]),
            ("p=1/k=v.csv", vec![("p", "1")]),
            ("a%20b=c%2Fd%3d/p", vec![("a b", "c/d=")]),
            ("a=b=c/p", vec![("a", "b=c")]),
            ("a=/b=__HIVE_DEFAULT_PARTITION__/p", vec![("a", "-"), ("b", "-")]),
            ("=a/b/=/p", vec![]),
            ("a=%zz%4/b=100%/c=%/p", vec![("a", "%zz%4"), ("b", "100%"), ("c", "%")]),
            ("a=%C3%A9/\u{e9}=x/p", vec![("a", "\u{e9}"), ("\u{e9}", "x")]),
            ("a=b\tc%0A/p", vec![("a", "b\tc\n")]),
            ("./a=1/../b=2/p", vec![("a", "1"), ("b", "2")]),
        ] {
            let expected: Vec<_> =
                expected.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            assert_eq!(pairs_below_root(path), expected, "{path}");
        }
    }

    #[test]
    fn folders_above_the_root_say_nothing() {
        for (path, root) in [
            ("exp=1/hive/a=2/p", "exp=1"),
            ("./exp=1/a=2/p", "exp=1"),
            ("exp=1/a=2/p", "./exp=1/"),
            ("/x/exp=1/a=2/p", "/x/exp=1"),
        ] {
            let found = pairs(Path::new(path), Path::new(root)).unwrap();
            assert_eq!(found, [("a".to_owned(), Some("2".to_owned()))], "{path}");
        }
        // A path that does not lie below it is one of its own.
        assert_eq!(pairs(Path::new("/y/b=1/p"), Path::new("/x/exp=1")).unwrap().len(), 1);
    }

    #[test]
    fn hostile_folders_are_refused_by_name() {
        let refused = |path: &str| pairs(Path::new(path), Path::new("")).unwrap_err().to_string();
        assert!(refused("a=1/a=2/p").contains("two folders `a=..`"));
        assert!(refused("a=1/%61=2/p").contains("two folders `a=..`"));
        assert!(refused("_row=1/p").contains("`_row`, a name that is kept"));
        assert!(refused("a=%ff/p").contains("folder `a=%ff`"));
        assert!(refused("%c3=1/p").contains("folder `%c3=1`"));
    }

    #[cfg(unix)]
    #[test]
    fn folders_that_are_no_text() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        let path = |bytes: &'static [u8]| PathBuf::from(OsStr::from_bytes(bytes)).join("p");
        assert!(pairs(&path(b"a=\xff"), Path::new("")).unwrap_err().to_string().contains("no UTF-8 text"));
        // Without a value that would become a column it is a folder like any other.
        assert_eq!(pairs(&path(b"\xff"), Path::new("")).unwrap(), []);
    }

    fn find(paths: &[&str], text: &[&str]) -> Result<Partitions, ImportError> {
        let spec = FileSpec::new(paths.iter().map(PathBuf::from).collect()).unwrap();
        Partitions::find(&spec, text, &|name| name != "ignored")
    }

    #[test]
    fn types_are_of_all_files() {
        let types = |paths: &[&str], text: &[&str]| -> Vec<DataType> {
            find(paths, text).unwrap().columns().map(|(_, data_type)| data_type.clone()).collect()
        };
        let (integer, text) = (DataType::Int64, DataType::Utf8View);
        assert_eq!(types(&["a=1/b=x/p.csv", "a=-2/b=1/p.csv"], &[]), [integer.clone(), text.clone()]);
        assert_eq!(types(&["a=1/p.csv", "a=/p.csv"], &[]), [integer]);
        for values in [["1", "007"], ["1", "1.5"], ["true", "false"], ["", ""], ["9223372036854775808", "1"]]
        {
            let paths = values.map(|value| format!("a={value}/p.csv"));
            assert_eq!(types(&[&paths[0], &paths[1]], &[]), std::slice::from_ref(&text), "{values:?}");
        }
        assert_eq!(types(&["a=1/p.csv"], &["a"]), [text]);
    }

    #[test]
    fn layouts_that_differ() {
        for paths in [["a=1/p.csv", "p.csv"], ["p.csv", "a=1/p.csv"], ["b=1/a=1/p.csv", "b=1/p.csv"]] {
            let error = find(&paths, &[]).unwrap_err().to_string();
            assert!(error.contains("lies in no folder `a=..`"), "{error}");
            let named = if paths[0].contains("a=") { paths[1] } else { paths[0] };
            assert!(error.starts_with(&format!("`{named}`")), "{error}");
        }
        // The order of folders does not matter, nor does one that means nothing.
        let found = find(&["a=1/b=2/p.csv", "b=3/ignored=4/a=5/p.csv", "a=6/b=7/p.csv"], &[]).unwrap();
        assert_eq!(found.columns().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(found.0[1].values.iter().flatten().collect::<Vec<_>>(), ["2", "3", "7"]);
        assert_eq!(find(&["ignored=1/p.csv", "p.csv"], &[]).unwrap().0, []);
    }

    #[test]
    fn a_column_of_the_file_says_the_same_as_its_path() {
        let found = find(&["a=7/p.csv", "a=x%20y/p.csv", "a=/p.csv", "a=true/p.csv"], &[]).unwrap();
        let differs = |file: usize, column: ArrayRef| found.contradiction("a", file, &column).unwrap();
        let texts = |values: &[&str]| -> ArrayRef { Arc::new(StringViewArray::from(values.to_vec())) };
        let floats = |value: f64| -> ArrayRef { Arc::new(arrow::array::Float64Array::from(vec![value])) };
        let flags = |value: bool| -> ArrayRef { Arc::new(arrow::array::BooleanArray::from(vec![value])) };
        assert_eq!(differs(0, Arc::new(Int64Array::from(vec![7, 7]))), None);
        assert_eq!(differs(0, floats(7.0)), None);
        assert_eq!(differs(0, texts(&["7", "8"])).unwrap(), (1, "`8`".to_owned(), "`7`".to_owned()));
        assert_eq!(differs(0, texts(&["07"])).unwrap().0, 0);
        assert_eq!(differs(1, texts(&["x y"])), None);
        assert_eq!(differs(2, new_null_array(&DataType::Utf8View, 2)), None);
        assert_eq!(differs(2, texts(&["", "z"])).unwrap().2, "nothing");
        assert_eq!(differs(0, new_null_array(&DataType::Int64, 1)).unwrap().1, "nothing");
        assert_eq!((differs(3, flags(true)), differs(3, flags(false)).is_some()), (None, true));
        assert_eq!(found.contradiction("b", 0, &texts(&["8"])).unwrap(), None);
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_back(name in "[^/=\\x00]{1,8}", value in "[^/\\x00]{0,8}") {
            // As Hive escapes it.
            let escape = |text: &str| -> String {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                let one = |byte: u8| {
                    if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
                };
                text.bytes().map(one).collect()
            };
            prop_assume!(name != FILE_COLUMN && name != ROW_COLUMN);
            let path = format!("hive/{}={}/p.csv", escape(&name), escape(&value));
            let found = pairs(Path::new(&path), Path::new("hive")).unwrap();
            let value = Some(value).filter(|value| !value.is_empty());
            prop_assert_eq!(found, [(name, value)]);
        }

        #[test]
        fn no_path_panics(path in "\\PC{0,40}", root in "\\PC{0,8}") {
            let _ = pairs(Path::new(&path), Path::new(&root));
        }
    }
}
