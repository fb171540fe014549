//! Answers that decline.

use plimsoll_core::question::AnswerKind;

use crate::page::Page;

/// Phrases of refusals and of not knowing, lower case. They count only where no rule above
/// `Implied` found an answer.
const PHRASES: &[&str] = &[
    "i'm sorry, but",
    "i am sorry, but",
    "i'm sorry, i",
    "i apologize, but",
    "i can't help",
    "i cannot help",
    "i can't assist",
    "i cannot assist",
    "i can't answer",
    "i cannot answer",
    "i can't provide",
    "i cannot provide",
    "i'm unable to",
    "i am unable to",
    "i'm not able to",
    "i am not able to",
    "i won't be able to",
    "as an ai",
    "as a language model",
    "i don't know",
    "i do not know",
    "i'm not sure",
    "i am not sure",
    "i don't have enough",
    "i do not have enough",
    "i don't have access",
    "i do not have access",
    "i don't have information",
    "i do not have information",
    "cannot be determined",
    "can't be determined",
    "cannot determine",
    "can't determine",
    "unable to determine",
    "not enough information",
    "insufficient information",
    "no way to know",
    "impossible to determine",
    "cannot be answered",
    "can't be answered",
    "i must decline",
    "i have to decline",
    "i'd rather not",
    "i would rather not",
    "need more information",
    "none of the above",
    "none of the options",
    "none of these options",
    "none of the given",
    "does not mention",
    "doesn't mention",
    "does not specify",
    "is not specified",
    "not provided in",
    "not mentioned in",
];

/// Characters at the start of a text in which a refusal is looked for.
const AT_START: usize = 300;

/// Characters at the end.
const AT_END: usize = 200;

/// Whether a text declines to answer.
pub(crate) fn refuses(page: &Page<'_>) -> bool {
    let view = &page.view;
    let whole = page.whole();
    let head = view.string(whole.start..whole.end.min(whole.start + AT_START)).to_lowercase();
    // A short text may quote such a phrase ("he said he didn't know"); it declines only as a whole.
    if page.question.answer_kind == AnswerKind::Span {
        return PHRASES.iter().any(|phrase| head.find(phrase).is_some_and(|at| at < 60));
    }
    let tail = view.string(whole.end.saturating_sub(AT_END).max(whole.start)..whole.end).to_lowercase();
    PHRASES.iter().any(|phrase| head.contains(phrase) || tail.contains(phrase))
}
