//! Three methods on real outputs that carry token probabilities and samples: the confidences are those that stand
//! beside the outputs, and rank right answers first as well as `PROVENANCE.md` of the folder says.
//!
//! The outputs are not in the repository: the tests run where `PLIMSOLL_REAL_DATA` names the folder that holds
//! `real_outputs/`, and say so where it does not.

use std::collections::BTreeMap;

use plimsoll_core::records::{GenerationRow, TokenRow};
use plimsoll_core::{AnswerKind, RawScore, ScoreTableBuilder, Seed};
use plimsoll_evaluate::{EvaluationSettings, alignment};
use plimsoll_fit::PreparedSeries;
use plimsoll_uq::methods::Scoring;
use plimsoll_uq::{ObservedSignals, method};
use serde_json::{Value, json};

use crate::real_data::logs;

/// Relative, of a sequence's probability: tables hold log-probabilities in single precision.
const F32_LOGPROBS: f64 = 1e-6;
/// Of a figure of PROVENANCE.md, which has three digits after the point.
const THREE_DIGITS: f64 = 0.0005;
/// What rounding a figure that ends in a 5 may add.
const ROUNDING: f64 = 1e-9;

/// Files of token probabilities: 400 rows each, ROC AUC of `seq_prob`.
const TOKENS: [(&str, f64); 12] = [
    ("triviaqa_gemma2", 0.744),
    ("triviaqa_llama8", 0.756),
    ("triviaqa_Qwen_Qwen2-72B-Instruct", 0.662),
    ("triviaqa_meta-llama_Meta-Llama-3.1-70B-Instruct", 0.664),
    ("sciq_gemma2", 0.737),
    ("sciq_llama8", 0.745),
    ("sciq_Qwen_Qwen2-72B-Instruct", 0.700),
    ("sciq_meta-llama_Meta-Llama-3.1-70B-Instruct", 0.641),
    ("nq_gemma2", 0.726),
    ("nq_llama8", 0.739),
    ("nq_Qwen_Qwen2-72B-Instruct", 0.670),
    ("nq_meta-llama_Meta-Llama-3.1-70B-Instruct", 0.698),
];

/// ROC AUC of mean pairwise Jaccard similarity, the most frequent and the first sample being the answer.
const SAMPLES: [f64; 2] = [0.846, 0.856];

fn agrees(found: f64, printed: f64) -> bool {
    (found - printed).abs() <= THREE_DIGITS + ROUNDING
}

/// The confidence of a method without a label.
fn score(id: &str, parameters: &Value, answer: Option<&GenerationRow>, samples: &[GenerationRow]) -> f64 {
    let resolved = method(id).unwrap().resolve(parameters).unwrap();
    let Scoring::Closed(score) = resolved.scoring else { panic!("{id} is a probe") };
    let observed = ObservedSignals {
        kind: AnswerKind::Span,
        question: "",
        answer,
        label: None,
        samples,
        verbalized: None,
    };
    score(&observed, &resolved.parameters).unwrap().get()
}

/// ROC AUC of confidences, by the program's own metric.
fn roc_auc(rows: &[(f64, bool)]) -> f64 {
    let mut builder = ScoreTableBuilder::new();
    for (index, (confidence, correct)) in rows.iter().enumerate() {
        let row = RawScore {
            question_id: &index.to_string(),
            dataset: "d",
            method: "m",
            confidence: Some(*confidence),
            slm_correct: Some(*correct),
            ..RawScore::default()
        };
        builder.push(&row).unwrap();
    }
    let table = builder.finish();
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    let judged = alignment(&prepared, None, &EvaluationSettings { bootstrap: 0, seed: Seed::new(1) });
    judged.alignment.iter().find(|row| row.dataset == "d").unwrap().roc_auc.unwrap()
}

/// An answer of tokens with these probabilities. Their texts do not matter to the methods, only that each has one;
/// the authors' figure is over all that was generated, so that the stop token counts as one too.
#[expect(clippy::cast_possible_truncation, reason = "tables hold f32")]
fn answer(probabilities: &[f64]) -> GenerationRow {
    let token = |(position, probability): (u32, &f64)| TokenRow {
        text: "x".to_owned(),
        start: position,
        end: position + 1,
        logprob: Some(probability.ln() as f32),
        ..TokenRow::default()
    };
    GenerationRow {
        text: Some("x".repeat(probabilities.len())),
        tokens: Some((0..).zip(probabilities).map(token).collect()),
        ..GenerationRow::default()
    }
}

