//! What a document must satisfy beyond its schema.

use std::collections::BTreeSet;

use super::{
    inconsistent, Achieved, Calibration, DatasetGuarantee, DatasetGuaranteeKind, Estimate, Method,
    OperatingPoint, Thresholds,
};
use crate::error::Error;
use crate::map::{Isotonic, Maps};

/// Checks everything that types cannot say.
pub(super) fn check(thresholds: &Thresholds) -> Result<(), Error> {
    if thresholds.slm.id.trim().is_empty() {
        return Err(inconsistent("slm.id", "is empty"));
    }
    check_calibration(&thresholds.calibration)?;
    let mut ids = BTreeSet::new();
    for (index, method) in thresholds.methods.iter().enumerate() {
        let path = format!("methods[{index}]");
        if !ids.insert(method.id.as_str()) {
            return Err(inconsistent(format!("{path}.id"), format!("second method `{}`", method.id)));
        }
        check_method(method, &path, thresholds.calibration.bins)?;
    }
    Ok(())
}

fn check_calibration(calibration: &Calibration) -> Result<(), Error> {
    if calibration.bins == 0 {
        return Err(inconsistent("calibration.bins", "must be at least 1"));
    }
    if !(calibration.fraction > 0.0 && calibration.fraction <= 1.0) {
        return Err(inconsistent("calibration.fraction", "must be in (0, 1]"));
    }
    Ok(())
}

fn check_method(method: &Method, path: &str, bins: u32) -> Result<(), Error> {
    let reference = &method.reference;
    let counted: Option<u64> =
        reference.counts.iter().try_fold(reference.missing, |sum, count| sum.checked_add(*count));
    if reference.counts.len() != bins as usize {
        return Err(inconsistent(format!("{path}.reference"), format!("does not have {bins} bins")));
    }
    let rows = &method.rows;
    if counted != Some(rows.pool) || rows.scored.checked_add(rows.missing) != Some(rows.pool) {
        return Err(inconsistent(format!("{path}.rows"), "pool is not the sum of scored and missing rows"));
    }
    if rows.proportional > rows.drawn || rows.drawn > rows.scored {
        return Err(inconsistent(format!("{path}.rows"), "more rows drawn than there are"));
    }
    if let Some(levels) = &method.drift {
        let numbers = [levels.psi, levels.ks, levels.missing_share, levels.false_alarms_per_10k_decisions];
        if levels.window == 0 || numbers.iter().any(|number| !number.is_finite() || *number < 0.0) {
            return Err(inconsistent(format!("{path}.drift"), "needs a window and levels of at least 0"));
        }
    }
    if method.pool_cdf.is_some() != (rows.scored > 0) {
        return Err(inconsistent(format!("{path}.pool_cdf"), "is there iff a row has a confidence"));
    }
    method.tracker.check().map_err(|error| inconsistent(format!("{path}.tracker"), error.to_string()))?;
    check_maps(&method.maps, path)?;
    if let Some(map) = &method.llm_isotonic {
        check_isotonic(map, &format!("{path}.llm_isotonic"))?;
    }
    if method.datasets.level_sd.is_some_and(|sd| !(0.0..=1.0).contains(&sd)) {
        return Err(inconsistent(format!("{path}.datasets"), "needs a level_sd in [0, 1]"));
    }
    if let Some(adapted) = &method.adapted {
        if adapted.missing > adapted.questions || adapted.labelled > adapted.questions {
            return Err(inconsistent(format!("{path}.adapted"), "counts more than its questions"));
        }
        let is_propensity = |share: f64| share > 0.0 && share <= 1.0;
        if adapted.decisions.is_some_and(|labels| !is_propensity(labels.smallest_propensity)) {
            return Err(inconsistent(format!("{path}.adapted"), "needs a propensity in (0, 1]"));
        }
    }
    let mut ids = BTreeSet::new();
    for (index, point) in method.operating_points.iter().enumerate() {
        let path = format!("{path}.operating_points[{index}]");
        if !ids.insert(point.id.as_str()) || point.id != format!("{}/{}", method.id, point.target) {
            return Err(inconsistent(
                format!("{path}.id"),
                "is not the method and target of the point, once",
            ));
        }
        check_point(point, &path)?;
    }
    Ok(())
}

fn check_isotonic(map: &Isotonic, path: &str) -> Result<(), Error> {
    let increasing = map.x.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
    let monotone = map.y.windows(2).all(|pair| matches!(pair, [a, b] if a <= b));
    let in_range = map.x.iter().chain(&map.y).all(|value| (0.0..=1.0).contains(value));
    if map.x.is_empty() || map.x.len() != map.y.len() || !increasing || !monotone || !in_range {
        return Err(inconsistent(
            path,
            "needs as many y as x, x strictly increasing, y non-decreasing, all in [0, 1]",
        ));
    }
    Ok(())
}

