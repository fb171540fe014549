//! The marks of a text, in order.

use std::ops::Range;

use super::channels;
use crate::tag::{Tag, TagEffect, opens};
use crate::view::fold;

/// Where reasoning or what is said begins or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReasoningMark {
    pub(super) effect: Effect,
    /// Bytes.
    pub(super) range: Range<usize>,
}

/// What a mark does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Reasoning begins.
    Open,
    /// What stands before was reasoning, and what follows is said.
    Close,
    /// A message ends: after reasoning something is said, after what was said nothing.
    End,
    /// What follows is no message.
    Between,
}

/// The marks of a reply. `starts_within` says that it begins within reasoning.
pub(super) fn in_reply(reply: &str, starts_within: bool) -> Vec<ReasoningMark> {
    let mut marks = in_tags(reply, starts_within);
    let mut others = channels::without_tokens(reply);
    others.extend(channels::in_sentences(reply));
    if !others.is_empty() {
        marks.extend(others);
        marks.sort_by_key(|mark| mark.range.start);
        // A header with its tokens covers the same words without.
        let mut end = 0;
        marks.retain(|mark| {
            let is_after = mark.range.start >= end;
            end = end.max(mark.range.end);
            is_after
        });
    }
    marks
}

/// The marks of a prompt.
pub(super) fn in_prompt(prompt: &str) -> Vec<ReasoningMark> {
    in_tags(prompt, false)
}

fn in_tags(text: &str, starts_within: bool) -> Vec<ReasoningMark> {
    let tags = tags(text);
    let is_harmony = channels::is_harmony(&tags);
    // Whether a tag in square brackets closes something after each tag.
    let mut closed_later = vec![false; tags.len()];
    for index in (1..tags.len()).rev() {
        let tag = &tags[index];
        let closes = tag.is_square() && tag.says() == Some(TagEffect::Closes);
        closed_later[index - 1] = closed_later[index] || closes;
    }
    let (mut marks, mut end) = (Vec::new(), 0);
    let mut opened = OpenedMarks { any: starts_within, square: false };
    for (index, tag) in tags.iter().enumerate() {
        if tag.range.start < end {
            continue;
        }
        let channel = channels::mark(text, tag, &tags[index + 1..]);
        let channel = channel.filter(|_| is_harmony || tag.one_sided().is_some());
        let mark = channel.or_else(|| reasoning(tag, closed_later[index], &mut opened));
        if let Some(mark) = mark {
            end = mark.range.end;
            marks.push(mark);
        }
    }
    marks
}

/// What was opened so far.
#[derive(Debug)]
struct OpenedMarks {
    any: bool,
    square: bool,
}

/// The mark that a tag with a word for reasoning is.
fn reasoning(tag: &Tag, closed_later: bool, opened: &mut OpenedMarks) -> Option<ReasoningMark> {
    let says = tag.says()?;
    let effect = match says {
        TagEffect::Opens => Effect::Open,
        TagEffect::Closes | TagEffect::Responds => Effect::Close,
        TagEffect::HasResponded => Effect::End,
    };
    let has_partner = match (effect, tag.is_square()) {
        (Effect::Open, _) => closed_later,
        (_, true) => opened.square,
        (_, false) => opened.any,
    };
    if tag.needs_partner() && !has_partner {
        return None;
    }
    if effect == Effect::Open {
        opened.any = true;
        opened.square |= tag.is_square();
    }
    Some(ReasoningMark { effect, range: tag.range.clone() })
}

/// The tags of a text that may be marks.
fn tags(text: &str) -> Vec<Tag> {
    let starts = text.char_indices().filter(|(_, c)| fold(*c).is_some_and(opens));
    let tags = starts.filter_map(|(start, _)| Tag::read(text, start));
    tags.filter(|tag| tag.says().is_some() || tag.special().is_some() || tag.one_sided().is_some()).collect()
}
