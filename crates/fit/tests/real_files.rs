//! The numerics and the guarantees on real model outputs: the MMLU-Pro logs of two small models and
//! a large one, three confidences each.
//!
//! `PLIMSOLL_REAL_DATA` names the folder that holds `real_outputs/`; without it the tests say so and
//! pass. `goldens/real_files.py` writes what scikit-learn and scipy say of the same files.

#[cfg(test)]
mod real_files {
    use std::collections::BTreeMap;
    use std::io::Write as _;
    use std::path::{Path, PathBuf};

    use plimsoll_core::{Outcome, RawScore, ScoreTable, ScoreTableBuilder, Seed};
    use plimsoll_fit::distance::ks_two_sample;
    use plimsoll_fit::guarantee::{TestOutcome, TestSet};
    use plimsoll_fit::maps::{GradedConfidence, fit_isotonic};
    use plimsoll_fit::tail::{binomial_cdf, clopper_pearson_upper};
    use plimsoll_fit::{Curve, DatasetSelection, Draw, DrawOrder, DrawSpec, PreparedSeries, WeightedSample};
    use plimsoll_router::{Confidence, Risk, Threshold};
    use rand::Rng as _;
    use rand::seq::SliceRandom as _;
    use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
    use serde_json::Value;

    /// Absolute, of shares, scores and knots.
    const AGREES: f64 = 1e-9;
    /// Relative, of tails and limits; below the smallest normal double only zero is compared.
    const AGREES_IN_ALL_DIGITS: f64 = 1e-9;

    const FOLDER: &str = "real_outputs/tao-mmlu-pro-confidence";
    const SMALL: [(&str, &str); 2] = [
        ("llama-3.2-3b", "mmlu_pro_Llama-3.2-3B-Instruct-Turbo_eval_all_None.csv"),
        ("llama-3.1-8b", "mmlu_pro_Meta-Llama-3.1-8B-Instruct-Turbo_eval_all_None.csv"),
    ];
    const LARGE: (&str, &str) =
        ("llama-3.1-70b", "mmlu_pro_Meta-Llama-3.1-70B-Instruct-Turbo_eval_all_None.csv");
    const METHODS: [(&str, &str); 3] = [
        ("verbalized_number", "verbal_numerical_confidence"),
        ("mean_token_probability", "logit_perplexity_confidence"),
        ("linguistic", "verbal_linguistic_confidence"),
    ];

    /// A line that is seen even if the test passes.
    fn say(line: &str) {
        writeln!(std::io::stderr(), "real_files: {line}").unwrap();
    }

    /// The folder of the files, if the tests are to run.
    fn folder() -> Option<PathBuf> {
        match std::env::var_os("PLIMSOLL_REAL_DATA") {
            Some(data) => Some(PathBuf::from(data).join(FOLDER)),
            None => {
                say(
                    "SKIPPED, nothing was tested: PLIMSOLL_REAL_DATA does not name the folder with real_outputs/",
                );
                None
            }
        }
    }

    /// A row of one file.
    #[derive(Debug, Clone)]
    struct Row {
        category: String,
        right: bool,
        confidence: BTreeMap<&'static str, Option<f64>>,
    }

    fn read(path: &Path) -> Vec<Row> {
        let mut reader = csv::Reader::from_path(path).unwrap();
        let headers = reader.headers().unwrap().clone();
        let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
        let (category, gold, answer) =
            (column("category"), column("correct_answer"), column("extracted_answer"));
        let confidences = METHODS.map(|(method, header)| (method, column(header)));
        reader
            .records()
            .map(|record| {
                let record = record.unwrap();
                let number = |column: usize| record[column].parse::<f64>().ok();
                Row {
                    category: record[category].to_owned(),
                    right: record[answer] == record[gold],
                    confidence: confidences
                        .map(|(method, column)| (method, number(column)))
                        .into_iter()
                        .collect(),
                }
            })
            .collect()
    }

    /// All series of both pairs; the order of series is by SLM and method.
    fn table(folder: &Path) -> ScoreTable {
        let large = read(&folder.join(LARGE.1));
        let mut builder = ScoreTableBuilder::new();
        for (slm, file) in SMALL {
            for (number, (row, large)) in read(&folder.join(file)).iter().zip(&large).enumerate() {
                assert_eq!(row.category, large.category);
                for (method, confidence) in &row.confidence {
                    let raw = RawScore {
                        question_id: &number.to_string(),
                        dataset: &row.category,
                        slm: Some(slm),
                        llm: Some(LARGE.0),
                        method,
                        confidence: *confidence,
                        slm_correct: Some(row.right),
                        llm_correct: Some(large.right),
                        ..RawScore::default()
                    };
                    builder.push(&raw).unwrap();
                }
            }
        }
        builder.finish()
    }

