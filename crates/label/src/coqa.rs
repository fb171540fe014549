//! Exact match and F1 of short texts, as the official `CoQA` evaluation script defines them.
//!
//! Source: `coqa-evaluate-v1.0.py` of Reddy, Chen and Manning, *`CoQA`: A Conversational Question
//! Answering Challenge* (2019), whose normalisation is that of `SQuAD` (Rajpurkar et al. 2016). The
//! goldens in `tests/goldens` come from an independent Python implementation.

use std::collections::BTreeMap;

/// The ASCII punctuation of Python's `string.punctuation`.
fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
}

/// White space as Python's `str.split` sees it: Unicode's, and the four separators U+001C to U+001F.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1C}'..='\u{1F}').contains(&c)
}

/// The words of a text that are compared: lower case, without ASCII punctuation and without the
/// articles `a`, `an`, `the`.
///
/// ```
/// use plimsoll_label::coqa::tokens;
/// assert_eq!(tokens("The cat's  hat, a hat!"), ["cats", "hat", "hat"]);
/// ```
pub fn tokens(text: &str) -> Vec<String> {
    let kept: String = text.to_lowercase().chars().filter(|c| !is_punctuation(*c)).collect();
    let (mut plain, mut word) = (String::with_capacity(kept.len()), String::new());
    for c in kept.chars().chain(std::iter::once(' ')) {
        if c.is_alphanumeric() {
            word.push(c);
            continue;
        }
        plain.push_str(if matches!(word.as_str(), "a" | "an" | "the") { " " } else { &word });
        word.clear();
        plain.push(c);
    }
    plain.split(is_space).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether two texts have the same tokens.
///
/// ```
/// use plimsoll_label::coqa::exact;
/// assert!(exact("The White House", "white house."));
/// ```
pub fn exact(gold: &str, answer: &str) -> bool {
    tokens(gold) == tokens(answer)
}

/// Token F1 of an answer against one reference.
///
/// # Formula
/// `F1 = 2 P R / (P + R)` with `P` = common tokens / tokens of the answer, `R` = common tokens /
/// tokens of the reference, tokens counted as often as they occur in both; 0 if none is common; if
/// either has no tokens, 1 if neither has, else 0.
///
/// ```
/// use plimsoll_label::coqa::f1;
/// // One token ("white") is common: P = 1/2, R = 1/1.
/// assert!((f1("white", "white house") - 2.0 / 3.0).abs() < 1e-15);
/// assert_eq!(f1("the", ""), 1.0);
/// assert_eq!(f1("white", ""), 0.0);
/// ```
pub fn f1(gold: &str, answer: &str) -> f64 {
    f1_of_tokens(&tokens(gold), &tokens(answer))
}

fn f1_of_tokens(gold: &[String], answer: &[String]) -> f64 {
    if gold.is_empty() || answer.is_empty() {
        return if gold.len() == answer.len() { 1.0 } else { 0.0 };
    }
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for token in gold {
        *left.entry(token).or_insert(0) += 1;
    }
    let mut common = 0usize;
    for token in answer {
        if let Some(count) = left.get_mut(token.as_str()).filter(|count| **count > 0) {
            *count -= 1;
            common += 1;
        }
    }
    if common == 0 {
        return 0.0;
    }
    let precision = common as f64 / answer.len() as f64;
    let recall = common as f64 / gold.len() as f64;
    2.0 * precision * recall / (precision + recall)
}

/// The best F1 over references; 0 without any.
pub fn best_f1<S: AsRef<str>>(golds: &[S], answer: &str) -> f64 {
    let answer = tokens(answer);
    golds.iter().map(|gold| f1_of_tokens(&tokens(gold.as_ref()), &answer)).fold(0.0, f64::max)
}

/// Exact match and F1 over several human references, as the official script reports them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Exact match, in [0, 1].
    pub exact: f64,
    /// Token F1, in [0, 1].
    pub f1: f64,
}

/// Scores an answer against human references.
///
/// # Formula
/// With one reference, exact match and F1 against it. With `n` > 1, the mean over `i` of the best
/// over all references but the `i`-th, so that a model is compared with as many references as each
/// human is. (`compute_turn_score` of the official script.)
///
/// ```
/// use plimsoll_label::coqa::score;
/// // Left out in turn: ["red"] -> best of ["blue"] = 0; ["blue"] -> best of ["red"] = 1.
/// let score = score(&["red", "blue"], "Red");
/// assert_eq!((score.exact, score.f1), (0.5, 0.5));
/// ```
pub fn score<S: AsRef<str>>(golds: &[S], answer: &str) -> Score {
    let answer = tokens(answer);
    let each: Vec<(f64, f64)> = golds
        .iter()
        .map(|gold| {
            let gold = tokens(gold.as_ref());
            (if gold == answer { 1.0 } else { 0.0 }, f1_of_tokens(&gold, &answer))
        })
        .collect();
    let exact: Vec<f64> = each.iter().map(|(exact, _)| *exact).collect();
    let f1: Vec<f64> = each.iter().map(|(_, f1)| *f1).collect();
    Score { exact: leave_one_out(&exact), f1: leave_one_out(&f1) }
}

/// The mean over each value left out of the largest of the others; the value itself if it is alone.
fn leave_one_out(values: &[f64]) -> f64 {
    if let [only] = values {
        return *only;
    }
    // The largest of the others is the largest, except where the largest itself is left out.
    let largest = values.iter().copied().enumerate().fold(
        None,
        |best: Option<(usize, f64)>, (index, value)| match best {
            Some((_, most)) if most >= value => best,
            _ => Some((index, value)),
        },
    );
    let Some((best_index, largest)) = largest else { return 0.0 };
    let second = values
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != best_index)
        .map(|(_, value)| *value)
        .fold(0.0, f64::max);
    let sum: f64 = (0..values.len()).map(|index| if index == best_index { second } else { largest }).sum();
    sum / values.len() as f64
}
