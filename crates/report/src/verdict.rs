//! What the figures say, in sentences: first of all where the claim that thresholds carry over holds less well.

use std::fmt::Write as _;

use plimsoll_core::records::{MACRO, POOL};

use crate::figures::confidence::pooled;
use crate::figures::heat::{held_out, over_random_of, rmse_of};
use crate::figures::mean;
use crate::figures::routing::nearest;
use crate::figures::targets::ROUTING_RATIO;
use crate::figures::transfer::DATASET;
use crate::inputs::SeriesCounts;
use crate::page::TOO_SMALL;
use crate::text::{interval, percent, plural, probability, share};
use crate::view::{MethodView, PairView, is_summary};

/// A mean ROC AUC over datasets below this is called weak.
const WEAK: f64 = 0.60;
/// A mean distance of achieved and target share beyond this is called a miss.
const FAR: f64 = 0.05;
/// A mean probability of the replies that a method compares below this is called small.
const LIKELY: f64 = 0.5;
/// Names that a sentence lists.
const MAX_NAMES: usize = 6;

/// How a finding reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// The claim holds.
    Holds,
    /// It holds less well, or not.
    Less,
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
    all.extend(ranking(pair, best));
    all.extend(weak(pair));
    all.extend(routing(best));
    all.extend(llm_no_better(best));
    all.extend(ratios(best));
    all.extend(over_random(best));
    all.extend(curves(best));
    all.extend(promises(best));
    all.extend(guarantees(pair));
    all.extend(missing(pair));
    all.extend(masses(pair));
    all
}

/// ROC AUC of ranking every question by the SLM's accuracy on its dataset: what knowing only the dataset gives.
pub(crate) fn dataset_alone(counts: &SeriesCounts) -> Option<f64> {
    let mut groups: Vec<(u64, u64)> = counts
        .datasets
        .iter()
        .map(|dataset| (dataset.right.iter().sum(), dataset.wrong.iter().sum()))
        .filter(|(right, wrong): &(u64, u64)| right + wrong > 0)
        .collect();
    let accuracy = |(right, wrong): &(u64, u64)| *right as f64 / (right + wrong) as f64;
    groups.sort_by(|a, b| accuracy(a).total_cmp(&accuracy(b)));
    let rights: u64 = groups.iter().map(|(right, _)| right).sum();
    let wrongs: u64 = groups.iter().map(|(_, wrong)| wrong).sum();
    if rights == 0 || wrongs == 0 {
        return None;
    }
    let (mut below, mut won) = (0.0, 0.0);
    for tied in groups.chunk_by(|a, b| accuracy(a) == accuracy(b)) {
        let right: u64 = tied.iter().map(|(right, _)| right).sum();
        let wrong: u64 = tied.iter().map(|(_, wrong)| wrong).sum();
        won += right as f64 * (below + wrong as f64 / 2.0);
        below += wrong as f64;
    }
    Some(won / (rights as f64 * wrongs as f64))
}

fn ranking(pair: &PairView<'_>, best: &MethodView<'_>) -> Option<Finding> {
    let row = best.alignment.get(POOL)?;
    row.roc_auc?;
    let auc = interval(row.roc_auc, row.roc_auc_low, row.roc_auc_high);
    let mut text = format!(
        "Of {}, {} ranks best: ROC AUC {auc} on all datasets together",
        plural(pair.methods.len(), "method"),
        best.id
    );
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
            Tone::Less,
            format!("Weak, with a mean ROC AUC over datasets below {WEAK:.2}: {}.", list(&weak)),
        )
    })
}

fn routing(best: &MethodView<'_>) -> Option<Finding> {
    let row = nearest(best.curves.get(POOL)?, 0.3)?;
    let (own, random) = (row.accuracy?, row.random_accuracy?);
    let text = format!(
        "Handing over the least confident {:.0} % gives an accuracy of {}, against {} at random, {} of the SLM alone and \
         {} of the LLM alone.",
        row.routing_ratio * 100.0,
        share(Some(own)),
        share(Some(random)),
        share(row.always_slm_accuracy),
        share(row.always_llm_accuracy)
    );
    Some(finding(if own > random { Tone::Holds } else { Tone::Less }, text))
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
            Tone::Less,
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
        "On datasets never seen, a threshold for a share handed over misses it by {:.1} points on average",
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
    Some(finding(if average > FAR { Tone::Less } else { Tone::Holds }, text))
}

fn over_random(best: &MethodView<'_>) -> Option<Finding> {
    let all = held_out(best);
    let figures: Vec<(&str, f64)> =
        all.iter().filter_map(|name| Some((*name, over_random_of(best, name)?))).collect();
    let not = names(figures.iter().filter(|(_, over)| *over <= 0.0).map(|(name, _)| *name));
    split(
        &figures,
        &not,
        "With thresholds fitted on the other datasets, accuracy is above random routing at the same share",
    )
}

fn curves(best: &MethodView<'_>) -> Option<Finding> {
    let all = held_out(best);
    let figures: Vec<(&str, f64)> = all
        .iter()
        .filter_map(|name| rmse_of(best, name).map(|(own, random)| (*name, random - own)))
        .collect();
    let not = names(figures.iter().filter(|(_, nearer)| *nearer <= 0.0).map(|(name, _)| *name));
    split(
        &figures,
        &not,
        "The curve with the other datasets' thresholds is nearer to the true curve than the random line is",
    )
}

