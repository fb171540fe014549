//! What the pages of a Parquet file would unpack to, from their headers, before any is unpacked. The
//! reader allocates what a header says and lets gzip write as much as it likes, so that a file of a few
//! kilobytes could ask for all memory there is.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use crate::error::IngestError;
use crate::limits::{BATCH_ROWS, PAGE_BYTES, ROW_GROUP_BYTES, ROW_GROUP_VALUES};

/// Maximum that one compressed byte of gzip unpacks to (RFC 1951: 258 bytes in two bits).
const GZIP_RATIO: u64 = 1032;
/// Maximum that one compressed byte of an LZ4 frame unpacks to (255 a length byte).
const LZ4_RATIO: u64 = 255;
/// `DELTA_BYTE_ARRAY`, whose values share prefixes: each may be as long as the whole page.
const SHARED_PREFIXES: i64 = 7;
/// The deepest nesting of a page header; real ones have two levels.
const HEADER_DEPTH: u8 = 8;

/// What pages may come to.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageLimits {
    /// Bytes of one page, unpacked.
    page_bytes: u64,
    /// Bytes of a row group's pages, unpacked.
    group_bytes: u64,
    /// Values of a row group's pages.
    group_values: u64,
}

/// The limits for foreign files.
pub(super) const LIMITS: PageLimits =
    PageLimits { page_bytes: PAGE_BYTES, group_bytes: ROW_GROUP_BYTES, group_values: ROW_GROUP_VALUES };

/// Checks every page of a file.
pub(super) fn check(
    path: &Path,
    file: &File,
    metadata: &ParquetMetaData,
    limits: PageLimits,
) -> Result<(), IngestError> {
    let mut reader = BufReader::new(file.try_clone().map_err(IngestError::io(path))?);
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let mut group = RowGroup { path, number, limits, bytes: 0, values: 0, columns: group.columns() };
        (0..group.columns.len()).try_for_each(|column| group.check(column, &mut reader))?;
    }
    reader.rewind().map_err(IngestError::io(path))
}

/// A row group, and what its pages come to so far.
struct RowGroup<'a> {
    path: &'a Path,
    number: usize,
    limits: PageLimits,
    bytes: u64,
    values: u64,
    columns: &'a [ColumnChunkMetaData],
}

impl RowGroup<'_> {
    fn check(&mut self, column: usize, reader: &mut BufReader<File>) -> Result<(), IngestError> {
        let chunk = &self.columns[column];
        let name = chunk.column_path().string();
        let codec = chunk.compression();
        if matches!(codec, Compression::BROTLI(_)) {
            return Err(IngestError::Codec { path: self.path.to_owned(), column: name, codec: "brotli" });
        }
        let (mut at, length) = chunk.byte_range();
        let end = at.saturating_add(length);
        while at < end {
            let page = PageHeader::read(reader, at).map_err(|source| damaged(self.path, &name, &source))?;
            let unpacked = unpacked(&page, codec, reader, self.limits.page_bytes)
                .map_err(|source| damaged(self.path, &name, &source))?;
            self.within(&name, "bytes of an unpacked page:", unpacked, self.limits.page_bytes)?;
            if page.encoding == SHARED_PREFIXES {
                let batch = page.unpacked.saturating_mul(page.values.min(BATCH_ROWS as u64));
                self.within(&name, "bytes of values with shared prefixes:", batch, self.limits.group_bytes)?;
            }
            self.bytes = self.bytes.saturating_add(page.unpacked);
            self.values = self.values.saturating_add(page.values);
            self.within(&name, "bytes of unpacked pages:", self.bytes, self.limits.group_bytes)?;
            self.within(&name, "values:", self.values, self.limits.group_values)?;
            at = page.end;
        }
        Ok(())
    }

    fn within(&self, column: &str, what: &'static str, found: u64, limit: u64) -> Result<(), IngestError> {
        if found <= limit {
            return Ok(());
        }
        let (path, column, row_group) = (self.path.to_owned(), column.to_owned(), self.number);
        Err(IngestError::Oversized { path, column, row_group, what, found, limit })
    }
}

/// What a page unpacks to: what its header says, or more where the unpacking does not heed the header.
/// Gzip that could come to more than the limit is unpacked once, into nothing.
fn unpacked(
    page: &PageHeader,
    codec: Compression,
    reader: &mut BufReader<File>,
    limit: u64,
) -> io::Result<u64> {
    let most = match codec {
        Compression::GZIP(_) => page.packed.saturating_mul(GZIP_RATIO),
        Compression::LZ4 => page.packed.saturating_mul(LZ4_RATIO),
        _ => 0,
    };
    if most <= limit || page.unpacked > limit || !matches!(codec, Compression::GZIP(_)) {
        // What can come to no more than the limit is as good as what the header says.
        return Ok(if most > limit { most.max(page.unpacked) } else { page.unpacked });
    }
    // The levels of a page of the second kind are not packed.
    reader.seek_relative(i64::try_from(page.levels).unwrap_or(i64::MAX))?;
    let packed = reader.by_ref().take(page.packed.saturating_sub(page.levels));
    io::copy(&mut MultiGzDecoder::new(packed).take(limit + 1), &mut io::sink())
}

