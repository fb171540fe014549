//! Expressions that give up.
//!
//! Where an expression with look-around runs out of steps or room, the library stops splitting without a word, and
//! a text has other tokens than its tokenizer says. So each such expression is run here before each step of the
//! library's, over the very pieces that the step will run it over.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use fancy_regex::Regex;
use tokenizers::pre_tokenizers::split::SplitPattern;
use tokenizers::{
    OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer as _, PreTokenizerWrapper,
    Tokenizer as Inner,
};

/// Longest time for the expressions of one text, and after how many matches it is looked at: each match has a limit of
/// steps, a hundredth of a second.
const MAX_TIME: Duration = Duration::from_secs(10);
const LOOKS: usize = 16;

/// The expression that a `ByteLevel` step has of its own.
pub(super) const BYTE_LEVEL: &str =
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// The expressions that may give up, by their source, with the limits that they have in the library; compiled when
/// the first text comes.
#[derive(Debug, Default)]
pub(super) struct Expressions(BTreeMap<String, OnceLock<Result<Regex, String>>>);

impl Expressions {
    pub(super) fn new(sources: Vec<String>) -> Self {
        Self(sources.into_iter().map(|source| (source, OnceLock::new())).collect())
    }

    /// A text taken apart as the library does it, if none of its expressions gives up.
    pub(super) fn pieces(&self, inner: &Inner, text: &str) -> Result<PreTokenizedString, String> {
        let normalizer = inner.get_normalizer();
        let mut pieces = inner.get_added_vocabulary().extract_and_normalize(normalizer, text);
        if let Some(step) = inner.get_pre_tokenizer() {
            self.walk(step, &mut pieces, Instant::now() + MAX_TIME)?;
        }
        Ok(pieces)
    }

    fn walk(
        &self,
        step: &PreTokenizerWrapper,
        pieces: &mut PreTokenizedString,
        end: Instant,
    ) -> Result<(), String> {
        let source = match step {
            PreTokenizerWrapper::Sequence(steps) => {
                return steps.as_ref().iter().try_for_each(|step| self.walk(step, pieces, end));
            }
            PreTokenizerWrapper::ByteLevel(step) if step.use_regex => Some(BYTE_LEVEL),
            PreTokenizerWrapper::Split(step) => match &step.pattern {
                SplitPattern::Regex(source) => Some(source.as_str()),
                SplitPattern::String(_) => None,
            },
            _ => None,
        };
        if let Some((source, compiled)) = source.and_then(|source| self.0.get_key_value(source)) {
            let compile = || Regex::new(source).map_err(|error| error.to_string());
            run(compiled.get_or_init(compile).as_ref().map_err(Clone::clone)?, pieces, end)?;
        }
        step.pre_tokenize(pieces).map_err(|error| error.to_string())
    }
}

fn run(regex: &Regex, pieces: &PreTokenizedString, end: Instant) -> Result<(), String> {
    for (piece, _, tokens) in pieces.get_splits(OffsetReferential::Normalized, OffsetType::None) {
        if tokens.is_some() {
            continue;
        }
        for (index, found) in regex.find_iter(piece).enumerate() {
            found.map_err(|error| format!("an expression of its pre-tokenizer gives up: {error}"))?;
            if index % LOOKS == 0 && Instant::now() > end {
                let seconds = MAX_TIME.as_secs();
                return Err(format!("the expressions of its pre-tokenizer take more than {seconds} s"));
            }
        }
    }
    Ok(())
}
