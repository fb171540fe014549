//! Routing curves in a few numbers.

use plimsoll_fit::curve::RATIO_ROUNDING;

/// Area under accuracy against routing ratio, by trapezoids. `None` without points.
///
/// Points are (routing ratio, accuracy), ascending; a jump (two points of one ratio) adds nothing.
///
/// ```
/// use plimsoll_evaluate::curves::area;
/// assert_eq!(area(&[(0.0, 0.5), (0.5, 1.0), (1.0, 1.0)]), Some(0.375 + 0.5));
/// ```
pub fn area(points: &[(f64, f64)]) -> Option<f64> {
    let trapezoid = |pair: &[(f64, f64)]| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0;
    (!points.is_empty()).then(|| points.windows(2).map(trapezoid).sum())
}

/// CPT: the smallest routing ratio of a point that recovers this share of the gap between the first
/// point (the SLM alone) and the last (the LLM alone). `None` if there is no point.
///
/// Curves are not monotone, so interpolating accuracy for ratio has no definite answer
/// (arXiv:2406.18665 does; this is a point that a threshold can reach).
///
/// ```
/// use plimsoll_evaluate::curves::call_for_performance;
/// let curve = [(0.0, 0.5), (0.3, 0.7), (0.6, 0.6), (1.0, 0.8)];
/// assert_eq!(call_for_performance(&curve, 0.5), Some(0.3)); // 0.5 + 0.5 * 0.3 = 0.65
/// ```
pub fn call_for_performance(points: &[(f64, f64)], share: f64) -> Option<f64> {
    let (slm, llm) = (points.first()?.1, points.last()?.1);
    let wanted = slm + share * (llm - slm) - RATIO_ROUNDING;
    points.iter().find(|point| point.1 >= wanted).map(|point| point.0)
}

/// AIQ: the mean of the non-decreasing convex hull of accuracy over the range of costs. `None` if
/// there is no range.
///
/// Points are (cost, accuracy) in any unit of cost, ascending by cost.
///
/// # Formula
/// integral of the hull from the smallest to the largest cost / (largest - smallest) (RouterBench,
/// arXiv:2403.12031).
///
/// ```
/// use plimsoll_evaluate::curves::quality_over_cost;
/// // The hull goes straight from (1, 0.4) to (2, 0.8) and stays there.
/// let points = [(1.0, 0.4), (1.5, 0.5), (2.0, 0.8), (3.0, 0.7)];
/// assert!((quality_over_cost(&points).unwrap() - (0.6 + 0.8) / 2.0).abs() < 1e-15);
/// ```
pub fn quality_over_cost(points: &[(f64, f64)]) -> Option<f64> {
    let (min_cost, max_cost) = (points.first()?.0, points.last()?.0);
    if max_cost <= min_cost {
        return None;
    }
    let hull = hull(points);
    let last = *hull.last()?;
    let under = area(&hull)? + (max_cost - last.0) * last.1;
    Some(under / (max_cost - min_cost))
}

/// The upper convex hull up to its highest point.
fn hull(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut hull: Vec<(f64, f64)> = Vec::new();
    for point in points {
        if hull.last().is_some_and(|last| point.1 <= last.1) {
            continue;
        }
        while let [.., before, last] = hull[..] {
            let cross =
                (last.0 - before.0) * (point.1 - before.1) - (last.1 - before.1) * (point.0 - before.0);
            if cross < 0.0 {
                break;
            }
            hull.pop();
        }
        match hull.last_mut() {
            Some(last) if last.0 >= point.0 => *last = *point,
            _ => hull.push(*point),
        }
    }
    hull
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sums of a few dozen terms of size 1.
    const ROUNDING: f64 = 1e-12;

    /// The hull's height at a cost: the best mix of two points at or below that mean cost.
    fn height(points: &[(f64, f64)], cost: f64) -> f64 {
        let mut best = f64::MIN;
        for a in points.iter().filter(|a| a.0 <= cost) {
            best = best.max(a.1);
            for b in points.iter().filter(|b| b.0 > cost) {
                let part = (cost - a.0) / (b.0 - a.0);
                best = best.max(a.1 + part * (b.1 - a.1));
            }
        }
        best
    }

    fn points() -> impl Strategy<Value = Vec<(f64, f64)>> {
        prop::collection::vec((0u8..20, 0u8..=20), 2..12).prop_map(|mut points| {
            points.sort_by_key(|point| point.0);
            points.into_iter().map(|(x, y)| (f64::from(x), f64::from(y) / 20.0)).collect()
        })
    }

    proptest! {
        #[test]
        fn the_hull_is_the_best_mix(points in points()) {
            prop_assume!(points[0].0 < points[points.len() - 1].0);
            // The hull is straight between whole costs.
            let (min_cost, max_cost) = (points[0].0, points[points.len() - 1].0);
            let mut sum = 0.0;
            let mut at = min_cost;
            while at < max_cost {
                sum += height(&points, at).midpoint(height(&points, at + 1.0));
                at += 1.0;
            }
            prop_assert!((quality_over_cost(&points).unwrap() - sum / (max_cost - min_cost)).abs() < ROUNDING);
        }
    }
}
