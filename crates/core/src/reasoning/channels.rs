//! Channels: messages with a name for what they are, of which one is the answer.

use std::ops::Range;

use super::marks::{Effect, ReasoningMark};
use crate::tag::Tag;

/// Channels whose messages are answers; those of any other are reasoning or calls of tools.
const ANSWERS: &[&str] = &["final", "answer", "response"];

/// Channels of the harmony format that are no answers.
const OTHERS: &[&str] = &["analysis", "commentary"];

/// Who speaks, as it stands before a channel's name where the special tokens were dropped.
const SPEAKER: &str = "assistant";

/// Bytes between a channel's name and its message, at most: the recipient and the format.
const MAX_HEADER: usize = 200;

/// Bytes of a role or of a channel's name, at most.
const MAX_NAME: usize = 40;

/// The mark that a special token is; `tags` are those after it. `None` for tokens of other formats.
pub(super) fn mark(text: &str, tag: &Tag, tags: &[Tag]) -> Option<ReasoningMark> {
    let range = tag.range.clone();
    match (tag.special(), tag.one_sided()) {
        (Some("channel"), _) => {
            let name = name(text, range.end);
            let end = message(name.end, tags).unwrap_or(name.end);
            Some(ReasoningMark { effect: effect(&text[name]), range: range.start..end })
        }
        (_, Some(("channel", false))) => {
            let name = name(text, range.end);
            Some(ReasoningMark { effect: effect(&text[name.clone()]), range: range.start..name.end })
        }
        (_, Some(("channel", true))) => Some(ReasoningMark { effect: Effect::Close, range }),
        (Some("end" | "return" | "call"), _) => Some(ReasoningMark { effect: Effect::End, range }),
        (Some("start"), _) => {
            let end = name(text, range.end).end;
            // A message without a channel is said.
            let effect = match message(end, tags) {
                Some(_) => Effect::Close,
                None => Effect::Between,
            };
            let end = message(end, tags).unwrap_or(end);
            Some(ReasoningMark { effect, range: range.start..end })
        }
        _ => None,
    }
}

/// Whether the tokens of a text are those of the harmony format. Some of them (`<|end|>`) end a turn in others.
pub(super) fn is_harmony(tags: &[Tag]) -> bool {
    let start = |tag: &Tag| tag.special() == Some("start");
    tags.iter().any(|tag| tag.special() == Some("channel"))
        || tags.windows(2).any(|pair| {
            let next = pair[0].range.end == pair[1].range.start;
            next && pair[0].special() == Some("end") && start(&pair[1])
        })
}

fn effect(name: &str) -> Effect {
    if ANSWERS.contains(&name.to_lowercase().as_str()) { Effect::Close } else { Effect::Open }
}

/// The word that begins at a byte, spaces before it skipped: a role, or a channel's name.
fn name(text: &str, start: usize) -> Range<usize> {
    let rest = &text[start..];
    let spaces = rest.len() - rest.trim_start_matches(' ').len();
    let letters = rest[spaces..].bytes().take(MAX_NAME);
    let length = letters.take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    if length == 0 { start..start } else { start + spaces..start + spaces + length }
}

/// The end of the token after which the message of a header begins.
fn message(header: usize, tags: &[Tag]) -> Option<usize> {
    let near = tags.iter().take_while(|tag| tag.range.start <= header + MAX_HEADER);
    let mut tokens = near.filter_map(|tag| Some((tag.special()?, tag.range.end)));
    let (_, end) =
        tokens.find(|(token, _)| *token != "constrain").filter(|(token, _)| *token == "message")?;
    Some(end)
}

/// The marks of channels whose special tokens were dropped: `analysis` at the start of a reply, glued to its
/// message, and `assistantfinal`.
pub(super) fn without_tokens(reply: &str) -> Vec<ReasoningMark> {
    let mut marks: Vec<ReasoningMark> = reply
        .match_indices(SPEAKER)
        .filter_map(|(start, _)| {
            let rest = &reply[start + SPEAKER.len()..];
            let name = OTHERS.iter().chain(ANSWERS.first()).find(|name| rest.starts_with(**name))?;
            Some(ReasoningMark { effect: effect(name), range: start..start + SPEAKER.len() + name.len() })
        })
        .collect();
    let start = reply.len() - reply.trim_start().len();
    let opening = OTHERS.iter().find_map(|name| reply[start..].strip_prefix(name));
    if let Some(rest) = opening.filter(|rest| !marks.is_empty() || is_message(rest)) {
        marks.insert(0, ReasoningMark { effect: Effect::Open, range: start..reply.len() - rest.len() });
    }
    marks
}

/// Whether what follows a channel's name can only be its message: English has a space or a mark after the word.
fn is_message(rest: &str) -> bool {
    rest.starts_with(" to=") || rest.chars().next().is_some_and(|c| c.is_alphabetic() && !c.is_lowercase())
}

/// Sentences with which a reply begins its reasoning, and those with which a line begins what is said after it.
const SENTENCES: [&[&str]; 2] = [
    &["here is my thought process", "here's my thought process", "here\u{2019}s my thought process"],
    &["here is my response", "here's my response", "here\u{2019}s my response"],
];

/// The marks of a reply that announces its reasoning in words: `Here is my thought process:` at its start, and
/// `Here is my response:`.
pub(super) fn in_sentences(reply: &str) -> Vec<ReasoningMark> {
    let [opening, closing] = SENTENCES;
    let start = reply.len() - reply.trim_start().len();
    let Some(length) = sentence(&reply[start..], opening) else { return Vec::new() };
    let mut marks = vec![ReasoningMark { effect: Effect::Open, range: start..start + length }];
    let mut at = 0;
    for line in reply.split('\n') {
        let from = at + (line.len() - line.trim_start().len());
        if let Some(length) = sentence(&reply[from..at + line.len()], closing) {
            marks.push(ReasoningMark { effect: Effect::Close, range: from..from + length });
        }
        at += line.len() + 1;
    }
    marks
}

/// The length of the sentence that begins a text, its colon included.
fn sentence(text: &str, known: &[&str]) -> Option<usize> {
    let head = |length: usize| text.get(..length);
    let said =
        |sentence: &&&str| head(sentence.len()).is_some_and(|head| head.eq_ignore_ascii_case(sentence));
    let length = known.iter().find(said)?.len();
    Some(length + usize::from(text[length..].starts_with(':')))
}