fn check_maps(maps: &Maps, path: &str) -> Result<(), Error> {
    if let Some(map) = &maps.isotonic {
        check_isotonic(map, &format!("{path}.maps.isotonic"))?;
    }
    let platt = maps.platt.iter().flat_map(|map| [map.a, map.b]);
    let beta = maps.beta.iter().flat_map(|map| [map.a, map.b, map.intercept]);
    if platt.chain(beta).any(|number| !number.is_finite()) {
        return Err(inconsistent(format!("{path}.maps"), "holds a number that is not finite"));
    }
    Ok(())
}

fn check_point(point: &OperatingPoint, path: &str) -> Result<(), Error> {
    point.target.validate().map_err(|error| inconsistent(format!("{path}.target"), error.to_string()))?;
    let has_threshold = point.status.has_threshold();
    if point.threshold.is_some() != has_threshold || point.achieved.is_some() != has_threshold {
        return Err(inconsistent(
            path,
            format!("status {} and its threshold do not go together", point.status.name()),
        ));
    }
    if has_threshold && point.target.risk().is_some() != point.guarantee.is_some() {
        return Err(inconsistent(path, "a bounded risk needs its guarantee, and nothing else has one"));
    }
    if let Some(guarantee) = &point.guarantee {
        let stated = Some((guarantee.risk, guarantee.alpha, guarantee.delta));
        let passes = guarantee.p_value <= guarantee.delta && guarantee.losses <= guarantee.trials;
        if point.target.risk() != stated || !passes {
            return Err(inconsistent(format!("{path}.guarantee"), "is not what the target asks for"));
        }
    }
    let for_new_datasets = || point.dataset_guarantee.iter().chain(&point.dataset_t_bound);
    let positions = point.z.iter().chain(for_new_datasets().filter_map(|found| found.z.as_ref()));
    if positions.into_iter().any(|z| !(0.0..=1.0).contains(z)) || (point.z.is_some() && !has_threshold) {
        return Err(inconsistent(format!("{path}.z"), "is no position in [0, 1] of a threshold"));
    }
    for guarantee in for_new_datasets() {
        check_dataset_guarantee(guarantee, point, path)?;
    }
    let is_t = |found: &DatasetGuarantee| found.kind == DatasetGuaranteeKind::T;
    if point.dataset_guarantee.as_ref().is_some_and(is_t) || !point.dataset_t_bound.iter().all(is_t) {
        return Err(inconsistent(format!("{path}.dataset_t_bound"), "holds t bounds, and no other key does"));
    }
    let conservative = point.conservative.iter().map(|twin| &twin.achieved);
    for achieved in point.achieved.iter().chain(conservative) {
        check_achieved(achieved, path)?;
    }
    Ok(())
}

fn check_dataset_guarantee(
    guarantee: &DatasetGuarantee,
    point: &OperatingPoint,
    path: &str,
) -> Result<(), Error> {
    /// Rounding of one division.
    const ROUNDING: f64 = 1e-12;
    let is_of_target = point.target.risk().is_some_and(|(_, alpha, _)| alpha == guarantee.alpha);
    let (ranks, promise) = match (guarantee.kind, point.target.risk()) {
        (DatasetGuaranteeKind::T, Some((_, _, delta))) => (guarantee.rank == 0, 1.0 - delta),
        _ => {
            let is_rank = (1..=guarantee.k).contains(&guarantee.rank);
            (is_rank, 1.0 - guarantee.rank as f64 / (guarantee.k as f64 + 1.0))
        }
    };
    let is_stated =
        (guarantee.promise - promise).abs() <= ROUNDING && (0.0..=1.0).contains(&guarantee.routing_ratio);
    if guarantee.k >= 2 && ranks && is_of_target && is_stated {
        Ok(())
    } else {
        Err(inconsistent(
            format!("{path}.dataset_guarantee"),
            "needs a risk target's alpha, at least two datasets, and the promise 1 - rank / (k + 1), of a t bound 1 - delta",
        ))
    }
}

fn check_achieved(achieved: &Achieved, path: &str) -> Result<(), Error> {
    let finite = |estimate: &Estimate| {
        [Some(estimate.value), estimate.low, estimate.high].iter().flatten().all(|x| x.is_finite())
    };
    let all = [
        Some(achieved.routing_ratio),
        achieved.accuracy,
        achieved.selective_error,
        Some(achieved.joint_error),
        achieved.regret,
        achieved.usd_per_1k_questions,
    ];
    if all.iter().flatten().all(finite) {
        Ok(())
    } else {
        Err(inconsistent(format!("{path}.achieved"), "holds a number that is not finite"))
    }
}
