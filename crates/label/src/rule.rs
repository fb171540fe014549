//! The rules by which an answer is found, in order of trust.

use plimsoll_core::question::AnswerKind::{self, Boolean, Choice, Number, Span};

use crate::cue::Announced;
use crate::page::{Extent, Location, Page};
use crate::read::read;
use crate::{boolean, choice, markup, number, span};

/// How an answer stands in its text. Tiers are tried in this order; the first that finds something
/// decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// The text is nothing but the answer.
    Whole,
    /// The answer is announced as such. The last announcement stands; two different ones in one
    /// breath are ambiguous.
    Explicit,
    /// A choice is called correct, or an answer is named with a hedge.
    Stated,
    /// The answer stands where answers stand: first or last. Two different ones are ambiguous unless
    /// the text says that it corrects itself.
    Placed,
    /// The answer is the only one that the text could mean. Each rule is tried by itself and has to
    /// be unanimous.
    Implied,
}

/// One way of finding an answer.
#[derive(Clone, Copy)]
pub struct ExtractionRule {
    /// Its name in the column `rule`.
    pub id: &'static str,
    /// How much it is trusted.
    pub tier: Tier,
    /// The answer kinds that it is used for.
    pub kinds: &'static [AnswerKind],
    /// What it looks for.
    pub doc: &'static str,
    /// Whether what it finds is complete even where the text was cut at its end.
    pub survives_cut: bool,
    pub(crate) locations: fn(&Page<'_>) -> Vec<Location>,
}

impl std::fmt::Debug for ExtractionRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rule").field("id", &self.id).field("tier", &self.tier).finish_non_exhaustive()
    }
}

