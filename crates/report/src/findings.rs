//! The findings of a report in sentences, with a caution wherever the claim that thresholds transfer does not hold.

use std::fmt::Write as _;

use plimsoll_core::records::{MACRO, POOL};

use crate::inputs::{AtChance, UsualAnswer};
use crate::statistics::{
    DATASET, ROUTING_RATIO, TOO_SMALL, Violations, accuracy_over_random, curve_rmse, dataset_alone,
    held_out_datasets, mean, nearest, pooled, violations,
};
use crate::text::{count, interval, percent, plural, probability, share};
use crate::view::{MethodView, PairView, is_summary};

/// A mean ROC AUC over datasets below this is called weak.
const WEAK: f64 = 0.60;
/// A mean distance of achieved and target routing ratio beyond this is a caution.
const FAR: f64 = 0.05;
/// A mean probability of the compared replies below this is a caution.
const LIKELY: f64 = 0.5;
/// Names that a sentence lists.
const MAX_NAMES: usize = 6;

/// How a finding reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// The claim holds.
    Holds,
    /// It does not hold, or not everywhere.
    Caution,
    /// Neither.
    Plain,
}

/// A sentence about a pair; names in it are not escaped.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

fn finding(tone: Tone, text: String) -> Finding {
    Finding { tone, text }
}

/// The findings of a pair.
pub(crate) fn findings(pair: &PairView<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    let Some(best) = pair.best() else { return all };
    // Before anything else: whoever fits a threshold there fits noise.
    all.extend(at_chance(pair));
    all.extend(usual_answers(pair));
    all.extend(ranking(pair, best));
    all.extend(weak(pair));
    all.extend(routing(best));
    all.extend(llm_no_better(best));
    all.extend(ratios(best));
    all.extend(new_data(best));
    all.extend(over_random(best));
    all.extend(curves(best));
    all.extend(promises(best));
    all.extend(guarantees(pair));
    all.extend(new_datasets(best));
    all.extend(missing(pair));
    all.extend(masses(pair));
    all
}

fn at_chance(pair: &PairView<'_>) -> Option<Finding> {
    let of = |found: &&AtChance| {
        let accuracy = interval(Some(found.accuracy), Some(found.low), Some(found.high));
        format!("{} ({accuracy}, guessing {})", found.dataset, share(Some(found.chance)))
    };
    let datasets: Vec<String> = pair.at_chance.iter().map(of).collect();
    (!datasets.is_empty()).then(|| {
        let text = format!(
            "The SLM is at chance on {}: nothing shows that it does better than guessing, its confidences have no knowledge \
             to rank there, and a threshold fitted there is fitted to noise.",
            list(&datasets)
        );
        finding(Tone::Caution, text)
    })
}

fn usual_answers(pair: &PairView<'_>) -> Option<Finding> {
    let of = |found: &&UsualAnswer| {
        format!(
            "{} on {} ({} to {:.0} %, right for {:.0} %)",
            found.model,
            found.dataset,
            found.answer,
            found.share * 100.0,
            found.gold_share * 100.0
        )
    };
    let all: Vec<String> = pair.usual_answers.iter().map(of).collect();
    (!all.is_empty()).then(|| {
        let text = format!(
            "One answer to nearly every question: {}. There the model does not know, or the form of the prompt chose the \
             answer: try the instruction after the question (`prompt.instruction: last`) or exemplars (`prompt.few_shot`).",
            list(&all)
        );
        finding(Tone::Caution, text)
    })
}

fn ranking(pair: &PairView<'_>, best: &MethodView<'_>) -> Option<Finding> {
    let row = best.alignment.get(POOL)?;
    row.roc_auc?;
    let auc = interval(row.roc_auc, row.roc_auc_low, row.roc_auc_high);
    let compared = pair.methods.values().filter(|method| method.is_mostly_scored()).count();
    let among = match pair.methods.len() {
        all if compared == all || compared == 0 => plural(all, "method"),
        all => {
            format!("the {compared} of {} with a confidence for nearly every question", plural(all, "method"))
        }
    };
    let mut text = format!("Of {among}, {} ranks best: ROC AUC {auc} on all datasets together", best.id);
    // Writing to a string cannot fail.
    if let Some(over_datasets) = best.roc_auc(MACRO) {
        let _ = write!(text, ", {} as the mean over datasets", share(Some(over_datasets)));
    }
    if let Some(alone) = best.counts.and_then(dataset_alone) {
        let _ = write!(text, "; knowing only the dataset of a question gives {}", share(Some(alone)));
    }
    text.push('.');
    Some(finding(Tone::Plain, text))
}

fn weak(pair: &PairView<'_>) -> Option<Finding> {
    let of = |method: &MethodView<'_>| Some((method.id.to_owned(), method.roc_auc(MACRO)?));
    let weak: Vec<String> = pair
        .methods
        .values()
        .filter_map(of)
        .filter(|(_, auc)| *auc < WEAK)
        .map(|(id, auc)| format!("{id} ({})", share(Some(auc))))
        .collect();
    (!weak.is_empty()).then(|| {
        finding(
            Tone::Caution,
            format!("Weak, with a mean ROC AUC over datasets below {WEAK:.2}: {}.", list(&weak)),
        )
    })
}

