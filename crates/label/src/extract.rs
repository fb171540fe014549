//! From a reply to an answer, or to the reason why there is none.

use std::ops::Range;

use plimsoll_core::Reply;
use plimsoll_core::question::{AnswerKind, Question};

use crate::body::{AnswerBody, body, mask};
use crate::doubt::Doubts;
use crate::page::{Page, Statement};
use crate::read::read;
use crate::refusal::refuses;
use crate::rule::{ExtractionRule, Tier, rules};
use plimsoll_core::label::UngradedReason;
use plimsoll_core::view::View;

/// An answer that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundAnswer {
    /// The answer in the form of `Question::gold`.
    pub answer: String,
    /// Bytes of the text that hold it.
    pub span: Range<usize>,
    /// The rule that found it.
    pub rule: &'static str,
}

/// What became of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extraction {
    /// An answer.
    Found(FoundAnswer),
    /// None, for a reason.
    Missing(UngradedReason),
}

impl Extraction {
    /// The answer, if one was found.
    pub fn answer(&self) -> Option<&str> {
        self.found().map(|found| found.answer.as_str())
    }

    /// What was found.
    pub fn found(&self) -> Option<&FoundAnswer> {
        match self {
            Self::Found(found) => Some(found),
            Self::Missing(_) => None,
        }
    }

    /// Why nothing was.
    pub fn reason(&self) -> Option<UngradedReason> {
        match self {
            Self::Found(_) => None,
            Self::Missing(reason) => Some(*reason),
        }
    }
}

/// Words with which a text takes an earlier statement back.
const CORRECTIONS: &[&str] = &[
    "wait",
    "actually",
    "sorry",
    "correction",
    "rather",
    "instead",
    "mean",
    "however",
    "mistake",
    "recheck",
    "reconsider",
    "reconsidering",
    "reconsidered",
    "but",
    "hmm",
    "no",
    "correcting",
    "corrected",
    "re",
    "wrong",
    "error",
    "apologies",
];

/// Words of which a gap between two statements may consist without being reasoning.
const EMPTY_WORDS: &[&str] = &[
    "the", "answer", "is", "final", "correct", "and", "or", "also", "so", "option", "choice", "boxed",
    "text", "both", "either", "a", "it", "are", "guess",
];

/// Finds the answer in a reply.
///
/// The answer stands in what is left of the text without reasoning, leaked role headers, turn marks and stated
/// confidences. What a base model wrote after inventing the next question counts only where nothing was found
/// before it. Of a reply that was cut or withheld in part, a statement that the text goes on to question
/// is no answer.
///
/// ```
/// use plimsoll_core::Reply;
/// use plimsoll_label::extract;
/// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/apples.json");
/// # let question = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
/// // `question` asks "How many apples are left?".
/// let found = extract(&question, &Reply::complete("3 + 9 = 12, so the answer is **12 apples**."));
/// assert_eq!(found.answer(), Some("12"));
/// assert_eq!(found.found().map(|found| (found.rule, found.span.clone())), Some(("answer_is", 31..33)));
/// let cut = extract(&question, &Reply::cut("The answer is 18. But wait, I"));
/// assert_eq!(cut.answer(), None);
/// ```
pub fn extract(question: &Question, reply: &Reply<'_>) -> Extraction {
    // Space after the text says nothing, not even after a backslash, where it is a LaTeX command.
    let reply = Reply { text: reply.text.trim_end(), ..*reply };
    let body = body(&reply, question);
    if body.is_empty(reply.text) {
        return Extraction::Missing(without_text(&body, &reply));
    }
    let Some(before) = body.before_run_on.clone() else {
        return within(question, reply.text, body.all, body.is_cut).0;
    };
    // The model went on by itself, so its answer was not cut.
    let (first, tier) = within(question, reply.text, before, false);
    if first.found().is_some() || tier.is_some_and(|tier| tier < Tier::Implied) {
        return first;
    }
    match within(question, reply.text, body.all, body.is_cut) {
        (second @ Extraction::Found(_), Some(Tier::Whole | Tier::Explicit)) => second,
        _ => first,
    }
}

fn without_text(body: &AnswerBody, reply: &Reply<'_>) -> UngradedReason {
    match (reply.is_cut(), body.has_reasoning && !reply.text.is_empty()) {
        (true, _) => UngradedReason::Truncated,
        (false, true) => UngradedReason::NoAnswer,
        (false, false) => UngradedReason::Empty,
    }
}

/// One reading of one rule.
#[derive(Debug, Clone)]
struct Candidate {
    says: Statement,
    range: Range<usize>,
    rank: usize,
    rule: &'static ExtractionRule,
}

