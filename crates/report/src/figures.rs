//! The figures: what each shows, drawn, with a table of its values.

pub(crate) mod confidence;
pub(crate) mod cost;
pub(crate) mod heat;
pub(crate) mod routing;
pub(crate) mod targets;
pub(crate) mod top;
pub(crate) mod transfer;

use crate::drawing::{Drawn, Ink, Panel, sheet};
use crate::error::ReportError;
use crate::text::{NONE, file_part};
use crate::view::PairView;

/// A table of texts; the first cell of a row names it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grid {
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Grid {
    /// A table with these columns.
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|text| (*text).to_owned()).collect(), rows: Vec::new() }
    }
}

impl Grid {
    /// Without the columns of which nothing is known.
    pub(crate) fn known(mut self) -> Self {
        let empty = |column: usize, rows: &[Vec<String>]| {
            column > 0
                && rows.iter().all(|row| row.get(column).is_none_or(|cell| cell.is_empty() || cell == NONE))
        };
        let keep: Vec<bool> = (0..self.head.len()).map(|column| !empty(column, &self.rows)).collect();
        for cells in std::iter::once(&mut self.head).chain(&mut self.rows) {
            let mut keep = keep.iter();
            cells.retain(|_| keep.next().copied().unwrap_or(true));
        }
        self
    }
}

/// A figure of one or more panels.
#[derive(Debug, Clone)]
pub(crate) struct Plot {
    /// Name of its file, without the ending.
    pub(crate) name: String,
    pub(crate) title: String,
    /// What is to be seen, for those who cannot see it, and for everybody as a caption.
    pub(crate) about: String,
    pub(crate) legend: Vec<(Ink, String)>,
    pub(crate) panels: Vec<Drawn>,
    /// The values of the figure.
    pub(crate) table: Grid,
}

impl Plot {
    /// Draws the panels of a figure.
    pub(crate) fn new(
        name: String,
        title: String,
        about: String,
        legend: &[(Ink, &str)],
        panels: &[Panel],
    ) -> Result<Self, ReportError> {
        let panels: Result<Vec<Drawn>, ReportError> = panels.iter().map(Panel::draw).collect();
        let legend = legend.iter().map(|(ink, text)| (*ink, (*text).to_owned())).collect();
        Ok(Self { name, title, about, legend, panels: panels?, table: Grid::default() })
    }

    /// The figure as a file.
    pub(crate) fn file(&self) -> String {
        sheet(&self.title, &self.about, &self.legend, &self.panels)
    }

    /// Bytes that it adds to a page, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.panels.iter().map(|panel| panel.inner.len()).sum()
    }
}

/// The start of the names of a pair's files, as its thresholds file is named.
pub(crate) fn pair_part(pair: &PairView<'_>) -> String {
    let llm = pair.llm.map_or_else(String::new, |llm| format!("--{}", file_part(llm)));
    format!("{}{llm}", file_part(pair.slm))
}
