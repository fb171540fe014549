//! `score`: foreign files, mapped by the plan's query, become the table of scores.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use plimsoll_import::{FileSpec, Import, ImportSummary, expand_paths, import};
use plimsoll_store::TableWriter;
use plimsoll_store::tables::scores;
use serde_json::{Value, json};

use super::{SCORE, key};
use crate::console::Console;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::folder::manifest::Source;
use crate::folder::{Done, OutputFolder, Stopwatch, table_path};
use crate::pipeline::plan::Import as Written;
use crate::pipeline::variables::{VariableProblem, expand};
use crate::progress::Progress;
use crate::score_files::{Asked, failure};

/// The files of a plan, found and hashed.
#[derive(Debug)]
pub(crate) struct Inputs {
    import: Import,
    /// What they are, in the order of the plan's tables.
    pub(crate) sources: Vec<Source>,
    /// The part of the plan that the scores depend on.
    pub(crate) parameters: Value,
    /// Hash of everything that the scores depend on.
    pub(crate) key: String,
}

impl Inputs {
    /// Finds the files of a plan that lies at `plan_path`.
    pub(crate) fn find(written: &Written, plan_path: &Path) -> Result<Self, Failure> {
        let base = base_folder(written, plan_path)?;
        let (mut tables, mut sources, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (table, file) in &written.files {
            let place = format!("import.files.{table}.path");
            let path = base.join(expanded(&file.path, &place)?);
            let pattern =
                path.to_str().ok_or_else(|| Failure::usage(format!("{place}: is not UTF-8 text")))?;
            let paths = expand_paths(pattern)
                .map_err(|error| failure(error, Asked::OfQuery).during(place.clone()))?;
            for path in &paths {
                sources.push(Source::of(path)?);
                names.push(path.display().to_string());
            }
            let (format, delimiter) = (file.format, file.delimiter_byte());
            let header = file.header.unwrap_or(true);
            // What the plan's own folder is called says nothing of the rows.
            let root = base.clone();
            tables.push((table.clone(), FileSpec { paths, format, delimiter, header, root }));
        }
        let parameters = json!({"files": written.files, "sql": written.sql});
        // The query may make ids of the files' paths (column `_file`).
        let key = key::key(SCORE, &json!({"plan": parameters, "paths": names}), &sources);
        Ok(Self { import: Import::new(tables, written.sql.clone()), sources, parameters, key })
    }

    /// Imports the scores, writing them as they come.
    pub(crate) fn run(
        &self,
        seed: u64,
        folder: &mut OutputFolder,
        console: &Console,
    ) -> Result<ImportSummary, Failure> {
        let stopwatch = Stopwatch::start();
        let output = table_path(scores::TABLE.name);
        let provenance = key::provenance(SCORE, &self.parameters, &self.sources, seed);
        let writer = TableWriter::create(&scores::TABLE, &folder.path(&output), &provenance);
        let mut writer = writer.or_fail(Kind::Stage)?;
        let progress = Progress::rows(console, SCORE);
        let imported = import(&self.import, &progress, Some(&mut |batch| writer.write(batch)));
        drop(progress);
        let imported = imported.map_err(|error| failure(error, Asked::OfQuery))?;
        writer.finish().or_fail(Kind::Stage)?;
        for note in &imported.notes {
            console.note(note);
        }
        let done = Done {
            stage: SCORE,
            key: self.key.clone(),
            parameters: self.parameters.clone(),
            inputs: self.sources.clone(),
            outputs: vec![output],
            stopwatch,
        };
        folder.record(done)?;
        Ok(imported)
    }
}

/// Where relative paths start.
fn base_folder(written: &Written, plan_path: &Path) -> Result<PathBuf, Failure> {
    let own = plan_path.parent().unwrap_or(Path::new(""));
    let Some(folder) = &written.folder else { return Ok(own.to_owned()) };
    let base = own.join(expanded(folder, "import.folder")?);
    if base.is_dir() {
        return Ok(base);
    }
    let written = if folder.contains('$') { format!(" (`{folder}`)") } else { String::new() };
    Err(Failure::input(format!(
        "import.folder: there is no folder `{}`{written}; relative folders start at the plan's own. Give it with \
         --set import.folder=DIR",
        base.display()
    )))
}

fn expanded(text: &str, place: &str) -> Result<String, Failure> {
    let get = |name: &str| -> Option<OsString> { std::env::var_os(name) };
    expand(text, get).map_err(|problem| {
        Failure::usage(match problem {
            VariableProblem::Unset(name) => format!(
                "{place}: the environment variable {name} of `{text}` is not set; set it ({name}=... plimsoll run \
                 PIPELINE), or give the folder of the files (--set import.folder=DIR)"
            ),
            VariableProblem::NotText(name) => {
                format!("{place}: the environment variable {name} is not UTF-8 text")
            }
            VariableProblem::Malformed => {
                format!("{place}: `{text}` has a `$` that starts no variable; write ${{NAME}}, or $$ for a dollar sign")
            }
        })
    })
}