fn routing(best: &MethodView<'_>) -> Option<Finding> {
    let row = nearest(best.curves.get(POOL)?, 0.3)?;
    let (own, random) = (row.accuracy?, row.random_accuracy?);
    let text = format!(
        "Deferring the least confident {:.0} % gives an accuracy of {}, against {} at random, {} of the SLM alone and \
         {} of the LLM alone.",
        row.routing_ratio * 100.0,
        share(Some(own)),
        share(Some(random)),
        share(row.always_slm_accuracy),
        share(row.always_llm_accuracy)
    );
    Some(finding(if own > random { Tone::Holds } else { Tone::Caution }, text))
}

fn llm_no_better(best: &MethodView<'_>) -> Option<Finding> {
    let no_better: Vec<String> = best
        .areas
        .iter()
        .filter(|(dataset, _)| !is_summary(dataset))
        .filter(|(_, row)| {
            row.always_llm_accuracy.zip(row.always_slm_accuracy).is_some_and(|(llm, slm)| llm <= slm)
        })
        .map(|(dataset, _)| (*dataset).to_owned())
        .collect();
    (!no_better.is_empty()).then(|| {
        finding(
            Tone::Caution,
            format!(
                "The LLM is no better than the SLM on {}: routing has nothing to gain there.",
                list(&no_better)
            ),
        )
    })
}

fn ratios(best: &MethodView<'_>) -> Option<Finding> {
    let rows = || best.transfer.iter().filter(|row| row.by == DATASET && row.target_kind == ROUTING_RATIO);
    let missed = |row: &plimsoll_core::records::TransferRow| {
        row.achieved_routing_ratio
            .map(|achieved| (achieved - row.target_value).abs())
            .filter(|far| far.is_finite())
    };
    let average = mean(rows().filter_map(|row| missed(row)))?;
    let worst = rows().filter_map(|row| Some((missed(row)?, row))).max_by(|a, b| a.0.total_cmp(&b.0));
    let mut text = format!(
        "On held-out datasets, the achieved routing ratio is off its target by {:.1} points on average",
        average * 100.0
    );
    if let Some((_, row)) = worst {
        let _ = write!(
            text,
            ", at worst {} instead of {} on {}",
            share(row.achieved_routing_ratio),
            share(Some(row.target_value)),
            row.held_out
        );
    }
    text.push('.');
    Some(finding(if average > FAR { Tone::Caution } else { Tone::Holds }, text))
}

/// What adapting and tracking make of the miss.
fn new_data(best: &MethodView<'_>) -> Option<Finding> {
    let rows = || best.transfer.iter().filter(|row| row.by == DATASET && row.target_kind == ROUTING_RATIO);
    let adapted = mean(rows().filter_map(|row| row.adapted_ratio_error_100))?;
    let tracked = mean(rows().filter_map(|row| row.tracked_ratio_error_500))?;
    let text = format!(
        "Without a label, adapting to 100 confidences of a held-out dataset brings the distance from the routing ratio to {:.1} \
         points, and a tracker to {:.1} points over 500 decisions.",
        adapted * 100.0,
        tracked * 100.0
    );
    Some(finding(Tone::Plain, text))
}

/// What is promised about a new dataset, and whether it held.
fn new_datasets(best: &MethodView<'_>) -> Option<Finding> {
    let rows = || best.transfer.iter().filter(|row| row.by == DATASET && row.target_delta.is_some());
    rows().next()?;
    let Some(promised) = mean(rows().filter_map(|row| row.dataset_guarantee_promise)) else {
        let text = "A guarantee about a new dataset is not available: the pool has one dataset.".to_owned();
        return Some(finding(Tone::Caution, text));
    };
    let failed = rows().filter_map(|row| row.dataset_guarantee_violated);
    let rate = mean(failed.map(|violated| f64::from(u8::from(violated))))?;
    let text = format!(
        "Thresholds that promise the risk of a new dataset, drawn like the others, with probability {:.1} % were violated on \
         {:.1} % of the held-out ones. Of a dataset unlike them nothing is promised.",
        promised * 100.0,
        rate * 100.0
    );
    Some(finding(if rate > 1.0 - promised { Tone::Caution } else { Tone::Holds }, text))
}

fn over_random(best: &MethodView<'_>) -> Option<Finding> {
    let all = held_out_datasets(best);
    let figures: Vec<(&str, f64)> =
        all.iter().filter_map(|name| Some((*name, accuracy_over_random(best, name)?))).collect();
    let not = names(figures.iter().filter(|(_, over)| *over <= 0.0).map(|(name, _)| *name));
    split(
        &figures,
        &not,
        "With thresholds fitted on the other datasets, accuracy is above random routing at the same routing ratio",
    )
}

