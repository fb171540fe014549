//! `README.md`: the run folder as a dataset of the hub.

mod subset;

use std::collections::BTreeSet;
use std::fmt::Write as _;

pub use subset::card_with_tables;

use crate::figures::Grid;
use crate::findings::{Tone, findings};
use crate::inputs::{ReportInputs, TableFacts};
use crate::page::{datasets, models, served};
use crate::text::{count, markdown, pair_name, quoted};
use crate::view::PairView;

/// Licences that the hub knows under a name of its own, by SPDX id.
const HUB_LICENCES: &[(&str, &str)] = &[
    ("MIT", "mit"),
    ("Apache-2.0", "apache-2.0"),
    ("CC-BY-4.0", "cc-by-4.0"),
    ("CC-BY-SA-3.0", "cc-by-sa-3.0"),
    ("CC-BY-SA-4.0", "cc-by-sa-4.0"),
    ("CC-BY-NC-4.0", "cc-by-nc-4.0"),
    ("CC0-1.0", "cc0-1.0"),
    ("BSD-3-Clause", "bsd-3-clause"),
];

/// Classes of size that the hub knows: rows below, and its name.
const SIZES: &[(u64, &str)] = &[
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
];

/// The table that is shown first.
const DEFAULT_TABLE: &str = "calibration";

/// Renders the card.
pub(crate) fn card(inputs: &ReportInputs, pairs: &[PairView<'_>]) -> String {
    let mut text = front_matter(inputs);
    let _ = writeln!(text, "# {}\n", markdown(&inputs.provenance.pipeline));
    text.push_str(
        "Thresholds that say when a small language model (SLM) should keep its answer and when it should defer to a larger \
         one (LLM), with the calibration set that they were fitted on and the tables that evaluate them. Made by \
         Plimsoll after *Confident or Seek Stronger* (arXiv:2502.04428).\n\n",
    );
    let _ = writeln!(
        text,
        "```python\nimport datasets\n\ncalibration = datasets.load_dataset(\"path/to/this/folder\", \"{DEFAULT_TABLE}\", split=\"train\")\n```\n"
    );
    text.push_str("`report.html` shows all results; `figures/` holds the figures as SVG; `*.thresholds.json` is what a deployment reads.\n\n");
    text.push_str("## Findings\n\n");
    for pair in pairs {
        let _ = writeln!(text, "### {}\n", markdown(&pair_name(pair.slm, pair.llm)));
        for finding in findings(pair) {
            let word = match finding.tone {
                Tone::Holds => "**Holds:** ",
                Tone::Caution => "**Caution:** ",
                Tone::Plain => "",
            };
            let _ = writeln!(text, "- {word}{}", markdown(&finding.text));
        }
        text.push('\n');
    }
    provenance(&mut text, inputs);
    licences(&mut text, inputs);
    text.push_str("## Tables\n\n");
    for table in &inputs.tables {
        columns(&mut text, table);
    }
    text.push_str(LIMITS);
    text
}

fn front_matter(inputs: &ReportInputs) -> String {
    let mut text = String::from("---\n");
    let _ = writeln!(text, "license: {}", licence(inputs));
    let _ = writeln!(text, "pretty_name: {}", quoted(&inputs.provenance.pipeline));
    text.push_str(
        "language:\n- en\ntags:\n- uncertainty-quantification\n- llm-routing\n- calibration\n- plimsoll\n",
    );
    let largest = inputs.tables.iter().filter_map(|table| table.rows).max();
    if let Some(rows) = largest {
        let size = SIZES.iter().find(|(below, _)| rows < *below).map_or("100M<n<1B", |(_, name)| name);
        let _ = writeln!(text, "size_categories:\n- {size}");
    }
    if !inputs.tables.is_empty() {
        text.push_str("configs:\n");
    }
    for table in &inputs.tables {
        let _ = writeln!(
            text,
            "- config_name: {}\n  data_files:\n  - split: train\n    path: {}",
            quoted(&table.name),
            quoted(&table.files)
        );
        if table.name == DEFAULT_TABLE {
            text.push_str("  default: true\n");
        }
    }
    text.push_str("---\n\n");
    text
}

/// The hub's name for the licence: of all datasets, where they share one; `other` where they do not, `unknown` where one
/// of them is not known.
fn licence(inputs: &ReportInputs) -> &'static str {
    let all: BTreeSet<Option<&str>> = inputs.datasets.iter().map(|facts| facts.licence.as_deref()).collect();
    let mut all = all.into_iter();
    match (all.next(), all.next()) {
        (Some(Some(one)), None) => {
            HUB_LICENCES.iter().find(|(spdx, _)| *spdx == one).map_or("other", |(_, name)| name)
        }
        (Some(Some(_)), Some(_)) => "other",
        // `None` sorts first.
        _ => "unknown",
    }
}

