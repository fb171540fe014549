//! The overview of a run, for people.

use std::fmt::Write as _;

use plimsoll_core::records::POOL;
use plimsoll_pipeline::overview::{ModelRow, Overview, ServedRow, UsualAnswer};

use crate::console::escaped;
use crate::text_table::{Side, TextTable, number};

/// The overview as text.
pub(crate) fn text(overview: &Overview) -> String {
    let mut text = String::from("\naccuracy (ungraded answers count as wrong)\n");
    let is_small = |name: &str| overview.methods.iter().any(|row| row.slm == name);
    let mut names: Vec<&str> = Vec::new();
    for row in &overview.models {
        if !names.contains(&row.model.as_str()) {
            names.push(&row.model);
        }
    }
    names.sort_by_key(|name| !is_small(name));
    let mut columns = vec![("dataset", Side::Left), ("questions", Side::Right)];
    columns.extend(names.iter().map(|name| (*name, Side::Right)));
    columns.push(("ungraded, all models", Side::Right));
    let mut table = TextTable::new(&columns);
    let mut datasets: Vec<&str> = Vec::new();
    for row in &overview.models {
        if !datasets.contains(&row.dataset.as_str()) {
            datasets.push(&row.dataset);
        }
    }
    for dataset in datasets {
        let find =
            |name: &str| overview.models.iter().find(|row| row.dataset == dataset && row.model == name);
        let rows = names.iter().filter_map(|name| find(name)).map(|row| row.rows).max().unwrap_or(0);
        let ungraded: u64 = names.iter().filter_map(|name| find(name)).map(|row| row.ungraded).sum();
        let accuracies = names.iter().map(|name| number(find(name).map(|row| row.accuracy)));
        let label = if dataset == POOL { "all" } else { dataset };
        let cells = [label.to_owned(), rows.to_string()].into_iter().chain(accuracies);
        table.push(cells.chain([ungraded.to_string()]));
    }
    text.push_str(&table.text(2));
    text.push_str(&chance_text(&overview.models));
    text.push_str(&usual_answers_text(&overview.usual_answers));
    text.push_str("\nconfidence against correctness (ROC AUC; 0.5 is chance)\n");
    let mut table = TextTable::new(&[
        ("model", Side::Left),
        ("method", Side::Left),
        ("ROC AUC", Side::Left),
        ("mean over datasets", Side::Right),
        ("missing", Side::Right),
    ]);
    for row in &overview.methods {
        let mut auc = number(row.roc_auc);
        if let (Some(low), Some(high)) = (row.roc_auc_low, row.roc_auc_high) {
            // Writing to a `String` cannot fail.
            let _ = write!(auc, " [{low:.4}, {high:.4}]");
        }
        let share = format!("{} of {}", row.missing, row.rows);
        table.push([row.slm.clone(), row.method.clone(), auc, number(row.roc_auc_macro), share]);
    }
    text.push_str(&table.text(2));
    for row in &overview.methods {
        if let (Some(mass), Some(too_small)) = (row.answer_mass, row.masses_too_small) {
            let (slm, method, rows) = (&row.slm, &row.method, row.rows);
            // Writing to a `String` cannot fail.
            let _ = writeln!(
                text,
                "  {method} of {slm}: the replies that are compared have {} of the probability on average, too little \
                 in {too_small} of {rows} rows",
                probability(mass)
            );
        }
    }
    text.push_str(&served_text(&overview.served));
    text
}

/// Where a model does no better than guessing.
fn chance_text(models: &[ModelRow]) -> String {
    let mut text = String::new();
    for row in models.iter().filter(|row| row.is_at_chance()) {
        let ModelRow { model, dataset, accuracy, accuracy_low, accuracy_high, chance, .. } = row;
        let chance = number(*chance);
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            text,
            "  {model} is at chance on {dataset}: {accuracy:.4} [{accuracy_low:.4}, {accuracy_high:.4}], guessing {chance}"
        );
    }
    text
}

/// Where a model gives one answer to nearly everything.
fn usual_answers_text(found: &[UsualAnswer]) -> String {
    let mut text = String::new();
    for UsualAnswer { model, dataset, answer, share, gold_share } in found {
        let (answer, share, gold_share) = (escaped(answer), share * 100.0, gold_share * 100.0);
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            text,
            "  {model} answers `{answer}` to {share:.0} % of {dataset}, where it is right for {gold_share:.0} %: another form \
             of the prompt may serve it better (`prompt.instruction`, `prompt.few_shot`)"
        );
    }
    text
}

/// Names and fingerprints under which servers answered, with control characters escaped.
fn served_text(served: &[ServedRow]) -> String {
    if served.is_empty() {
        return String::new();
    }
    let mut table = TextTable::new(&[
        ("model", Side::Left),
        ("served as", Side::Left),
        ("fingerprint", Side::Left),
        ("replies", Side::Right),
        ("share", Side::Right),
    ]);
    for row in served {
        let cell =
            |text: &Option<String>| text.as_ref().map_or_else(|| "-".to_owned(), |text| on_one_line(text));
        table.push([
            row.model.clone(),
            cell(&row.served_model),
            cell(&row.system_fingerprint),
            row.replies.to_string(),
            format!("{:.1} %", 100.0 * row.share),
        ]);
    }
    format!("\nnames and fingerprints of the servers\n{}", table.text(2))
}

/// Untrusted text on one line.
fn on_one_line(text: &str) -> String {
    escaped(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// A probability that may be tiny.
fn probability(value: f64) -> String {
    if value > 0.0 && value < 0.00005 { format!("{value:.1e}") } else { number(Some(value)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_servers_are_escaped() {
        let row = |served_model: &str, fingerprint: Option<&str>, replies: u64| ServedRow {
            model: "small".to_owned(),
            served_model: Some(served_model.to_owned()),
            system_fingerprint: fingerprint.map(str::to_owned),
            replies,
            share: replies as f64 / 40.0,
        };
        let served = [
            row("gpt-x\u{1b}[31m", Some("fp\na\t\u{9b}"), 30),
            row("gpt-x", None, 9),
            row("others", None, 1),
        ];
        let text = served_text(&served);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        assert_eq!(text.lines().count(), 6, "{text}");
        for part in ["gpt-x\\u{1b}[31m", "fp\\na\\t\\u{9b}", "75.0 %", "22.5 %", "others", "2.5 %"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(served_text(&[]), "");
    }

    #[test]
    fn tiny_probabilities_are_no_zeros() {
        assert_eq!(probability(1.25e-7), "1.2e-7");
        assert_eq!((probability(0.0), probability(0.97)), ("0.0000".to_owned(), "0.9700".to_owned()));
    }
}