fn curves(best: &MethodView<'_>) -> Option<Finding> {
    let all = held_out_datasets(best);
    let figures: Vec<(&str, f64)> = all
        .iter()
        .filter_map(|name| curve_rmse(best, name).map(|(own, random)| (*name, random - own)))
        .collect();
    let not = names(figures.iter().filter(|(_, nearer)| *nearer <= 0.0).map(|(name, _)| *name));
    split(
        &figures,
        &not,
        "The curve with the other datasets' thresholds is nearer to the true curve than the random line is",
    )
}

/// How far the accuracy that the other datasets predict is from the achieved one.
fn promises(best: &MethodView<'_>) -> Option<Finding> {
    let mean_error = |rows: &[&plimsoll_core::records::TransferCurveRow]| {
        mean(rows.iter().filter_map(|row| Some((row.predicted_accuracy? - row.transferred_accuracy?).abs())))
    };
    let all: Vec<(f64, &str)> = best
        .transfer_curves
        .iter()
        .filter(|((by, _), _)| *by == DATASET)
        .filter_map(|((_, held_out), rows)| Some((mean_error(rows)?, *held_out)))
        .collect();
    let average = mean(all.iter().map(|(off, _)| *off))?;
    let (worst, dataset) = all.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    let text = format!(
        "The accuracy that the other datasets predict for a held-out one is off by {:.1} points on average, by {:.1} on \
         {dataset}: a threshold may transfer where the accuracy does not.",
        average * 100.0,
        worst * 100.0
    );
    Some(finding(if average > FAR { Tone::Caution } else { Tone::Holds }, text))
}

/// "... on 3 of 4 held-out datasets, but not on d."
fn split(figures: &[(&str, f64)], not: &[String], claim: &str) -> Option<Finding> {
    if figures.is_empty() {
        return None;
    }
    let all = figures.len();
    let text = match not.len() {
        0 => format!("{claim} on all {all} held-out datasets."),
        missed if missed == all => format!("{claim} on none of the {all} held-out datasets."),
        missed => {
            format!("{claim} on {} of {all} held-out datasets, but not on {}.", all - missed, list(not))
        }
    };
    Some(finding(if not.is_empty() { Tone::Holds } else { Tone::Caution }, text))
}

fn guarantees(pair: &PairView<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    for method in pair.methods.values() {
        for violations in violations(method).into_iter().filter(Violations::broken) {
            all.push(violations);
        }
    }
    let Some(worst) = all.iter().max_by(|a, b| a.excess().total_cmp(&b.excess())) else { return Vec::new() };
    let text = format!(
        "On held-out datasets {} violated more often than delta allows; the worst is {} of {}, violated in {} of {} \
         splits (delta = {} %). A guarantee holds on data like the pool, which a held-out dataset is not.",
        if all.len() == 1 {
            "1 guarantee is".to_owned()
        } else {
            format!("{} guarantees are", count(all.len() as u64))
        },
        worst.target(),
        worst.method,
        worst.failed,
        worst.with_threshold,
        worst.delta * 100.0
    );
    vec![finding(Tone::Caution, text)]
}

fn missing(pair: &PairView<'_>) -> Option<Finding> {
    let of = |method: &&MethodView<'_>| {
        let datasets = &method.counts?.datasets;
        let missing: u64 = datasets.iter().map(crate::inputs::DatasetCounts::missing).sum();
        let rows: u64 = datasets.iter().map(crate::inputs::DatasetCounts::rows).sum();
        (missing > 0).then(|| format!("{} {}", method.id, percent(missing, rows)))
    };
    let shares: Vec<String> = pair.methods.values().filter_map(|method| of(&method)).collect();
    (!shares.is_empty()).then(|| {
        finding(
            Tone::Plain,
            format!("Questions without a confidence are always deferred: {}.", list(&shares)),
        )
    })
}

/// Methods that compare replies which are unlikely under the model.
fn masses(pair: &PairView<'_>) -> Option<Finding> {
    let of = |method: &MethodView<'_>| {
        let pool = pooled(&method.counts?.datasets);
        let mean = pool.answer_mass.mean().filter(|mean| *mean < LIKELY)?;
        let too_small = pool.missing.get(TOO_SMALL).copied().unwrap_or(0);
        Some(format!(
            "{} ({} on average, too little in {})",
            method.id,
            probability(Some(mean)),
            percent(too_small, pool.rows())
        ))
    };
    let unlikely: Vec<String> = pair.methods.values().filter_map(of).collect();
    (!unlikely.is_empty()).then(|| {
        finding(
            Tone::Caution,
            format!(
                "The compared replies are unlikely under the model, with a mean probability below {LIKELY}: {}.",
                list(&unlikely)
            ),
        )
    })
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    names.map(str::to_owned).collect()
}

/// Names with commas; of many, the first.
fn list(names: &[String]) -> String {
    let shown = names.iter().take(MAX_NAMES).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MAX_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