fn provenance(text: &mut String, inputs: &ReportInputs) {
    let provenance = &inputs.provenance;
    let _ = writeln!(
        text,
        "## How it was made\n\nPipeline `{}` (SHA-256 `{}`), Plimsoll {}. The SLM answered every question, a method turned what was \
         observed into a confidence in \\[0, 1\\] (higher = more likely right), both models' answers were graded. Per SLM and \
         method the confidences of all datasets are pooled and cut into equal-width bins, and a seeded systematic sample, \
         ordered by bin, is drawn: the table `calibration`. Thresholds are fitted on it, and evaluated on datasets that were \
         left out of it.\n",
        markdown(&provenance.pipeline),
        markdown(&provenance.pipeline_sha256),
        markdown(&provenance.program_version)
    );
    if let Some(file) = inputs.thresholds.first() {
        let of = &file.calibration;
        let _ = writeln!(
            text,
            "{} bins, {} of each, seed {}, {} bootstrap replicates.\n",
            of.bins, of.fraction, of.seed, of.bootstrap
        );
    }
    if !inputs.thresholds.is_empty() {
        table(text, &models(&inputs.thresholds));
    }
    if let Some(grid) = served(inputs) {
        text.push_str("What the servers said they are:\n\n");
        table(text, &grid);
    }
}

fn licences(text: &mut String, inputs: &ReportInputs) {
    text.push_str("## Datasets and their licences\n\n");
    if inputs.datasets.is_empty() {
        text.push_str("Not known.\n\n");
        return;
    }
    text.push_str(
        "The rows keep the licences of the datasets that they come from. Where none is given the pipeline does not know it; \
         find out before you pass the rows on.\n\n",
    );
    table(text, &datasets(inputs));
}

fn columns(text: &mut String, facts: &TableFacts) {
    let rows = facts.rows.map_or_else(String::new, |rows| format!(", {} rows", count(rows)));
    let _ = writeln!(text, "### `{}`\n\n{} (`{}`{rows})\n", facts.name, markdown(&facts.about), facts.files);
    let mut grid = Grid::new(&["column", "type", "what it says"]);
    for column in &facts.columns {
        grid.rows.push(vec![column.name.clone(), column.kind.clone(), column.about.clone()]);
    }
    table(text, &grid);
}

fn table(text: &mut String, grid: &Grid) {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| markdown(cell)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    text.push_str(&line(&grid.head));
    let _ = writeln!(text, "|{}", "---|".repeat(grid.head.len()));
    for row in &grid.rows {
        text.push_str(&line(row));
    }
    text.push('\n');
}

const LIMITS: &str = "## Limits\n\n\
- A threshold belongs to the model as it was run: other weights, quantisation, prompt or decoding need others.\n\
- A guarantee is on the distribution of the pool, for one operating point. On data of another kind nothing is guaranteed; \
the table `transfer` counts how often it is violated there.\n\
- Intervals are 95 % bootstrap intervals over clusters with the threshold held fixed, not adjusted for how many are shown.\n\
- Grades are as good as whoever graded: rules, a judge, or the source that the rows were imported from.\n\
- A null is missing, undefined or not applicable. It is never zero.\n";