/// How far the accuracy that the other datasets promise is from the one that comes.
fn promises(best: &MethodView<'_>) -> Option<Finding> {
    let of_split = |rows: &[&plimsoll_core::records::TransferCurveRow]| {
        mean(rows.iter().filter_map(|row| Some((row.predicted_accuracy? - row.transferred_accuracy?).abs())))
    };
    let all: Vec<(f64, &str)> = best
        .transfer_curves
        .iter()
        .filter(|((by, _), _)| *by == DATASET)
        .filter_map(|((_, held_out), rows)| Some((of_split(rows)?, *held_out)))
        .collect();
    let average = mean(all.iter().map(|(off, _)| *off))?;
    let (most, dataset) = all.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    let text = format!(
        "The accuracy that the other datasets predict for a held-out one is off by {:.1} points on average, by {:.1} on \
         {dataset}: a threshold may carry over where the accuracy does not.",
        average * 100.0,
        most * 100.0
    );
    Some(finding(if average > FAR { Tone::Less } else { Tone::Holds }, text))
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
    Some(finding(if not.is_empty() { Tone::Holds } else { Tone::Less }, text))
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
        "{} failed on held-out datasets more often than delta allows; the worst is {} of {}, which fails on {} of \
         {} where {} % were allowed. A guarantee is on data like the pool, and these are not.",
        plural(all.len(), "guarantee"),
        worst.target(),
        worst.method,
        worst.failed,
        worst.with_threshold,
        worst.delta * 100.0
    );
    vec![finding(Tone::Less, text)]
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
            format!("Confidences are missing, and their questions always handed over: {}.", list(&shares)),
        )
    })
}

/// Methods that compare replies which the model would seldom give.
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
            Tone::Less,
            format!(
                "The model would rather reply something else than what is compared, whose probability is below {LIKELY}: {}.",
                list(&unlikely)
            ),
        )
    })
}

/// How often a guarantee failed on held-out datasets.
#[derive(Debug, Clone)]
pub(crate) struct Violations {
    pub(crate) method: String,
    pub(crate) kind: String,
    pub(crate) alpha: f64,
    pub(crate) delta: f64,
    /// Splits and repeats that had a threshold.
    pub(crate) with_threshold: usize,
    /// Of these, how many exceeded alpha.
    pub(crate) failed: usize,
    /// All splits and repeats.
    pub(crate) all: usize,
}

impl Violations {
    fn rate(&self) -> f64 {
        self.failed as f64 / self.with_threshold.max(1) as f64
    }

    fn excess(&self) -> f64 {
        self.rate() - self.delta
    }

    /// Whether it failed more often than it may.
    pub(crate) fn broken(&self) -> bool {
        self.with_threshold > 0 && self.excess() > 0.0
    }

    /// As targets are written.
    pub(crate) fn target(&self) -> String {
        format!("{}={}:{}", self.kind, self.alpha, self.delta)
    }
}

/// The guarantees of a method on held-out datasets, by target.
pub(crate) fn violations(method: &MethodView<'_>) -> Vec<Violations> {
    let mut all: Vec<Violations> = Vec::new();
    for row in method.transfer.iter().filter(|row| row.by == DATASET) {
        let Some(delta) = row.target_delta else { continue };
        let same = |of: &Violations| {
            (of.kind.as_str(), of.alpha, of.delta) == (&row.target_kind, row.target_value, delta)
        };
        let place = all.iter().position(same).unwrap_or_else(|| {
            all.push(Violations {
                method: method.id.to_owned(),
                kind: row.target_kind.clone(),
                alpha: row.target_value,
                delta,
                with_threshold: 0,
                failed: 0,
                all: 0,
            });
            all.len() - 1
        });
        if let Some(of) = all.get_mut(place) {
            of.all += 1;
            of.with_threshold += usize::from(row.violated.is_some());
            of.failed += usize::from(row.violated == Some(true));
        }
    }
    all
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::DatasetCounts;

    /// Rounding of a quotient.
    const ROUNDING: f64 = 1e-12;

    fn counts(groups: &[(u64, u64)]) -> SeriesCounts {
        let dataset = |(right, wrong): &(u64, u64)| {
            let mut counts = DatasetCounts::new("d", 1);
            (counts.right, counts.wrong) = (vec![*right], vec![*wrong]);
            counts
        };
        SeriesCounts { datasets: groups.iter().map(dataset).collect(), ..SeriesCounts::default() }
    }

    #[test]
    fn the_dataset_alone_by_hand() {
        // 3 right and 1 wrong against 1 right and 3 wrong: of 16 pairs, 9 won, 6 tied, 1 lost.
        let auc = dataset_alone(&counts(&[(3, 1), (1, 3)])).unwrap();
        assert!((auc - (9.0 + 3.0) / 16.0).abs() < ROUNDING);
        assert!((dataset_alone(&counts(&[(2, 2), (5, 5)])).unwrap() - 0.5).abs() < ROUNDING);
        assert_eq!(dataset_alone(&counts(&[(3, 0), (1, 0)])), None);
        assert_eq!(dataset_alone(&counts(&[])), None);
    }
}