fn damaged(path: &Path, column: &str, source: &io::Error) -> IngestError {
    IngestError::Damaged {
        path: path.to_owned(),
        message: format!("a page header of column `{column}` cannot be read: {source}"),
    }
}

/// What the header of a page says.
#[derive(Debug, Default, PartialEq, Eq)]
struct PageHeader {
    unpacked: u64,
    packed: u64,
    values: u64,
    encoding: i64,
    /// Bytes before the packed ones.
    levels: u64,
    /// Where the next page starts.
    end: u64,
}

impl PageHeader {
    /// Reads the header at an offset, in Thrift's compact protocol.
    fn read(reader: &mut BufReader<File>, at: u64) -> io::Result<Self> {
        let here = reader.stream_position()?;
        reader.seek_relative(at.cast_signed().wrapping_sub(here.cast_signed()))?;
        let mut thrift = Thrift { reader };
        let mut page = Self::default();
        let mut fields = Fields::default();
        while let Some((field, kind)) = thrift.field(&mut fields)? {
            match (field, kind) {
                (2, ThriftType::Integer) => page.unpacked = size(thrift.integer()?)?,
                (3, ThriftType::Integer) => page.packed = size(thrift.integer()?)?,
                // data_page_header, dictionary_page_header, data_page_header_v2
                (5 | 7 | 8, ThriftType::Struct) => page.read_inner(field, &mut thrift)?,
                _ => thrift.skip(kind, 0)?,
            }
        }
        page.end = reader.stream_position()?.saturating_add(page.packed);
        Ok(page)
    }

    fn read_inner(&mut self, header: i64, thrift: &mut Thrift<'_>) -> io::Result<()> {
        let encoding = if header == 8 { 4 } else { 2 };
        let mut fields = Fields::default();
        while let Some((field, kind)) = thrift.field(&mut fields)? {
            match (field, kind) {
                (1, ThriftType::Integer) => self.values = size(thrift.integer()?)?,
                (field, ThriftType::Integer) if field == encoding => self.encoding = thrift.integer()?,
                (5 | 6, ThriftType::Integer) if header == 8 => self.levels += size(thrift.integer()?)?,
                _ => thrift.skip(kind, 0)?,
            }
        }
        Ok(())
    }
}

fn size(value: i64) -> io::Result<u64> {
    u64::try_from(value).map_err(|_| invalid("a negative size"))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A field's type in the compact protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ThriftType {
    Boolean,
    Byte,
    Integer,
    Double,
    Binary,
    List,
    Map,
    Struct,
}

impl ThriftType {
    fn from_code(code: u8) -> io::Result<Self> {
        Ok(match code {
            1 | 2 => Self::Boolean,
            3 => Self::Byte,
            4..=6 => Self::Integer,
            7 => Self::Double,
            8 => Self::Binary,
            9 | 10 => Self::List,
            11 => Self::Map,
            12 => Self::Struct,
            _ => return Err(invalid("an unknown type")),
        })
    }
}

/// The number of the last field of a struct.
#[derive(Default)]
struct Fields(i64);

/// Just enough of Thrift's compact protocol for page headers.
struct Thrift<'a> {
    reader: &'a mut BufReader<File>,
}

