//! Router files of ucci-router, version 1.
//!
//! Its signal is u = 1 - token margin, its policy: escalate iff g(u) > theta, with g interpolated between knots. A point of
//! `token_margin` is said exactly by the identity: knots (0, 0) and (1, 1), theta = 1 - threshold.

use serde_json::json;

use super::{Point, other_method};

/// A router file.
pub(super) fn export(point: &Point<'_>) -> Result<String, String> {
    if point.method != "token_margin" {
        return Err(other_method(point, "the token margin (token_margin)"));
    }
    // Below every u where every question is deferred.
    let theta = if point.defers_all() { -1.0 } else { 1.0 - point.threshold };
    let [first, second] = point.origin();
    let document = json!({
        "format": "ucci-router",
        "version": 1,
        "calibrator": { "x": [0.0, 1.0], "y": [0.0, 1.0] },
        "theta": theta,
        "c_small": 1.0,
        "c_large": 1.0,
        "cost_model": "routing",
        "tau": null,
        "grid_step": null,
        "created_by": format!(
            "{first} {second} The map is the identity: p_hat is 1 - margin, no probability of an error. Costs are not known. \
             Without a margin, escalate."
        ),
    });
    serde_json::to_string_pretty(&document).map(|text| text + "\n").map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn point(method: &'static str, threshold: f64) -> Point<'static> {
        Point { method, id: "m/t", threshold, slm: "s", llm: None, file_sha256: "0" }
    }

    #[test]
    fn decisions_are_the_files() {
        for ours in [0.0, 0.25, 0.731, 1.0, 1.0 + f64::EPSILON] {
            let file: Value = serde_json::from_str(&export(&point("token_margin", ours)).unwrap()).unwrap();
            let theta = file["theta"].as_f64().unwrap();
            for step in 0..=1000 {
                let margin = f64::from(step) / 1000.0;
                let escalates = 1.0 - margin > theta;
                // Apart from the rounding of one subtraction.
                if (margin - ours).abs() > 1e-12 || ours > 1.0 {
                    assert_eq!(!escalates, margin >= ours, "{ours} {margin}");
                }
            }
        }
        assert!(export(&point("perplexity", 0.5)).unwrap_err().contains("and not perplexity"));
    }
}