const fn rule(
    id: &'static str,
    tier: Tier,
    kinds: &'static [AnswerKind],
    locations: fn(&Page<'_>) -> Vec<Location>,
    doc: &'static str,
) -> ExtractionRule {
    let survives_cut = !matches!(tier, Tier::Implied);
    ExtractionRule { id, tier, kinds, doc, survives_cut, locations }
}

const fn lost_by_cut(rule: ExtractionRule) -> ExtractionRule {
    ExtractionRule { survives_cut: false, ..rule }
}

/// Every rule, the most trusted first.
pub const RULES: &[ExtractionRule] = &[
    rule(
        "whole",
        Tier::Whole,
        &[Choice, Number, Boolean],
        whole,
        "The text is the answer: `B`, `(b) Paris`, `$1,234.50`, `12 apples`, `Yes.`",
    ),
    rule(
        "boxed",
        Tier::Explicit,
        &AnswerKind::ALL,
        boxed,
        "A LaTeX box: `\\boxed{42}`, `\\boxed{\\text{B}}`.",
    ),
    rule("answer_tag", Tier::Explicit, &AnswerKind::ALL, answer_tag, "`<answer>B</answer>`."),
    rule(
        "hashes",
        Tier::Explicit,
        &[Choice, Number, Boolean],
        hashes,
        "A line `#### 42`, as GSM8K writes it.",
    ),
    rule(
        "answer_line",
        Tier::Explicit,
        &AnswerKind::ALL,
        answer_line,
        "A line `Answer: B`, `**Final answer:** 42`, `Guess: Paris`, or a heading `Answer` with the answer below it.",
    ),
    rule(
        "answer_is",
        Tier::Explicit,
        &AnswerKind::ALL,
        answer_is,
        "`the answer is (B)`, `the correct option would be B`, `\"answer\": 42`, `答案是B`.",
    ),
    rule(
        "letter_line",
        Tier::Explicit,
        &[Number, Boolean, Span],
        letter_line,
        "A line `A: 18` that holds nothing else.",
    ),
    rule("chosen", Tier::Explicit, &[Choice], chosen, "`I choose B`, `I would go with (C)`."),
    rule(
        "called_correct",
        Tier::Stated,
        &[Choice],
        choice::locations::called_correct,
        "`Option B is the correct answer`.",
    ),
    lost_by_cut(rule("hedged", Tier::Stated, &[Choice, Number, Boolean], hedged, "`the answer could be B`.")),
    lost_by_cut(rule(
        "closing",
        Tier::Placed,
        &[Choice, Number, Boolean],
        closing,
        "The last line is the answer; for choices also `So it must be B.`, for yes and no the last word.",
    )),
    rule(
        "leading",
        Tier::Placed,
        &[Choice, Number, Boolean],
        leading,
        "The text begins with the answer: `B) because ..`, `No, since ..`.",
    ),
    rule(
        "bold",
        Tier::Implied,
        &AnswerKind::ALL,
        bold,
        "Bold text that is the answer: `**B**`, `**$18**` (of several numbers the last).",
    ),
    rule(
        "equation",
        Tier::Implied,
        &[Number],
        number::locations::equation,
        "The last line has a number after its last `=`.",
    ),
    rule(
        "marked_label",
        Tier::Implied,
        &[Choice],
        choice::locations::marked_labels,
        "The only label that is marked as one: `(B)`, `option B`.",
    ),
    rule("option_text", Tier::Implied, &[Choice], option_text, "The only choice whose text occurs."),
    rule("only_word", Tier::Implied, &[Boolean], boolean::words, "Only yes-words or only no-words occur."),
    rule(
        "last_number",
        Tier::Implied,
        &[Number],
        number::locations::last,
        "The last number of the text that is no list mark, ordinal or step.",
    ),
    rule(
        "first_line",
        Tier::Implied,
        &[Span],
        span::first_line,
        "The first line that is more than an announcement.",
    ),
];

/// The rules for an answer kind, the most trusted first, with their ranks in [`RULES`].
pub(crate) fn rules(kind: AnswerKind) -> impl Iterator<Item = (usize, &'static ExtractionRule)> {
    RULES.iter().enumerate().filter(move |(_, rule)| rule.kinds.contains(&kind))
}

/// Maximum length of a text that can be nothing but an answer; option texts may be long.
const MAX_WHOLE: usize = 20_000;

fn whole(page: &Page<'_>) -> Vec<Location> {
    let range = page.whole();
    let view = &page.view;
    let marked = view.at(range.start) == '#'
        || range.clone().any(|at| view.has(at, "\\boxed{") || view.has(at, "<answer>"));
    if marked || !page.cues.is_empty() || range.len() > MAX_WHOLE || view.slice(range.clone()).contains(&'\n')
    {
        return Vec::new();
    }
    vec![Location { range, extent: Extent::Entire }]
}

fn boxed(page: &Page<'_>) -> Vec<Location> {
    markup::boxes(&page.view).into_iter().map(|range| Location { range, extent: Extent::Filled }).collect()
}

fn answer_tag(page: &Page<'_>) -> Vec<Location> {
    markup::answer_tags(&page.view)
        .into_iter()
        .map(|range| Location { range, extent: Extent::Filled })
        .collect()
}

fn hashes(page: &Page<'_>) -> Vec<Location> {
    markup::hashes(&page.view).into_iter().map(|range| Location { range, extent: Extent::Alone }).collect()
}

fn announced(page: &Page<'_>, how: Announced, extent: Extent) -> Vec<Location> {
    let end = page.view.len();
    let cues = page.cues.iter().filter(|cue| cue.announced == how && cue.at < end);
    cues.map(|cue| Location { range: cue.at..end, extent }).collect()
}

fn answer_line(page: &Page<'_>) -> Vec<Location> {
    announced(page, Announced::Line, Extent::Open)
}

fn answer_is(page: &Page<'_>) -> Vec<Location> {
    announced(page, Announced::Is, Extent::Open)
}

fn letter_line(page: &Page<'_>) -> Vec<Location> {
    announced(page, Announced::Letter, Extent::Direct)
}

fn chosen(page: &Page<'_>) -> Vec<Location> {
    announced(page, Announced::Chosen, Extent::Open)
}

fn hedged(page: &Page<'_>) -> Vec<Location> {
    announced(page, Announced::Hedged, Extent::Open)
}

fn closing(page: &Page<'_>) -> Vec<Location> {
    if page.question.answer_kind == Boolean {
        return boolean::closing(page);
    }
    if page.question.answer_kind == Choice {
        return choice::locations::closing(page);
    }
    let line = page.view.last_line().filter(|line| line.start > page.whole().start);
    line.map(|range| Location { range, extent: Extent::Entire }).into_iter().collect()
}

fn leading(page: &Page<'_>) -> Vec<Location> {
    match page.question.answer_kind {
        Boolean => boolean::leading(page),
        Number => number::locations::leading(page),
        _ => choice::locations::leading(page),
    }
}

fn bold(page: &Page<'_>) -> Vec<Location> {
    let mut locations: Vec<Location> =
        markup::bold(&page.view).into_iter().map(|range| Location { range, extent: Extent::Alone }).collect();
    match page.question.answer_kind {
        // Reasoning is full of bold numbers; the last is the result.
        Number => {
            locations.into_iter().rev().find(|location| read(page, location).is_some()).into_iter().collect()
        }
        // More than one bold text is emphasis.
        Span if locations.len() > 1 || page.view.lines().count() > 2 => Vec::new(),
        Span => {
            locations.retain(|location| location.range.len() < 120);
            locations
        }
        Choice | Boolean => locations,
    }
}

fn option_text(page: &Page<'_>) -> Vec<Location> {
    let mentions = page.options.mentions(&page.view);
    mentions.into_iter().map(|hit| Location { range: hit.range, extent: Extent::Alone }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn rules_have_unique_ids_docs_and_stand_in_order_of_trust() {
        let ids: BTreeSet<_> = RULES.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), RULES.len());
        assert!(RULES.windows(2).all(|pair| pair[0].tier <= pair[1].tier));
        assert!(
            RULES
                .iter()
                .all(|rule| rule.doc.ends_with('.') || rule.doc.ends_with('`') || rule.doc.ends_with(')'))
        );
        assert!(
            AnswerKind::ALL.into_iter().all(|kind| rules(kind).any(|(_, rule)| rule.tier == Tier::Implied))
        );
    }
}
