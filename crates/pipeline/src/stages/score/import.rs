//! `score` of a pipeline that imports: files of another program, mapped by its query, become the table of scores.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use plimsoll_import::{FileSpec, Import, ImportSummary, expand_paths, import};
use plimsoll_store::TableWriter;
use plimsoll_store::tables::scores;
use serde_json::json;

use crate::config::environment::{VariableProblem, expand};
use crate::config::pipeline_config::ImportConfig;
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::observer::{ImportProgress, Observer};
use crate::run_folder::manifest::InputFile;
use crate::run_folder::{RunFolder, table_path};
use crate::score_files::{ScoresFrom, import_failure};
use crate::stage::Stage;
use crate::stage_key::StageDependencies;

/// The files of a pipeline, found and hashed.
#[derive(Debug)]
pub(crate) struct ImportInputs {
    import: Import,
    /// What the scores depend on; the files are in the order of the pipeline's tables.
    pub(crate) dependencies: StageDependencies,
    /// Hash of it, and of the files' paths: the query may make ids of them (column `_file`).
    pub(crate) key: String,
}

impl ImportInputs {
    /// Finds the files of a pipeline in the folder `base`.
    pub(crate) fn find(config: &ImportConfig, base: &Path) -> Result<Self, Failure> {
        let base = base_folder(config, base)?;
        let (mut tables, mut inputs, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (table, file) in &config.files {
            let key = format!("import.files.{table}.path");
            let path = base.join(expanded(&file.path, &key)?);
            let pattern = path.to_str().ok_or_else(|| Failure::usage(format!("{key}: is not UTF-8 text")))?;
            let paths = expand_paths(pattern)
                .map_err(|error| import_failure(error, ScoresFrom::Query).during(key.clone()))?;
            for path in &paths {
                inputs.push(InputFile::from_path(path)?);
                names.push(path.display().to_string());
            }
            let (format, delimiter) = (file.format, file.delimiter_byte());
            let header = file.header.unwrap_or(true);
            // The name of the folder itself says nothing of the rows.
            let root = base.clone();
            tables.push((table.clone(), FileSpec { paths, format, delimiter, header, root }));
        }
        let parameters = json!({"files": config.files, "sql": config.sql});
        let dependencies = StageDependencies { stage: Stage::Score, parameters, inputs };
        let key = dependencies.key_with(&json!({"plan": dependencies.parameters, "paths": names}));
        Ok(Self { import: Import::new(tables, config.sql.clone()), dependencies, key })
    }

    /// Imports the scores, writing them as they come; gives them and the path of the table.
    pub(crate) fn run(
        &self,
        seed: u64,
        folder: &RunFolder,
        observer: &dyn Observer,
    ) -> Result<(ImportSummary, String), Failure> {
        let output = table_path(scores::TABLE.name);
        let provenance = self.dependencies.provenance(seed);
        let writer = TableWriter::create(&scores::TABLE, &folder.path(&output), &provenance);
        let mut writer = writer.or_fail(FailureKind::Stage)?;
        let progress = ImportProgress(observer.rows(Stage::Score.name()));
        let imported = import(&self.import, &progress, Some(&mut |batch| writer.write(batch)));
        drop(progress);
        let imported = imported.map_err(|error| import_failure(error, ScoresFrom::Query))?;
        writer.finish().or_fail(FailureKind::Stage)?;
        for note in &imported.notes {
            observer.note(note);
        }
        Ok((imported, output))
    }
}

/// Where relative paths start.
fn base_folder(config: &ImportConfig, pipeline_folder: &Path) -> Result<PathBuf, Failure> {
    let Some(folder) = &config.folder else { return Ok(pipeline_folder.to_owned()) };
    let base = pipeline_folder.join(expanded(folder, "import.folder")?);
    if base.is_dir() {
        return Ok(base);
    }
    let written = if folder.contains('$') { format!(" (`{folder}`)") } else { String::new() };
    Err(Failure::input(format!(
        "import.folder: there is no folder `{}`{written}; relative folders start at the pipeline's own. Give it with \
         --set import.folder=DIR",
        base.display()
    )))
}

fn expanded(text: &str, key: &str) -> Result<String, Failure> {
    let get = |name: &str| -> Option<OsString> { std::env::var_os(name) };
    expand(text, get).map_err(|problem| {
        Failure::usage(match problem {
            VariableProblem::Unset(name) => format!(
                "{key}: the environment variable {name} of `{text}` is not set; set it ({name}=... plimsoll run \
                 PIPELINE), or give the folder of the files (--set import.folder=DIR)"
            ),
            VariableProblem::NotText(name) => {
                format!("{key}: the environment variable {name} is not UTF-8 text")
            }
            VariableProblem::Malformed => {
                format!("{key}: `{text}` has a `$` that starts no variable; write ${{NAME}}, or $$ for a dollar sign")
            }
        })
    })
}