    fn goldens() -> Value {
        serde_json::from_str(include_str!("goldens/real_files.json")).unwrap()
    }

    fn numbers(value: &Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    }

    #[track_caller]
    fn assert_close(found: f64, expected: &Value, what: &str) {
        let expected = expected.as_f64().unwrap();
        assert!((found - expected).abs() <= AGREES, "{what}: {found} instead of {expected}");
    }

    #[track_caller]
    fn assert_all_digits(found: f64, expected: f64, what: &str) {
        let allowed = (AGREES_IN_ALL_DIGITS * expected.abs()).max(f64::MIN_POSITIVE);
        assert!((found - expected).abs() <= allowed, "{what}: {found:e} instead of {expected:e}");
    }

    /// Runs a check on every series that has goldens.
    fn for_each_series(check: impl Fn(&PreparedSeries<'_>, &Value, &str)) {
        let Some(folder) = folder() else { return };
        let table = table(&folder);
        let goldens = goldens();
        let entries = goldens["series"].as_array().unwrap();
        assert_eq!((table.series.len(), entries.len()), (6, 6));
        for entry in entries {
            let (slm, method) = (entry["slm"].as_str().unwrap(), entry["method"].as_str().unwrap());
            let same = |series: &&plimsoll_core::ScoreSeries| {
                series.slm.as_str() == slm && series.method.as_str() == method
            };
            let prepared = PreparedSeries::new(&table.questions, table.series.iter().find(same).unwrap());
            check(&prepared, entry, &format!("{slm} {method}"));
        }
    }

    fn everything(prepared: &PreparedSeries<'_>) -> DatasetSelection {
        DatasetSelection::all(prepared.questions.datasets().len())
    }

    fn observations(prepared: &PreparedSeries<'_>) -> Vec<GradedConfidence> {
        let all = everything(prepared);
        let row = |(confidence, row)| GradedConfidence {
            confidence,
            correct: prepared.outcomes(row).0.is_correct(),
            weight: 1.0,
        };
        prepared.scored(&all).map(row).collect()
    }

    /// Mean squared distance of probability and outcome.
    fn brier(rows: &[GradedConfidence], probability: impl Fn(Confidence) -> f64) -> f64 {
        let square =
            |row: &GradedConfidence| (probability(row.confidence) - f64::from(u8::from(row.correct))).powi(2);
        rows.iter().map(square).sum::<f64>() / rows.len() as f64
    }

    #[test]
    fn counts_and_brier_scores() {
        for_each_series(|prepared, golden, name| {
            let rows = observations(prepared);
            let correct = |outcomes: &[Outcome]| outcomes.iter().filter(|o| o.is_correct()).count() as u64;
            let counts = [
                ("rows", prepared.series.len() as u64),
                ("missing", (prepared.series.len() - rows.len()) as u64),
                ("slm_correct", correct(&prepared.series.slm_outcome)),
                ("llm_correct", correct(&prepared.series.llm_outcome)),
            ];
            for (key, count) in counts {
                assert_eq!(golden[key].as_u64(), Some(count), "{name} {key}");
            }
            assert_close(brier(&rows, Confidence::get), &golden["brier_raw"], name);
        });
    }

    #[test]
    fn isotonic_knots() {
        for_each_series(|prepared, golden, name| {
            let rows = observations(prepared);
            let map = fit_isotonic(&rows).unwrap();
            let golden = &golden["isotonic"];
            assert_eq!(map.x, numbers(&golden["x"]), "{name}");
            for (found, expected) in map.y.iter().zip(golden["y"].as_array().unwrap()) {
                assert_close(*found, expected, name);
            }
            assert_close(brier(&rows, |c| map.apply(c).unwrap()), &golden["brier"], name);
        });
    }

    #[test]
    fn distances_of_each_category_from_the_others() {
        for_each_series(|prepared, golden, name| {
            let datasets = prepared.questions.datasets();
            let golden = golden["ks"].as_object().unwrap();
            assert_eq!((datasets.len(), golden.len()), (14, 14));
            for (index, dataset) in datasets.iter().enumerate() {
                let own = DatasetSelection::from_flags((0..14).map(|other| other == index).collect());
                let values = |selection: &DatasetSelection| -> Vec<f64> {
                    prepared.scored(selection).map(|(confidence, _)| confidence.get()).collect()
                };
                let found = ks_two_sample(&values(&own), &values(&own.complement())).unwrap();
                assert_close(found, &golden[dataset.id.as_str()], &format!("{name} {}", dataset.id));
            }
        });
    }

    #[test]
    fn limits_and_tails_at_thresholds() {
        let goldens = goldens();
        let (deltas, alphas) = (numbers(&goldens["deltas"]), numbers(&goldens["alphas"]));
        for_each_series(|prepared, golden, name| {
            let sample = WeightedSample::all(prepared, &everything(prepared));
            for kept in golden["kept"].as_array().unwrap() {
                let threshold = Threshold::new(kept["threshold"].as_f64().unwrap()).unwrap();
                let what = format!("{name} {}", threshold.get());
                let split = sample.split(threshold);
                let count = |key: &str| kept[key].as_u64().unwrap();
                let (rows, wrong) = (count("rows"), count("wrong"));
                let found = [split.kept.all, split.kept.slm_wrong, split.kept.regret];
                assert_eq!(found, [rows, wrong, count("regret")].map(|count| count as f64), "{what}");
                for (delta, expected) in deltas.iter().zip(numbers(&kept["upper"])) {
                    assert_all_digits(
                        clopper_pearson_upper(wrong, rows, *delta),
                        expected,
                        &format!("{what} {delta}"),
                    );
                }
                for (alpha, expected) in alphas.iter().zip(numbers(&kept["tail"])) {
                    assert_all_digits(
                        binomial_cdf(wrong, rows, *alpha),
                        expected,
                        &format!("{what} {alpha}"),
                    );
                }
            }
        });
    }

    /// Pools per series.
    const RUNS: u64 = 400;
    /// Rows per pool, drawn with replacement; 40 % of them are drawn and tested.
    const POOL: usize = 3000;
    const FRACTION: f64 = 0.4;
    const DELTA: f64 = 0.1;
    /// Standard errors by which a share over the runs may exceed its expectation.
    const MONTE_CARLO_ERRORS: f64 = 3.0;

    fn at_most_delta(rate: f64) -> bool {
        rate <= DELTA + MONTE_CARLO_ERRORS * (DELTA * (1.0 - DELTA) / RUNS as f64).sqrt()
    }

    /// A row as the tests see it: confidence, SLM right, LLM right.
    type Seen = (Option<f64>, bool, bool);

    /// Real rows whose risk is known at every threshold by counting.
    struct Population {
        rows: Vec<Seen>,
    }

    impl Population {
        fn from_series(prepared: &PreparedSeries<'_>) -> Self {
            let row = |row: u32| {
                let (slm, llm) = prepared.outcomes(row);
                let confidence = prepared.series.confidence(row as usize).map(Confidence::get);
                (confidence, slm.is_correct(), llm.is_correct())
            };
            Self { rows: (0..u32::try_from(prepared.series.len()).unwrap()).map(row).collect() }
        }

        /// The same confidences with the answers of other rows.
        fn shuffled(&self) -> Self {
            let mut answers: Vec<(bool, bool)> = self.rows.iter().map(|row| (row.1, row.2)).collect();
            answers.shuffle(&mut Seed::new(3).rng());
            let row = |(row, (slm, llm)): (&Seen, (bool, bool))| (row.0, slm, llm);
            Self { rows: self.rows.iter().zip(answers).map(row).collect() }
        }

        fn risk(&self, risk: Risk, threshold: Threshold) -> f64 {
            risk_of(&self.rows, risk, threshold).unwrap_or(0.0)
        }

        fn error(&self) -> f64 {
            self.rows.iter().filter(|row| !row.1).count() as f64 / self.rows.len() as f64
        }

        /// A bound just under the risk of keeping about half the rows, and of keeping all (which is
        /// the smaller where a confidence says nothing).
        fn alpha(&self, risk: Risk) -> f64 {
            let mut values: Vec<f64> = self.rows.iter().filter_map(|row| row.0).collect();
            values.sort_unstable_by(f64::total_cmp);
            let half = Threshold::new(values[values.len() / 2]).unwrap();
            self.risk(risk, half).min(self.risk(risk, Threshold::KEEP_ALL)) * 0.995
        }

        fn pool(&self, seed: &Seed) -> Pool {
            let mut rng = seed.derive("pool").rng();
            let mut builder = ScoreTableBuilder::new();
            for number in 0..POOL {
                let (confidence, slm, llm) = self.rows[rng.random_range(0..self.rows.len())];
                let raw = RawScore {
                    question_id: &number.to_string(),
                    dataset: "d",
                    llm: Some("llm"),
                    method: "m",
                    confidence,
                    slm_correct: Some(slm),
                    llm_correct: Some(llm),
                    ..RawScore::default()
                };
                builder.push(&raw).unwrap();
            }
            let table = builder.finish();
            let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
            let all = everything(&prepared);
            let order = DrawOrder::new(&prepared, 30, &seed.derive("order"));
            let spec = DrawSpec { fraction: FRACTION, seed: seed.derive("start") };
            let draw = Draw::new(&order, &prepared, &all, spec);
            let (sample, undrawn) = WeightedSample::drawn(&prepared, &all, &draw);
            let tests = TestSet::new(&prepared, &draw, &undrawn, &seed.derive("tests"));
            Pool { tests, curve: Curve::new(&sample) }
        }
    }

    /// By counting; `None` where nothing is kept.
    fn risk_of(rows: &[Seen], risk: Risk, threshold: Threshold) -> Option<f64> {
        let (mut kept, mut losses) = (0u64, 0u64);
        for (confidence, slm, llm) in rows {
            if confidence.is_some_and(|c| threshold.keeps(Confidence::new(c).unwrap())) {
                kept += 1;
                losses += u64::from(!slm && (risk != Risk::Regret || *llm));
            }
        }
        let trials = if risk == Risk::SelectiveError { kept } else { rows.len() as u64 };
        (kept > 0).then(|| losses as f64 / trials as f64)
    }

    /// What a fit makes of a pool.
    struct Pool {
        tests: TestSet,
        curve: Curve,
    }

    impl Pool {
        fn ours(&self, risk: Risk, alpha: f64) -> Option<Threshold> {
            match self.tests.test(risk, alpha, DELTA) {
                TestOutcome::Certified(threshold, _) => Some(threshold),
                TestOutcome::Infeasible(_) => None,
            }
        }

        /// The loosest threshold whose observed risk is at most alpha.
        fn naive(&self, risk: Risk, alpha: f64) -> Option<Threshold> {
            let observed = |point: &plimsoll_fit::CurvePoint| match risk {
                Risk::SelectiveError => point.selective_error,
                Risk::JointError => Some(point.joint_error),
                Risk::Regret => point.regret,
            };
            let fits = |point: &&plimsoll_fit::CurvePoint| observed(point).is_some_and(|risk| risk <= alpha);
            self.curve.points().iter().find(fits).map(|point| point.threshold)
        }
    }

    /// Share of the pools for which a question is answered with yes.
    fn rates<const N: usize>(
        name: &str,
        population: &Population,
        ask: impl Fn(&Pool) -> [bool; N] + Sync,
    ) -> [f64; N] {
        let seed = Seed::new(2502).derive(name);
        let answers: Vec<[bool; N]> =
            (0..RUNS).into_par_iter().map(|run| ask(&population.pool(&seed.derive_index(run)))).collect();
        std::array::from_fn(|i| answers.iter().filter(|answer| answer[i]).count() as f64 / RUNS as f64)
    }

    #[test]
    fn guarantees_hold_on_resampled_rows_and_the_naive_rule_fails() {
        for_each_series(|prepared, _, name| {
            let population = Population::from_series(prepared);
            let risks = [Risk::SelectiveError, Risk::JointError, Risk::Regret];
            let alphas = risks.map(|risk| population.alpha(risk));
            let breaks = |threshold: Option<Threshold>, index: usize| {
                threshold.is_some_and(|threshold| population.risk(risks[index], threshold) > alphas[index])
            };
            let rates: [f64; 6] = rates(name, &population, |pool| {
                std::array::from_fn(|i| match i {
                    0..3 => breaks(pool.ours(risks[i], alphas[i]), i),
                    _ => breaks(pool.naive(risks[i - 3], alphas[i - 3]), i - 3),
                })
            });
            say(&format!(
                "{name}: alpha {alphas:.3?}, violated {:.3?}, by the naive rule {:.3?}",
                &rates[..3],
                &rates[3..]
            ));
            for (index, risk) in risks.iter().enumerate() {
                assert!(at_most_delta(rates[index]), "{name} {risk:?}: {}", rates[index]);
                assert!(!at_most_delta(rates[index + 3]), "{name} {risk:?}: naive {}", rates[index + 3]);
            }
        });
    }

    #[test]
    fn shuffled_labels_are_refused() {
        for_each_series(|prepared, _, name| {
            let population = Population::from_series(prepared).shuffled();
            let alpha = population.error() * 0.97;
            let rates = rates(&format!("{name} shuffled"), &population, |pool| {
                [pool
                    .ours(Risk::SelectiveError, alpha)
                    .is_some_and(|threshold| threshold != Threshold::DEFER_ALL)]
            });
            say(&format!("{name} shuffled: alpha {alpha:.3}, kept something {:.3}", rates[0]));
            assert!(at_most_delta(rates[0]), "{name}: {}", rates[0]);
        });
    }
}
