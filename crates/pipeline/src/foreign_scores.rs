//! Results of other programs, written as a table of scores.

use std::path::{Path, PathBuf};

use plimsoll_core::records::ScoreRow;
use plimsoll_files::write_atomic;
use plimsoll_import::expand_paths;
use plimsoll_store::tables::scores;
use plimsoll_store::write_rows;

pub use plimsoll_import::foreign::{
    ConfidenceMap, ForeignFiles, ForeignScores, ForeignTool, LlmRouterFiles, LmEvalFiles, RouteLlmFiles,
};

use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::run_folder::manifest::InputFile;
use crate::score_files::{ScoresFrom, import_failure};
use crate::stage::Stage;
use crate::stage_key::StageDependencies;

/// The files of some patterns.
///
/// # Errors
/// A usage failure for a pattern that matches nothing.
pub fn find(patterns: &[String]) -> Result<Vec<PathBuf>, Failure> {
    let expand =
        |pattern: &String| expand_paths(pattern).map_err(|error| import_failure(error, ScoresFrom::Tables));
    Ok(patterns.iter().map(expand).collect::<Result<Vec<_>, _>>()?.concat())
}

/// Reads what another program wrote, and writes it as a table of scores: Parquet or CSV, as the name of `out` says.
///
/// # Errors
/// A usage failure for another extension, an input failure for files that give no scores.
pub fn convert(files: &ForeignFiles, out: &Path) -> Result<ForeignScores, Failure> {
    let format = TableFormat::from_path(out)?;
    let scores = files.read().map_err(|error| import_failure(error, ScoresFrom::Tables))?;
    let inputs =
        files.paths().into_iter().map(|path| InputFile::from_path(path)).collect::<Result<_, _>>()?;
    let origin = StageDependencies { stage: Stage::Score, parameters: files.parameters(), inputs };
    format.write(&scores.rows, out, &origin)?;
    Ok(scores)
}

#[derive(Debug, Clone, Copy)]
enum TableFormat {
    Parquet,
    Csv,
}

impl TableFormat {
    fn from_path(path: &Path) -> Result<Self, Failure> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("parquet") => Ok(Self::Parquet),
            Some("csv") => Ok(Self::Csv),
            _ => Err(Failure::usage(format!(
                "`{}` ends neither in .parquet nor in .csv: in which format shall it be written?",
                path.display()
            ))),
        }
    }

    fn write(self, rows: &[ScoreRow], out: &Path, origin: &StageDependencies) -> Result<(), Failure> {
        match self {
            Self::Csv => write_csv(rows, out),
            Self::Parquet => {
                // Nothing here is random.
                write_rows(&scores::TABLE, rows, out, &origin.provenance(0)).or_fail(FailureKind::Stage)
            }
        }
    }
}

/// Rows as CSV with a header; what is missing is empty.
fn write_csv(rows: &[ScoreRow], out: &Path) -> Result<(), Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).or_fail(FailureKind::Stage)?;
    }
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error).or_fail(FailureKind::Stage)?;
    write_atomic(out, |file| file.write_all(&bytes)).or_fail(FailureKind::Stage)
}
