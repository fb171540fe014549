//! What every prompt says, found by rendering prompts whose own parts are known and cutting those out:
//! a tokenizer that has these phrases as single tokens makes a prompt a fifth as long.

use plimsoll_core::Question;
use plimsoll_core::prompt::ANSWER_SLOT;
use plimsoll_ingest::prompts::{PromptSpec, PromptStyle, prompt};

use super::DATASETS;
use super::error::SuiteError;
use super::item::{Difficulty, SuiteItem};

/// Stands for what is the question's own. No prompt has it.
const OWN: &str = "\u{1}";

/// The phrases that stand in direct prompts of the suite and in their follow-ups, plain and verbalized,
/// without white space around them; each once, in order of appearance. Some have several lines.
///
/// # Errors
/// [`SuiteError::NoQuestion`], which a test rules out.
pub fn fixed_phrases() -> Result<Vec<String>, SuiteError> {
    let mut phrases: Vec<String> = Vec::new();
    for dataset in DATASETS {
        let wrong = |source| SuiteError::NoQuestion { dataset: dataset.id().to_owned(), source };
        let item = SuiteItem::new(String::new(), OWN.to_owned(), OWN, Difficulty::Easy);
        let item = SuiteItem { passage: Some(OWN.to_owned()), options: vec![OWN.to_owned()], ..item };
        let question = item.question(*dataset, "0").map_err(wrong)?;
        let question = Question { choices: Vec::new(), ..question };
        let spec = PromptSpec::new(*dataset, PromptStyle::Direct);
        for spec in [spec.clone(), spec.verbalized()] {
            let prompt = prompt(&question, &[], &spec);
            let texts = prompt.messages.iter().map(|message| message.text.as_str());
            let asks = prompt.follow_ups.iter().map(|ask| ask.template.as_str());
            let pieces = texts.chain(asks).flat_map(|text| text.split(OWN));
            for piece in pieces.flat_map(|piece| piece.split(ANSWER_SLOT)).map(str::trim) {
                if !piece.is_empty() && !phrases.iter().any(|phrase| phrase == piece) {
                    phrases.push(piece.to_owned());
                }
            }
        }
    }
    Ok(phrases)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_those_of_the_prompts() {
        let phrases = fixed_phrases().unwrap();
        assert!(phrases.iter().any(|phrase| phrase == "Question:"), "{phrases:?}");
        assert!(phrases.iter().any(|phrase| phrase.ends_with("Reply with True or False only.")));
        assert!(phrases.iter().all(|phrase| phrase.trim() == phrase && !phrase.contains(OWN)));
        assert!((12..60).contains(&phrases.len()), "{phrases:#?}");
    }
}
