//! Scores that are cross-fitted for each split.

use super::*;
use plimsoll_core::Outcome;
use plimsoll_router::Confidence;

/// The series of every split of a table by dataset: as it is, but for `changed`, whose confidences are
/// the labels.
fn cross_fitted_series(table: &ScoreTable, changed: Option<&str>) -> CrossFittedSeries {
    let series = &table.series[0];
    let confidence = |row: usize, name: &str| {
        if changed == Some(name) {
            let leak = if series.slm_outcome[row] == Outcome::Correct { 1.0 } else { 0.0 };
            Confidence::new(leak).ok()
        } else {
            series.confidence(row)
        }
    };
    let of =
        |name: &str| series.with_confidences((0..series.len()).map(|row| confidence(row, name))).unwrap();
    let datasets = table.questions.datasets().iter().map(|dataset| dataset.id.as_str());
    datasets.map(|name| ((HoldOut::Dataset, name.to_owned()), of(name))).collect()
}

fn run_cross_fitted(
    table: &ScoreTable,
    cross_fitted: &CrossFittedSeries,
    spec: &TransferSpec,
) -> Result<Vec<TransferRow>, TransferError> {
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    let cross_fitted = CrossFittedScores::PerSplit(cross_fitted);
    let scored =
        TransferScores { prepared: &prepared, cross_fitted, in_domain_labels: InDomainLabels::Unknown };
    transfer(&scored, spec, &|| ()).map(|transfer| transfer.rows)
}

fn rows_of_dataset(rows: &[TransferRow], name: &str, same: bool) -> Vec<TransferRow> {
    rows.iter().filter(|row| (row.held_out == name) == same).cloned().collect()
}

#[test]
fn identical_cross_fitted_scores_change_nothing() {
    let table = table(&calibrated(900, 3, 11));
    let spec = spec(ratios(), vec![HoldOut::Dataset], 2);
    assert_eq!(
        run_cross_fitted(&table, &cross_fitted_series(&table, None), &spec).unwrap(),
        run(&table, &spec)
    );
}

#[test]
fn a_leak_in_the_scores_of_a_split_stays_in_that_split() {
    let table = table(&calibrated(900, 3, 11));
    let spec = spec(ratios(), vec![HoldOut::Dataset], 2);
    let clean = run(&table, &spec);
    let leaking = run_cross_fitted(&table, &cross_fitted_series(&table, Some("d1")), &spec).unwrap();
    assert_eq!(rows_of_dataset(&leaking, "d1", false), rows_of_dataset(&clean, "d1", false));
    let leaked = rows_of_dataset(&leaking, "d1", true);
    assert_eq!(leaked.len(), 2 * 3);
    for row in leaked {
        // Both sides have the leak: every threshold parts 0 from 1, or keeps or defers all; the
        // two sides differ in their shares of right answers only.
        let threshold = row.threshold.unwrap();
        let ratio = row.achieved_routing_ratio.unwrap();
        if threshold > 0.0 && threshold <= 1.0 {
            assert_eq!(row.selective_error, Some(0.0), "{row:?}");
            assert!((row.accuracy.unwrap() - row.upper_bound_accuracy.unwrap()).abs() < ROUNDING);
        } else {
            assert!(ratio == 0.0 || ratio == 1.0, "{row:?}");
        }
    }
    assert_ne!(rows_of_dataset(&leaking, "d1", true), rows_of_dataset(&clean, "d1", true));
}

#[test]
fn both_sides_of_a_split_have_its_scores() {
    let table = table(&calibrated(600, 3, 5));
    let series = &table.series[0];
    let turned = (0..series.len()).map(|row| Confidence::new(1.0 - series.confidence(row)?.get()).ok());
    let mut cross_fitted = cross_fitted_series(&table, None);
    let key = (HoldOut::Dataset, "d0".to_owned());
    cross_fitted.insert(key, series.with_confidences(turned).unwrap());
    let spec = spec(ratios(), vec![HoldOut::Dataset], 1);
    let rows = rows_of_dataset(&run_cross_fitted(&table, &cross_fitted, &spec).unwrap(), "d0", true);
    // What a table of turned confidences gives: nothing of the split comes from the series.
    let mut synthetic = calibrated(600, 3, 5);
    for row in &mut synthetic {
        row.confidence = row.confidence.map(|confidence| 1.0 - confidence);
    }
    assert_eq!(rows, rows_of_dataset(&run(&super::table(&synthetic), &spec), "d0", true));
}

#[test]
fn a_split_without_scores_of_its_own_is_refused() {
    let table = table(&calibrated(300, 3, 5));
    let mut cross_fitted = cross_fitted_series(&table, None);
    cross_fitted.remove(&(HoldOut::Dataset, "d2".to_owned()));
    let spec = spec(ratios(), vec![HoldOut::Dataset], 1);
    let error = run_cross_fitted(&table, &cross_fitted, &spec).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`slm`, method `method`: no cross-fitted scores for holding out dataset `d2`"
    );
    let domains = TransferSpec { by: vec![HoldOut::Domain], ..spec };
    let error = run_cross_fitted(&table, &cross_fitted_series(&table, None), &domains).unwrap_err();
    assert!(matches!(error, TransferError::NotCrossFitted { by: "domain", .. }), "{error}");
}

#[test]
fn scores_of_other_rows_are_refused() {
    let table = table(&calibrated(300, 3, 5));
    let spec = spec(ratios(), vec![HoldOut::Dataset], 1);
    let others: [fn(&mut ScoreSeries); 3] = [
        |series| series.question.swap(0, 1),
        |series| series.slm_outcome[7] = Outcome::Ungraded,
        |series| series.method = plimsoll_core::MethodId::new("other").unwrap(),
    ];
    for other in others {
        let mut cross_fitted = cross_fitted_series(&table, None);
        other(cross_fitted.get_mut(&(HoldOut::Dataset, "d0".to_owned())).unwrap());
        let error = run_cross_fitted(&table, &cross_fitted, &spec).unwrap_err();
        assert!(matches!(error, TransferError::OtherRows { .. }), "{error}");
    }
}

#[test]
fn threads_and_the_other_splits_leave_no_trace_in_a_split() {
    let table = table(&calibrated(600, 3, 8));
    let cross_fitted = cross_fitted_series(&table, Some("d2"));
    let spec = spec(ratios(), vec![HoldOut::Dataset], 2);
    let rows = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run_cross_fitted(&table, &cross_fitted, &spec).unwrap())
    };
    let one = rows(1);
    assert_eq!(one, rows(3));
    // The same draw orders whether the series of a split is the whole one or a copy of it.
    assert_eq!(rows_of_dataset(&one, "d2", false), rows_of_dataset(&run(&table, &spec), "d2", false));
}

#[test]
fn in_domain_labels_are_reported() {
    let table = table(&calibrated(90, 3, 8));
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    let spec = spec(ratios(), vec![HoldOut::Dataset], 1);
    for (labels, expected) in [
        (InDomainLabels::True, "true"),
        (InDomainLabels::False, "false"),
        (InDomainLabels::Unknown, "unknown"),
    ] {
        let rows = transfer(&TransferScores::same(&prepared, labels), &spec, &|| ()).unwrap().rows;
        assert!(!rows.is_empty() && rows.iter().all(|row| row.in_domain_labels.name() == expected));
    }
}