#[test]
fn token_probabilities_of_four_models_on_three_datasets() {
    let Some(folder) = logs("xia-open-qa-token-probs") else { return };
    for (name, printed) in TOKENS {
        let path = folder.join(format!("{name}_verb_test.first400.csv"));
        let mut reader = csv::Reader::from_path(path).unwrap();
        let (mut geometric, mut arithmetic) = (Vec::new(), Vec::new());
        let mut worst = 0.0_f64;
        for row in reader.deserialize() {
            let row: BTreeMap<String, String> = row.unwrap();
            let probabilities = row.get("tok_prob").or_else(|| row.get("token_probs")).unwrap();
            let probabilities: Vec<f64> = serde_json::from_str(probabilities).unwrap();
            // Padding has probability 0.
            let kept: Vec<f64> = probabilities.into_iter().filter(|probability| *probability > 0.0).collect();
            let answer = answer(&kept);
            let stored: f64 = row["seq_prob"].parse().unwrap();
            let perplexity = score("perplexity", &Value::Null, Some(&answer), &[]);
            worst = worst.max((perplexity - stored).abs() / stored);
            let mean = score("average_token_probability", &Value::Null, Some(&answer), &[]);
            let expected = kept.iter().sum::<f64>() / kept.len() as f64;
            assert!((mean - expected).abs() / expected < F32_LOGPROBS, "{name}: {mean}, not {expected}");
            assert!(mean >= perplexity * (1.0 - F32_LOGPROBS), "{name}: a mean below the geometric one");
            let correct = row["extracted_prom46_score"].parse::<f64>().unwrap() == 1.0;
            geometric.push((perplexity, correct));
            arithmetic.push((mean, correct));
        }
        assert_eq!(geometric.len(), 400);
        assert!(worst < F32_LOGPROBS, "{name}: {worst}");
        let (found, other) = (roc_auc(&geometric), roc_auc(&arithmetic));
        println!(
            "{name}: perplexity {found:.4} ({printed}), average token probability {other:.4}, worst {worst:.1e}"
        );
        assert!(agrees(found, printed), "{name}: {found}, printed {printed}");
    }
}

/// Lower case, without punctuation and articles.
fn normalised(text: &str) -> String {
    let plain: String = text
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '_' || c.is_whitespace())
        .collect();
    let words: Vec<&str> =
        plain.split_whitespace().filter(|word| !["a", "an", "the"].contains(word)).collect();
    words.join(" ")
}

/// The text that occurs most often, the first of those that do.
fn most_frequent(texts: &[String]) -> &String {
    let count = |text: &String| texts.iter().filter(|other| *other == text).count();
    let most = texts.iter().map(count).max().unwrap();
    texts.iter().find(|text| count(text) == most).unwrap()
}

#[test]
fn twenty_samples_of_five_hundred_questions() {
    let Some(folder) = logs("lin-triviaqa-samples") else { return };
    let text = std::fs::read_to_string(folder.join("demo_data.jsonl")).unwrap();
    let parameters = json!({"samples": 20, "temperature": 1.0});
    let degree = |texts: &[String]| {
        let sample = |text: &String| GenerationRow { text: Some(text.clone()), ..GenerationRow::default() };
        let samples: Vec<GenerationRow> = texts.iter().map(sample).collect();
        score("jaccard_degree", &parameters, None, &samples)
    };
    let (mut by_words, mut as_they_are) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let written: Vec<String> = serde_json::from_value(line["generations"].clone()).unwrap();
        let words: Vec<String> = written.iter().map(|text| normalised(text)).collect();
        let gold = normalised(line["answer"].as_str().unwrap());
        for (index, answer) in [most_frequent(&words), &words[0]].into_iter().enumerate() {
            by_words[index].push((degree(&words), *answer == gold));
            as_they_are[index].push((degree(&written), *answer == gold));
        }
    }
    for (index, printed) in SAMPLES.into_iter().enumerate() {
        assert_eq!(by_words[index].len(), 500);
        let (found, other) = (roc_auc(&by_words[index]), roc_auc(&as_they_are[index]));
        println!("answer {index}: {found:.4} ({printed}) of the words, {other:.4} of the texts as they are");
        // The figures are of sets of normalised words; the method itself takes words as they are written.
        assert!(agrees(found, printed), "{found}, printed {printed}");
    }
}
