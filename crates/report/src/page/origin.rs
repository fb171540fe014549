//! The provenance section.

use std::fmt::Write as _;

use plimsoll_router::Thresholds;
use plimsoll_router::thresholds::ModelIdentity;

use super::markup::{TextColumns, folded, table};
use crate::figures::Grid;
use crate::inputs::ReportInputs;
use crate::text::{NONE, count, escape, pair_name, percent};

pub(crate) fn section(inputs: &ReportInputs) -> String {
    let provenance = &inputs.provenance;
    // Writing to a string cannot fail.
    let mut html = String::from("<section id=\"origin\">\n<h2>Provenance</h2>\n");
    let _ = writeln!(
        html,
        "<p>Pipeline <strong>{}</strong>, SHA-256 <code>{}</code>, Plimsoll {}.</p>",
        escape(&provenance.pipeline),
        escape(&provenance.pipeline_sha256),
        escape(&provenance.program_version)
    );
    if provenance.excluded_ungraded > 0 {
        let _ = writeln!(
            html,
            "<p>{} rows whose SLM answer is ungraded were left out, as the pipeline says.</p>",
            count(provenance.excluded_ungraded)
        );
    }
    if !inputs.datasets.is_empty() {
        html.push_str("<h3>Datasets</h3>\n");
        html.push_str(&table(&datasets(inputs), "Datasets", TextColumns(&[1, 2, 3, 4, 5])));
    }
    if !inputs.thresholds.is_empty() {
        html.push_str("<h3>Models</h3>\n");
        html.push_str(&table(&models(&inputs.thresholds), "Models", TextColumns(&[1, 2, 3, 4, 5])));
        if let Some(grid) = served(inputs) {
            html.push_str("<h3>What the servers said they are</h3>\n");
            html.push_str(&table(&grid, "What the servers said they are", TextColumns(&[1, 2])));
        }
        html.push_str("<h3>Thresholds files</h3>\n");
        html.push_str(&table(&files(&inputs.thresholds), "Thresholds files", TextColumns(&[6])));
        let sources = sources(&inputs.thresholds);
        if !sources.rows.is_empty() {
            html.push_str("<h3>Files read</h3>\n");
            html.push_str(&table(&sources, "Files read", TextColumns(&[1])));
        }
    }
    if let Some(yaml) = &provenance.pipeline_yaml {
        html.push_str(&folded("The pipeline, resolved", &format!("<pre>{}</pre>\n", escape(yaml))));
    }
    html.push_str("</section>\n");
    html
}

fn or_none(text: Option<&String>) -> String {
    text.cloned().unwrap_or_else(|| NONE.to_owned())
}

/// The datasets as a table; also of the card.
pub(crate) fn datasets(inputs: &ReportInputs) -> Grid {
    let mut grid = Grid::new(&[
        "dataset",
        "domain",
        "source",
        "commit",
        "split",
        "licence",
        "questions",
        "refused",
        "dropped",
    ]);
    let number = |number: Option<u64>| number.map_or_else(|| NONE.to_owned(), count);
    for facts in &inputs.datasets {
        grid.rows.push(vec![
            facts.id.clone(),
            facts.domain.clone(),
            or_none(facts.source.as_ref()),
            or_none(facts.commit.as_ref()),
            or_none(facts.split.as_ref()),
            or_none(facts.licence.as_ref()),
            number(facts.rows),
            number(facts.refused),
            number(facts.dropped),
        ]);
    }
    grid.known()
}

/// The models as a table; also of the card.
pub(crate) fn models(thresholds: &[Thresholds]) -> Grid {
    let mut grid = Grid::new(&["model", "role", "revision", "weights", "quantisation", "decoding"]);
    let small = thresholds.iter().map(|file| ("SLM", &file.slm));
    let large = thresholds.iter().filter_map(|file| Some(("LLM", file.llm.as_ref()?)));
    let mut seen: Vec<(&str, &ModelIdentity)> = Vec::new();
    for (role, model) in small.chain(large) {
        if seen.contains(&(role, model)) {
            continue;
        }
        seen.push((role, model));
        grid.rows.push(vec![
            model.id.clone(),
            role.to_owned(),
            or_none(model.revision.as_ref()),
            or_none(model.weights_sha256.as_ref()),
            or_none(model.quantisation.as_ref()),
            or_none(model.decoding.as_ref()),
        ]);
    }
    grid.known()
}

/// What the servers of models said they are, as a table; also of the card.
pub(crate) fn served(inputs: &ReportInputs) -> Option<Grid> {
    let mut grid = Grid::new(&["model", "served as", "fingerprint", "replies", "share"]);
    for of in &inputs.served {
        let mut row = |model: &str, fingerprint: &str, replies: u64| {
            let cells = [&of.model, model, fingerprint, &count(replies), &percent(replies, of.replies())];
            grid.rows.push(cells.map(str::to_owned).to_vec());
        };
        for state in &of.states {
            let fingerprint = or_none(state.system_fingerprint.as_ref());
            row(&or_none(state.served_model.as_ref()), &fingerprint, state.replies);
        }
        if of.others > 0 {
            row("others", "others", of.others);
        }
    }
    (!grid.rows.is_empty()).then_some(grid)
}

fn files(thresholds: &[Thresholds]) -> Grid {
    let mut grid = Grid::new(&["pair", "bins", "fraction", "seed", "replicates", "labels", "SHA-256"]);
    for file in thresholds {
        let of = &file.calibration;
        let labels = match of.labels {
            plimsoll_router::thresholds::LabelSource::Graded => "graded by rule",
            plimsoll_router::thresholds::LabelSource::Judged => "graded by a judge model",
            other => other.name(),
        };
        grid.rows.push(vec![
            pair_name(&file.slm.id, file.llm.as_ref().map(|llm| llm.id.as_str())),
            of.bins.to_string(),
            of.fraction.to_string(),
            of.seed.to_string(),
            of.bootstrap.to_string(),
            labels.to_owned(),
            file.sha256.clone(),
        ]);
    }
    grid
}

fn sources(thresholds: &[Thresholds]) -> Grid {
    let mut grid = Grid::new(&["file", "SHA-256"]);
    for source in thresholds.iter().flat_map(|file| &file.calibration.sources) {
        let row = vec![source.name.clone(), source.sha256.clone()];
        if !grid.rows.contains(&row) {
            grid.rows.push(row);
        }
    }
    grid
}
