//! Bounds on what a file may make this crate hold in memory. A benchmark row is a few kilobytes and a
//! benchmark a few hundred megabytes; what lies far beyond is damage or an attack.

/// Maximum length of a line of a text file, and of a CSV record.
pub const LINE_BYTES: usize = 64 << 20;
/// The largest JSON document that is one array or object; it is read whole.
pub const DOCUMENT_BYTES: u64 = 256 << 20;
/// Maximum number of values in one row, nested ones included.
pub const ROW_CELLS: usize = 2_000_000;
/// Maximum number of rows of one source.
pub const SOURCE_ROWS: u64 = 5_000_000;
/// Maximum text, in bytes, that the questions of one source may hold together.
pub const SOURCE_TEXT_BYTES: u64 = 2 << 30;
/// Maximum length of a label in a label file.
pub const LABEL_BYTES: usize = 64;
/// The largest Parquet page, decompressed.
pub const PAGE_BYTES: u64 = 256 << 20;
/// The largest Parquet row group, decompressed.
pub const ROW_GROUP_BYTES: u64 = 1 << 30;
/// Maximum number of values of a Parquet row group, over all columns.
pub const ROW_GROUP_VALUES: u64 = 50_000_000;
/// Rows of a Parquet file that are decoded at once.
pub const BATCH_ROWS: usize = 512;
/// Maximum number of files and folders that are looked at inside a source folder.
pub const FOLDER_ENTRIES: usize = 20_000;
/// Maximum number of choices of a question: they are labelled A to Z.
pub const CHOICES: usize = 26;