/// Extracts from the bytes of a body; with the tier that decided.
fn within(question: &Question, text: &str, bytes: Range<usize>, cut: bool) -> (Extraction, Option<Tier>) {
    let mut view = View::new(text, bytes);
    mask(&mut view, question);
    let page = crate::read::page(question, view);
    let mut doubts = cut.then(|| Doubts::new(&page));
    for tier in [Tier::Whole, Tier::Explicit, Tier::Stated, Tier::Placed] {
        let found = rules(question.answer_kind).filter(|(_, rule)| rule.tier == tier);
        let mut candidates: Vec<Candidate> =
            found.flat_map(|(rank, rule)| candidates(&page, rank, rule, cut)).collect();
        if let Some(doubts) = &mut doubts {
            doubts.extend(candidates.iter().map(|candidate| &candidate.range));
            candidates.retain(|candidate| !doubts.contain(&candidate.range));
        }
        if let Some(decision) = settle(&page, candidates, tier == Tier::Placed) {
            return (decision, Some(tier));
        }
    }
    if refuses(&page) {
        return (Extraction::Missing(UngradedReason::Refusal), None);
    }
    if cut {
        return (Extraction::Missing(UngradedReason::Truncated), None);
    }
    for (rank, rule) in rules(question.answer_kind).filter(|(_, rule)| rule.tier == Tier::Implied) {
        if let Some(decision) = unanimous(&page, &candidates(&page, rank, rule, cut)) {
            return (decision, Some(Tier::Implied));
        }
    }
    (Extraction::Missing(UngradedReason::NoAnswer), None)
}

/// What a rule finds on a page.
fn candidates(page: &Page<'_>, rank: usize, rule: &'static ExtractionRule, cut: bool) -> Vec<Candidate> {
    if cut && !rule.survives_cut {
        return Vec::new();
    }
    (rule.locations)(page)
        .iter()
        .filter_map(|location| read(page, location))
        .filter(|reading| !(cut && touches_cut(page, reading.range.end)))
        .map(|reading| Candidate { says: reading.says, range: reading.range, rank, rule })
        .collect()
}

/// Whether an answer that ends here may have gone on beyond the cut: a number with nothing but `.`
/// or `,` after it, a text with nothing at all.
fn touches_cut(page: &Page<'_>, end: usize) -> bool {
    let mut rest = page.view.slice(end..page.view.len()).iter().filter(|c| !c.is_whitespace());
    match page.question.answer_kind {
        AnswerKind::Choice | AnswerKind::Boolean => false,
        AnswerKind::Number => rest.all(|c| matches!(c, '.' | ',')),
        AnswerKind::Span => rest.next().is_none(),
    }
}

/// The last candidate, unless an earlier one contradicts it in the same sentence.
fn settle(page: &Page<'_>, mut candidates: Vec<Candidate>, strict: bool) -> Option<Extraction> {
    candidates.sort_by_key(|candidate| (candidate.range.end, usize::MAX - candidate.rank));
    let last = candidates.last()?.clone();
    let other = candidates.iter().rev().find(|candidate| candidate.says != last.says);
    if let Some(other) = other {
        let apart = other.range.end <= last.range.start;
        // What a more trusted rule could not tell apart at the same location, no other rule can.
        let muddled = !apart && other.says == Statement::Unclear && (strict || other.rank < last.rank);
        if muddled || (apart && contradicts(page, &other.range, &last.range, strict)) {
            return Some(Extraction::Missing(UngradedReason::Ambiguous));
        }
    }
    // Of the rules that find the same location, the most trusted names it.
    let same = candidates
        .iter()
        .filter(|candidate| candidate.says == last.says && candidate.range.end > last.range.start);
    same.min_by_key(|candidate| candidate.rank).map(|best| decided(page, best))
}

/// The answer on which all candidates of one rule agree.
fn unanimous(page: &Page<'_>, candidates: &[Candidate]) -> Option<Extraction> {
    let last = candidates.last()?;
    if candidates.iter().any(|candidate| candidate.says != last.says) {
        return Some(Extraction::Missing(UngradedReason::Ambiguous));
    }
    Some(decided(page, last))
}

fn decided(page: &Page<'_>, candidate: &Candidate) -> Extraction {
    match &candidate.says {
        Statement::Unclear => Extraction::Missing(UngradedReason::Ambiguous),
        Statement::Outside => Extraction::Missing(UngradedReason::OutsideChoices),
        Statement::Answer(answer) => match page.view.bytes(candidate.range.clone()) {
            Some(span) => {
                Extraction::Found(FoundAnswer { answer: answer.clone(), span, rule: candidate.rule.id })
            }
            None => Extraction::Missing(UngradedReason::NoAnswer),
        },
    }
}

/// Maximum length of a gap between two statements that is read.
const MAX_GAP: usize = 400;

/// Whether two different statements contradict each other: nothing between them but empty words, or
/// no end of a sentence, and no word of correction. A `strict` pair contradicts at any distance.
fn contradicts(page: &Page<'_>, earlier: &Range<usize>, later: &Range<usize>, strict: bool) -> bool {
    let view = &page.view;
    let gap = earlier.end..later.start;
    if gap.len() > MAX_GAP {
        return strict;
    }
    let mut bare = true;
    for at in gap.clone().filter(|at| view.starts_word(*at)) {
        let word = view.word(at);
        if CORRECTIONS.contains(&word.as_str()) {
            return false;
        }
        bare &= EMPTY_WORDS.contains(&word.as_str());
    }
    strict || bare || !{ gap }.any(|at| view.ends_sentence(at))
}
