//! Where a table comes from, kept as metadata of its file.

use parquet::file::metadata::KeyValue;

use crate::table::Table;

/// Metadata key: the table's name.
pub const TABLE_KEY: &str = "plimsoll.table";
/// Metadata key: the version of the table's schema.
pub const SCHEMA_VERSION_KEY: &str = "plimsoll.schema_version";
const STAGE_KEY: &str = "plimsoll.stage";
const CONFIG_KEY: &str = "plimsoll.config_sha256";
const INPUT_KEY: &str = "plimsoll.input_sha256";
const SEED_KEY: &str = "plimsoll.seed";
const PROGRAM_KEY: &str = "plimsoll.program_version";

/// What made a table. Holds no clock and no host, so that two runs write the same bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The stage that wrote it (`draw`).
    pub stage: String,
    /// SHA-256 of the part of the resolved plan that the stage depends on, hexadecimal: a change
    /// elsewhere in the plan leaves the table's bytes as they are.
    pub config_sha256: String,
    /// SHA-256 of each input, hexadecimal, in the order of the plan.
    pub input_sha256: Vec<String>,
    /// The plan's seed.
    pub seed: u64,
    /// Version of the program.
    pub program_version: String,
}

impl Provenance {
    /// As metadata of a file of this table, in a fixed order.
    pub(crate) fn metadata(&self, table: &Table) -> Vec<KeyValue> {
        [
            (TABLE_KEY, table.name.to_owned()),
            (SCHEMA_VERSION_KEY, table.version.to_string()),
            (STAGE_KEY, self.stage.clone()),
            (CONFIG_KEY, self.config_sha256.clone()),
            (INPUT_KEY, self.input_sha256.join(" ")),
            (SEED_KEY, self.seed.to_string()),
            (PROGRAM_KEY, self.program_version.clone()),
        ]
        .into_iter()
        .map(|(key, value)| KeyValue::new(key.to_owned(), value))
        .collect()
    }

    /// From the metadata of a file; what is absent stays empty.
    pub(crate) fn from_metadata(metadata: &[KeyValue]) -> Self {
        let text = |key| find(metadata, key).unwrap_or_default().to_owned();
        Self {
            stage: text(STAGE_KEY),
            config_sha256: text(CONFIG_KEY),
            input_sha256: text(INPUT_KEY).split_whitespace().map(str::to_owned).collect(),
            seed: text(SEED_KEY).parse().unwrap_or_default(),
            program_version: text(PROGRAM_KEY),
        }
    }
}

/// The value of a metadata key.
pub(crate) fn find<'a>(metadata: &'a [KeyValue], key: &str) -> Option<&'a str> {
    metadata.iter().find(|entry| entry.key == key).and_then(|entry| entry.value.as_deref())
}