impl Thrift<'_> {
    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(invalid("a number that does not end"))
    }

    fn integer(&mut self) -> io::Result<i64> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// The next field of a struct; `None` at its end.
    fn field(&mut self, last: &mut Fields) -> io::Result<Option<(i64, ThriftType)>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        let kind = ThriftType::from_code(byte & 0x0f)?;
        let step = i64::from(byte >> 4);
        last.0 = if step == 0 { self.integer()? } else { last.0.saturating_add(step) };
        Ok(Some((last.0, kind)))
    }

    fn skip(&mut self, kind: ThriftType, depth: u8) -> io::Result<()> {
        if depth > HEADER_DEPTH {
            return Err(invalid("nested too deep"));
        }
        match kind {
            // Inside a struct its value stands in the type.
            ThriftType::Boolean => Ok(()),
            ThriftType::Byte => self.byte().map(drop),
            ThriftType::Integer => self.varint().map(drop),
            ThriftType::Double => self.pass(8),
            ThriftType::Binary => {
                let length = self.varint()?;
                self.pass(length)
            }
            ThriftType::Struct => {
                let mut fields = Fields::default();
                while let Some((_, kind)) = self.field(&mut fields)? {
                    self.skip(kind, depth + 1)?;
                }
                Ok(())
            }
            ThriftType::List | ThriftType::Map => Err(invalid("a list, which page headers have not")),
        }
    }

    fn pass(&mut self, length: u64) -> io::Result<()> {
        let length = i64::try_from(length).map_err(|_| invalid("a length beyond the file"))?;
        match self.reader.seek(SeekFrom::Current(length)) {
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
    use parquet::basic::{BrotliLevel, Encoding, GzipLevel, ZstdLevel};
    use parquet::file::properties::{
        EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
    };

    use super::*;

    /// Bytes of the one value of the files here.
    const VALUE_BYTES: u64 = 1 << 20;
    const ROOMY: PageLimits =
        PageLimits { page_bytes: 2 * VALUE_BYTES, group_bytes: 2 * VALUE_BYTES, group_values: 10 };
    const TIGHT: PageLimits = PageLimits { page_bytes: VALUE_BYTES / 2, ..ROOMY };

    fn written(properties: WriterPropertiesBuilder, values: &[&str]) -> tempfile::NamedTempFile {
        let properties =
            properties.set_dictionary_enabled(false).set_statistics_enabled(EnabledStatistics::None).build();
        let column: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
        let batch = RecordBatch::try_from_iter([("question", column)]).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer =
            ArrowWriter::try_new(file.reopen().unwrap(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        file
    }

    fn checked(file: &tempfile::NamedTempFile, limits: PageLimits) -> Result<(), IngestError> {
        let opened = file.reopen().unwrap();
        let metadata = ArrowReaderMetadata::load(&opened, ArrowReaderOptions::new()).unwrap();
        check(file.path(), &opened, metadata.metadata(), limits)
    }

    /// Makes the first page's header say that it unpacks to next to nothing; the number keeps its length.
    fn lie(file: &tempfile::NamedTempFile) {
        let mut bytes = std::fs::read(file.path()).unwrap();
        // Field 1 (type), then field 2 (size when unpacked): a zigzag varint.
        let at = bytes.iter().position(|byte| *byte == 0x15).unwrap() + 3;
        let length = bytes[at..].iter().position(|byte| *byte < 0x80).unwrap();
        bytes[at..at + length].fill(0x80);
        bytes[at + length] = 0;
        std::fs::write(file.path(), bytes).unwrap();
    }

    #[test]
    fn pages_are_measured_before_they_are_unpacked() {
        let value = "a".repeat(usize::try_from(VALUE_BYTES).unwrap());
        let codecs = [
            Compression::UNCOMPRESSED,
            Compression::SNAPPY,
            Compression::GZIP(GzipLevel::default()),
            Compression::LZ4_RAW,
            Compression::ZSTD(ZstdLevel::default()),
        ];
        for codec in codecs {
            for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
                let properties =
                    WriterProperties::builder().set_compression(codec).set_writer_version(version);
                let properties = properties.set_encoding(Encoding::PLAIN);
                let file = written(properties, &[&value]);
                checked(&file, ROOMY).unwrap_or_else(|error| panic!("{codec:?} {version:?}: {error}"));
                let error = checked(&file, TIGHT).unwrap_err();
                assert!(
                    matches!(error, IngestError::Oversized { found, .. } if found > VALUE_BYTES),
                    "{codec:?}: {error}"
                );
            }
        }
    }

    #[test]
    fn gzip_that_lies_about_its_size_is_found_out() {
        let value = "a".repeat(usize::try_from(VALUE_BYTES).unwrap());
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let codec = Compression::GZIP(GzipLevel::default());
            let properties = WriterProperties::builder().set_compression(codec).set_writer_version(version);
            let file = written(properties.set_encoding(Encoding::PLAIN), &[&value]);
            lie(&file);
            let error = checked(&file, TIGHT).unwrap_err();
            assert!(matches!(error, IngestError::Oversized { .. }), "{error}");
        }
    }

    #[test]
    fn values_prefixes_and_codecs() {
        let many = written(WriterProperties::builder(), &["x"; 11]);
        assert!(checked(&many, ROOMY).unwrap_err().to_string().contains("values: 11"));
        let value = "a".repeat(1 << 18);
        let shared = WriterProperties::builder().set_encoding(Encoding::DELTA_BYTE_ARRAY);
        let error = checked(&written(shared, &[value.as_str(); 9]), ROOMY).unwrap_err();
        assert!(error.to_string().contains("shared prefixes"), "{error}");
        let brotli = WriterProperties::builder().set_compression(Compression::BROTLI(BrotliLevel::default()));
        assert!(matches!(checked(&written(brotli, &["x"]), ROOMY), Err(IngestError::Codec { .. })));
    }
}
