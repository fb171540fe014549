//! The probability masses of true and false from the whole distribution of a reply's first token.

use plimsoll_core::MissingSignal;

use crate::sampling::{SamplingError, log_sum_exp};
use crate::tokenizer::{Tokenizer, TokenizerError};

/// The tokens that stand for the two sides, each by rising id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spellings {
    true_tokens: Vec<u32>,
    false_tokens: Vec<u32>,
}

/// Probability masses of the two sides, each in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FollowUpMasses {
    pub(super) true_mass: f64,
    pub(super) false_mass: f64,
}

impl Spellings {
    /// Finds the tokens of both sides.
    ///
    /// A spelling counts with its token if it is one: as the tokenizer encodes it by itself, or as the
    /// vocabulary spells it (which finds `True` without a space where a lone text is encoded with one). A
    /// spelling of several tokens counts with its first token, whose probability bounds the spelling's from
    /// above, if no spelling of the other side begins with that token and it is not blank: a first token of
    /// both, or a lone space, stands for neither.
    ///
    /// # Errors
    /// [`MissingSignal::NoSpellingToken`] if a side is left without tokens, [`MissingSignal::TokenizerFailed`].
    pub(super) fn new(
        tokenizer: &Tokenizer,
        true_strings: &[String],
        false_strings: &[String],
    ) -> Result<Self, MissingSignal> {
        let failed = |_: TokenizerError| MissingSignal::TokenizerFailed;
        let encoded = |strings: &[String]| {
            let sides: Result<Vec<_>, _> = strings.iter().map(|text| encodings(tokenizer, text)).collect();
            sides.map_err(failed)
        };
        let (truths, lies) = (encoded(true_strings)?, encoded(false_strings)?);
        let true_tokens = tokens_of_side(tokenizer, &truths, &lies).map_err(failed)?;
        let false_tokens = tokens_of_side(tokenizer, &lies, &truths).map_err(failed)?;
        if true_tokens.is_empty() || false_tokens.is_empty() {
            return Err(MissingSignal::NoSpellingToken);
        }
        Ok(Self { true_tokens, false_tokens })
    }

    /// The probability of each side under the softmax of the logits.
    ///
    /// # Errors
    /// [`SamplingError`] for logits that are NaN or infinite.
    pub(super) fn masses(&self, logits: &[f32]) -> Result<FollowUpMasses, SamplingError> {
        let normaliser = log_sum_exp(logits)?;
        let mass = |tokens: &[u32]| -> f64 {
            let logits = tokens.iter().filter_map(|token| logits.get(*token as usize));
            // Rounding may bring a sum of all there is above 1.
            logits.map(|logit| (f64::from(*logit) - normaliser).exp()).sum::<f64>().min(1.0)
        };
        Ok(FollowUpMasses { true_mass: mass(&self.true_tokens), false_mass: mass(&self.false_tokens) })
    }
}

/// The ways in which a spelling can stand at the beginning of a reply.
fn encodings(tokenizer: &Tokenizer, text: &str) -> Result<Vec<Vec<u32>>, TokenizerError> {
    let alone: Vec<u32> = tokenizer.encode(text, false)?.into_iter().map(|piece| piece.id).collect();
    let mut ways: Vec<Vec<u32>> = tokenizer.token(text).map(|token| vec![token]).into_iter().collect();
    if !alone.is_empty() && !ways.contains(&alone) {
        ways.push(alone);
    }
    Ok(ways)
}

/// The tokens that stand for one side and not for the other.
fn tokens_of_side(
    tokenizer: &Tokenizer,
    side: &[Vec<Vec<u32>>],
    other: &[Vec<Vec<u32>>],
) -> Result<Vec<u32>, TokenizerError> {
    let mut tokens = Vec::new();
    for ways in side {
        let whole: Vec<u32> = ways.iter().filter(|way| way.len() == 1).map(|way| way[0]).collect();
        if !whole.is_empty() {
            tokens.extend(whole);
            continue;
        }
        let Some(first) = ways.first().and_then(|way| way.first()) else { continue };
        let is_others = other.iter().flatten().any(|way| way.first() == Some(first));
        if !is_others && !tokenizer.decode(&[*first])?.trim().is_empty() {
            tokens.push(*first);
        }
    }
    tokens.sort_unstable();
    tokens.dedup();
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Absolute, of probabilities.
    const AGREES: f64 = 1e-12;

    /// A vocabulary of words, `▁` for the space before them.
    fn tokenizer(words: &[&str]) -> Tokenizer {
        let vocabulary: serde_json::Map<String, serde_json::Value> =
            words.iter().enumerate().map(|(id, word)| ((*word).to_owned(), id.into())).collect();
        let json = serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
            "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
            "pre_tokenizer": null, "post_processor": null,
            "decoder": {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            "model": {"type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "",
                "max_input_chars_per_word": 100, "vocab": vocabulary},
        });
        Tokenizer::from_json(json.to_string().as_bytes(), 100).unwrap()
    }

    fn spellings(words: &[&str], truths: &[&str], lies: &[&str]) -> Result<Spellings, MissingSignal> {
        let strings = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        Spellings::new(&tokenizer(words), &strings(truths), &strings(lies))
    }

    fn with_tokens(true_tokens: &[u32], false_tokens: &[u32]) -> Spellings {
        Spellings { true_tokens: true_tokens.to_vec(), false_tokens: false_tokens.to_vec() }
    }

    #[test]
    fn whole_tokens_count_and_first_tokens_only_where_they_differ() {
        let whole = ["?", "True", "▁True", "False", "▁False", "T", "F"];
        assert_eq!(
            spellings(&whole, &["True", " True", "True"], &["False", " False"]),
            Ok(with_tokens(&[1, 2], &[3, 4]))
        );
        // No whole words: their first letters differ.
        let letters = ["?", "T", "r", "u", "e", "F", "a", "l", "s", "▁"];
        assert_eq!(
            spellings(&letters, &["True", " True"], &["False", " False"]),
            Ok(with_tokens(&[1], &[5]))
        );
        // A space that only one side begins with stands for nothing either.
        let half = ["?", "True", "False", "▁False", "▁"];
        assert_eq!(
            spellings(&half, &["True", " True"], &["False", " False"]),
            Ok(with_tokens(&[1], &[2, 3]))
        );
        // A common first token stands for neither.
        let common = ["?", "un", "true", "false"];
        assert_eq!(spellings(&common, &["untrue"], &["unfalse"]), Err(MissingSignal::NoSpellingToken));
        assert_eq!(spellings(&common, &["true"], &["unfalse"]), Ok(with_tokens(&[2], &[1])));
        assert_eq!(spellings(&common, &["true"], &[]), Err(MissingSignal::NoSpellingToken));
    }

    #[test]
    fn masses_are_sums_of_the_softmax() {
        let logits: Vec<f32> = (0..50_u16).map(|token| f32::from(token * 37 % 50) / 7.0 - 3.0).collect();
        let found = with_tokens(&[3, 40], &[7]).masses(&logits).unwrap();
        let all: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
        let share = |token: usize| f64::from(logits[token]).exp() / all;
        assert!((found.true_mass - share(3) - share(40)).abs() < AGREES);
        assert!((found.false_mass - share(7)).abs() < AGREES);
        assert!(with_tokens(&[0], &[1]).masses(&[f32::NAN, 0.0]).is_err());
    }
}
