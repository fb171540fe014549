//! Whether a refusal concerns one row: the prompt is too long, or a content filter blocks it. Servers report this by
//! codes, by words, or by both, and under many statuses.

use plimsoll_core::MissingSignal;

use super::words::ErrorWords;

/// Parts of codes that say that the prompt is too long.
const LONG_CODES: &[&str] = &[
    "contextlength",
    "contextwindow",
    "contextsize",
    "contextlimit",
    "prompttoolong",
    "inputtoolong",
    "requesttoolong",
    "stringabovemaxlength",
    "maxtokensexceeded",
    "inputlengthexceeded",
];

/// Parts of codes that say that a filter held the prompt back.
const FILTER_CODES: &[&str] = &[
    "contentfilter",
    "contentpolicy",
    "policyviolation",
    "responsibleai",
    "moderation",
    "safety",
    "datainspection",
    "prohibitedcontent",
    "sensitivecontent",
    "contentblocked",
    "flagged",
];

/// Words that say that a filter held the prompt back.
const FILTER_WORDS: &[&str] = &[
    " content filter",
    " content management policy",
    " content policy",
    " responsible ai ",
    " safety system",
    " safety filter",
    " safety settings",
    " was flagged",
    " been flagged",
    " requires moderation",
    " moderation ",
    " prohibited content",
    " inappropriate content",
    " sensitive content",
    " usage policy",
    " usage policies",
    " violates our policy",
    " violates our policies",
    " guardrail",
];

/// The reason of the row, if the refusal concerns one row.
pub(super) fn row_reason(status: u16, words: &ErrorWords, codes: &[String]) -> Option<MissingSignal> {
    // Authentication, payment, rate limits, redirects and unknown addresses concern every row, whatever the words.
    if matches!(status, 300..=399 | 401 | 402 | 404 | 405 | 410 | 429) {
        return None;
    }
    let has_code = |parts: &[&str]| codes.iter().any(|code| parts.iter().any(|part| code.contains(part)));
    // A server that fails may have any words in its message; its codes are meant.
    let is_refusal = status < 500;
    if has_code(FILTER_CODES) || (is_refusal && words.have_any(FILTER_WORDS)) {
        return Some(MissingSignal::ContentFilter);
    }
    if status != 403 && (has_code(LONG_CODES) || says_too_long(words)) {
        return Some(MissingSignal::ContextTooLong);
    }
    None
}

/// Whether the words say that prompt and answer do not fit into the context.
fn says_too_long(words: &ErrorWords) -> bool {
    let context =
        [" context length", " context window", " context size", " context limit", " max model len "];
    let beyond = [
        " exceed",
        " maximum ",
        " max ",
        " too long",
        " too large",
        " longer ",
        " larger ",
        " greater ",
        " fit ",
        " fits ",
        " reduce ",
        " shorten ",
    ];
    let sent = [" prompt", " input", " message", " sequence", " request"];
    let counted = words.have(" token");
    (words.have_any(&context) && words.have_any(&beyond))
        || (words.have_any(&[" too long", " too many tokens"]) && words.have_any(&sent))
        || (counted && words.have_any(&sent) && words.have_any(&[" exceed", " must have less than "]))
        // text-generation-inference: `inputs` tokens + `max_new_tokens` must be <= 2048.
        || (counted && words.have(" inputs ") && words.have(" max new tokens must be "))
}
