//! The numerics against scikit-learn, scipy and numpy; `goldens/numerics.py` and `goldens/t_quantiles.py` write the values.

#[cfg(test)]
mod goldens {
    use plimsoll_fit::distance::ks_two_sample;
    use plimsoll_fit::maps::{GradedConfidence, MapProblem, fit_beta, fit_isotonic, fit_platt};
    use plimsoll_fit::quantile::{quantile_linear, quantile_lower};
    use plimsoll_fit::t_bound::t_quantile;
    use plimsoll_fit::tail::{binomial_cdf, clopper_pearson_lower, clopper_pearson_upper};
    use plimsoll_router::Confidence;
    use serde_json::Value;

    /// Relative above 1, absolute below.
    const AGREES: f64 = 1e-9;
    /// Relative, also of tails and limits far below 1.
    const AGREES_IN_ALL_DIGITS: f64 = 1e-9;
    /// Relative, of scikit-learn's Platt scaling: L-BFGS stops at a gradient of 1e-6.
    const LBFGS: f64 = 1e-6;

    /// Relative above 1, of statrs' inverse of the incomplete beta function: 2e-9 at 998 degrees of freedom.
    const STATRS: f64 = 1e-8;

    fn goldens(section: &str) -> Vec<Value> {
        let all: Value = serde_json::from_str(include_str!("goldens/numerics.json")).unwrap();
        let cases = all[section].as_array().unwrap().clone();
        assert!(!cases.is_empty());
        cases
    }

    fn number(case: &Value, field: &str) -> f64 {
        case[field].as_f64().unwrap()
    }

    fn count(case: &Value, field: &str) -> u64 {
        case[field].as_u64().unwrap()
    }

    fn numbers(case: &Value, field: &str) -> Vec<f64> {
        case[field].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
    }

    fn rows(case: &Value) -> Vec<GradedConfidence> {
        let (confidence, correct) = (numbers(case, "confidence"), numbers(case, "correct"));
        let rows = confidence.iter().zip(correct).zip(numbers(case, "weight"));
        rows.map(|((confidence, correct), weight)| GradedConfidence {
            confidence: Confidence::new(*confidence).unwrap(),
            correct: correct > 0.0,
            weight,
        })
        .collect()
    }

    #[track_caller]
    fn assert_close(found: f64, expected: f64, tolerance: f64, case: &str) {
        let allowed = tolerance * expected.abs().max(1.0);
        assert!((found - expected).abs() <= allowed, "{case}: {found} instead of {expected}");
    }

    #[track_caller]
    fn assert_all_digits(found: f64, expected: f64, case: &str) {
        let allowed = AGREES_IN_ALL_DIGITS * expected.abs();
        assert!((found - expected).abs() <= allowed, "{case}: {found:e} instead of {expected:e}");
    }

    #[test]
    fn isotonic() {
        for case in goldens("maps") {
            let name = case["name"].as_str().unwrap();
            let map = fit_isotonic(&rows(&case)).unwrap();
            assert_eq!(map.x, numbers(&case["isotonic"], "x"), "{name}");
            for (found, expected) in map.y.iter().zip(numbers(&case["isotonic"], "y")) {
                assert_close(*found, expected, AGREES, name);
            }
        }
    }

    #[test]
    fn platt() {
        for case in goldens("maps") {
            let name = case["name"].as_str().unwrap();
            let map = fit_platt(&rows(&case)).unwrap();
            let expected = &case["platt"];
            assert_close(map.a, number(expected, "a"), AGREES, name);
            assert_close(map.b, number(expected, "b"), AGREES, name);
            assert_close(map.a, number(expected, "sklearn_a"), LBFGS, name);
            assert_close(map.b, number(expected, "sklearn_b"), LBFGS, name);
        }
    }

    #[test]
    fn beta() {
        for case in goldens("maps") {
            let name = case["name"].as_str().unwrap();
            let map = fit_beta(&rows(&case));
            let expected = &case["beta"];
            if expected.is_null() {
                assert_eq!(map, Err(MapProblem::Separable), "{name}");
                continue;
            }
            let map = map.unwrap();
            assert_close(map.a, number(expected, "a"), AGREES, name);
            assert_close(map.b, number(expected, "b"), AGREES, name);
            assert_close(map.intercept, number(expected, "intercept"), AGREES, name);
        }
    }

    #[test]
    fn binomial_tails() {
        for case in goldens("tails") {
            let found = binomial_cdf(count(&case, "k"), count(&case, "n"), number(&case, "p"));
            assert_all_digits(found, number(&case, "cdf"), &case.to_string());
        }
    }

    #[test]
    fn clopper_pearson_limits() {
        for case in goldens("limits") {
            let (k, n, delta) = (count(&case, "k"), count(&case, "n"), number(&case, "delta"));
            let upper = clopper_pearson_upper(k, n, delta);
            assert_all_digits(upper, number(&case, "upper"), &case.to_string());
            let lower = clopper_pearson_lower(k, n, delta);
            assert_all_digits(lower, number(&case, "lower"), &case.to_string());
        }
    }

    #[test]
    fn quantiles_of_student_s_t() {
        let all: Value = serde_json::from_str(include_str!("goldens/t_quantiles.json")).unwrap();
        for case in all["cases"].as_array().unwrap() {
            let found = t_quantile(count(case, "degrees"), number(case, "delta")).unwrap();
            assert_close(found, number(case, "quantile"), STATRS, &case.to_string());
        }
        assert_eq!((t_quantile(5, 1e-4), t_quantile(5, 0.6), t_quantile(0, 0.1)), (None, None, None));
    }

    #[test]
    fn kolmogorov_smirnov() {
        for case in goldens("distances") {
            let found = ks_two_sample(&numbers(&case, "a"), &numbers(&case, "b")).unwrap();
            assert_close(found, number(&case, "statistic"), AGREES, &case.to_string());
        }
    }

    #[test]
    fn quantiles() {
        for case in goldens("quantiles") {
            let sorted = numbers(&case, "sorted");
            let expected = numbers(&case, "linear").into_iter().zip(numbers(&case, "lower"));
            for (p, (linear, lower)) in numbers(&case, "p").into_iter().zip(expected) {
                assert_close(quantile_linear(&sorted, p).unwrap(), linear, AGREES, &format!("{p}"));
                assert_eq!(quantile_lower(&sorted, p), Some(lower), "{p} of {}", sorted.len());
            }
        }
    }
}
