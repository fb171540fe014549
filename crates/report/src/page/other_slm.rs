//! What the thresholds of a pair do with another SLM: why a file is bound to its model.

use std::fmt::Write as _;

use super::markup::{self, TextColumns};
use crate::figures::Grid;
use crate::text::share;
use crate::view::PairView;

/// The section; empty for a run of one SLM.
pub(crate) fn section(pair: &PairView<'_>) -> String {
    if pair.other_slm.is_empty() {
        return String::new();
    }
    let mut html = String::from("<h3>With another SLM</h3>\n");
    let _ = writeln!(
        html,
        "<p class=\"soft\">The thresholds of this pair, applied to the confidences of another SLM of the run on the questions that \
         both answered: what a deployment gets whose file is not bound to its model. Shifts are means over the operating \
         points.</p>"
    );
    html.push_str(&markup::table(&grid(pair), "Thresholds applied to another SLM", TextColumns(&[1])));
    html
}

fn grid(pair: &PairView<'_>) -> Grid {
    let mut grid = Grid::new(&[
        "method",
        "other SLM",
        "questions",
        "confidences: median distance",
        "largest",
        "one missing",
        "graded otherwise",
        "routing ratio: shift",
        "largest",
        "routed otherwise",
        "accuracy: shift",
    ]);
    for row in &pair.other_slm {
        grid.rows.push(vec![
            row.method.clone(),
            row.other_slm.clone(),
            row.questions.to_string(),
            share(row.median_distance),
            share(row.largest_distance),
            share(Some(row.one_missing)),
            share(Some(row.other_grade)),
            share(row.mean_ratio_shift),
            share(row.largest_ratio_shift),
            share(row.mean_rerouted),
            share(row.mean_accuracy_shift),
        ]);
    }
    grid
}
