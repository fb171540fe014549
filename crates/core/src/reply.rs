//! A reply as it is read: its text, how it ended, and where it began; and where another turn begins in it.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::finish::Finish;
use crate::reasoning::{AnswerPart, answer_part};
use crate::records::{FollowUpRow, GenerationRow};
use crate::tag::{Tag, opens};
use crate::view::fold;

/// A reply of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The text, without the stop token.
    pub text: &'a str,
    /// How it ended; `None` if nothing tells, which is read as if the model had stopped.
    pub finish: Option<Finish>,
    /// Whether the prompt ended within reasoning, so that the text begins there; false if nothing tells.
    pub starts_in_reasoning: bool,
}

impl<'a> Reply<'a> {
    /// A reply that its model ended, to a prompt that ended outside of reasoning.
    pub const fn complete(text: &'a str) -> Self {
        Self { text, finish: Some(Finish::Stop), starts_in_reasoning: false }
    }

    /// The same, cut at its limit of tokens.
    pub const fn cut(text: &'a str) -> Self {
        Self { text, finish: Some(Finish::Length), starts_in_reasoning: false }
    }

    /// The reply of a generation; `None` if there is none.
    pub fn from_generation(row: &'a GenerationRow) -> Option<Self> {
        Self::from_columns(row.text.as_deref(), row.finish_reason, row.starts_in_reasoning)
    }

    /// The reply of a follow-up; `None` if there is none.
    pub fn from_follow_up(row: &'a FollowUpRow) -> Option<Self> {
        Self::from_columns(row.text.as_deref(), row.finish_reason, row.starts_in_reasoning)
    }

    fn from_columns(text: Option<&'a str>, finish: Option<Finish>, starts: Option<bool>) -> Option<Self> {
        Some(Self { text: text?, finish, starts_in_reasoning: starts.unwrap_or(false) })
    }

    /// Whether the text may have gone on: it was cut, or the rest was withheld.
    pub fn is_cut(&self) -> bool {
        matches!(self.finish, Some(Finish::Length | Finish::ContentFilter))
    }

    /// Where its answer stands.
    pub fn answer_part(&self) -> AnswerPart {
        answer_part(self.text, self.starts_in_reasoning)
    }

    /// Its answer.
    ///
    /// ```
    /// use plimsoll_core::Reply;
    /// assert_eq!(Reply::complete("<think>9 + 9</think>\n\n18").answer(), "18");
    /// assert_eq!(Reply { starts_in_reasoning: true, ..Reply::cut("9 + 9 is") }.answer(), "");
    /// ```
    pub fn answer(&self) -> &'a str {
        &self.text[self.answer_part().range]
    }
}

/// Role headers that leaked into a reply.
const HEADERS: &[&str] = &[
    "<|im_start|>assistant",
    "<|start_header_id|>assistant<|end_header_id|>",
    "<start_of_turn>model",
    "<|assistant|>",
    "<｜Assistant｜>",
    "assistant\n",
    "Assistant:",
    "### Response:",
    "[/INST]",
];

/// The bytes of an answer that are its own turn: without role headers and white space at its start, and up to
/// a special token that ends a turn and was decoded as text.
///
/// ```
/// use plimsoll_core::reply::own_turn;
/// assert_eq!(own_turn("assistant\n\n18<|im_end|>junk"), 11..13);
/// ```
pub fn own_turn(answer: &str) -> Range<usize> {
    let mut start = answer.len() - answer.trim_start().len();
    for header in HEADERS {
        if let Some(rest) = answer[start..].strip_prefix(header) {
            start = answer.len() - rest.trim_start().len();
        }
    }
    let tags = answer[start..].char_indices().filter(|(_, c)| fold(*c).is_some_and(opens));
    let mut tags = tags.filter_map(|(at, _)| Tag::read(answer, start + at));
    let end = tags.find(Tag::ends_turn).map_or(answer.len(), |tag| tag.range.start);
    start..end
}

/// Words that begin a line with which a base model goes on to invent the next question, and what has to
/// stand around them.
const RUN_ONS: &[(&str, Around)] = &[
    ("question", Around::Anything),
    ("q", Around::Colon),
    ("problem", Around::Colon),
    ("exercise", Around::Colon),
    ("query", Around::Colon),
    ("input", Around::Colon),
    ("user", Around::ColonOrNothing),
    ("human", Around::ColonOrNothing),
    ("instruction", Around::Heading),
    ("instructions", Around::Heading),
    ("context", Around::ColonAfterBlank),
    ("passage", Around::ColonAfterBlank),
    ("story", Around::ColonAfterBlank),
];

/// What has to stand around the word of a run-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    /// A colon, a number, a space or a heading's mark.
    Anything,
    /// A colon after it, a number between allowed; or a number in a heading.
    Colon,
    /// The same, or the end of the line.
    ColonOrNothing,
    /// The same as [`Around::Colon`], and an empty line before.
    ColonAfterBlank,
    /// A colon after it, or a heading's mark before.
    Heading,
}

/// Words of a question that are compared, at most.
const MAX_WORDS: usize = 60;

/// The byte at which a reply goes on to invent another question: the line break before a line that begins as
/// prompts do (`Question:`, `### Problem 2:`, `User:`). A line that only restates what was `asked` is none, nor
/// one with nothing before it.
///
/// ```
/// use plimsoll_core::reply::run_on;
/// assert_eq!(run_on("18\n\nQuestion: How many cows?", &["How many jars?"]), Some(3));
/// assert_eq!(run_on("Let me see.\nQuestion: How many jars?\n18", &["How many jars?"]), None);
/// assert_eq!(run_on("Question: How many cows?", &["How many jars?"]), None);
/// ```
pub fn run_on(answer: &str, asked: &[&str]) -> Option<usize> {
    let mut known: Option<BTreeSet<String>> = None;
    let (mut at, mut is_said, mut is_after_blank) = (0, false, false);
    for line in answer.split('\n') {
        if let Some(label) = question_label(line, is_after_blank).filter(|_| is_said) {
            let known = known.get_or_insert_with(|| asked.iter().flat_map(|text| words(text)).collect());
            if !is_restated(&answer[at + label..], known) {
                return Some(at - 1);
            }
        }
        is_said |= !line.trim().is_empty();
        is_after_blank = line.trim().is_empty();
        at += line.len() + 1;
    }
    None
}

/// The length of what begins a line as prompts begin a question.
fn question_label(line: &str, is_after_blank: bool) -> Option<usize> {
    let bare = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '#' | '*' | '_' | '>'));
    let is_heading = line.trim_start().starts_with(['#', '*', '>']);
    let letters = bare.bytes().take(16).take_while(u8::is_ascii_alphabetic).count();
    let word = bare[..letters].to_lowercase();
    let (_, around) = RUN_ONS.iter().find(|(known, _)| *known == word)?;
    // Prompts begin their lines with a capital; `user` is the name of a role.
    if !bare.starts_with(char::is_uppercase) && word != "user" {
        return None;
    }
    let after = &bare[letters..];
    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || " #*_.()".contains(c));
    let has_colon = rest.starts_with([':', '\u{FF1A}']);
    let is_numbered = is_heading && after.bytes().take(4).any(|byte| byte.is_ascii_digit());
    let fits = match around {
        Around::Anything => has_colon || is_heading || after.starts_with(' '),
        Around::Colon => has_colon || is_numbered,
        Around::ColonOrNothing => has_colon || after.trim().is_empty(),
        Around::ColonAfterBlank => has_colon && is_after_blank,
        Around::Heading => has_colon || is_heading,
    };
    fits.then_some(line.len() - rest.len())
}

/// Whether the first line of a text is what was asked: each of its words is one of that. A model that invents a
/// question often changes a single word of the one before.
fn is_restated(text: &str, asked: &BTreeSet<String>) -> bool {
    let line = text.split('\n').find(|line| line.contains(char::is_alphanumeric)).unwrap_or_default();
    let mut words = words(line).take(MAX_WORDS).peekable();
    words.peek().is_some() && words.all(|word| asked.contains(&word))
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn rows_become_replies() {
        let row = GenerationRow {
            text: Some("9 + 9</think>18".into()),
            finish_reason: Some(Finish::ContentFilter),
            starts_in_reasoning: Some(true),
            ..GenerationRow::default()
        };
        let reply = Reply::from_generation(&row).unwrap();
        assert_eq!((reply.answer(), reply.is_cut()), ("18", true));
        assert_eq!(Reply::from_generation(&GenerationRow::default()), None);
        let row = FollowUpRow { text: Some(String::new()), ..FollowUpRow::default() };
        let reply = Reply::from_follow_up(&row).unwrap();
        assert_eq!((reply.finish, reply.is_cut(), reply.starts_in_reasoning), (None, false, false));
    }

    #[test]
    fn a_turn_is_without_headers_and_ends_with_its_token() {
        for (text, turn) in [
            ("18", "18"),
            ("  18 ", "18 "),
            ("assistant\n\n18", "18"),
            ("<|start_header_id|>assistant<|end_header_id|>\n\n18<|eot_id|>", "18"),
            ("18<|im_end|>\n<|im_start|>user\n5", "18"),
            ("18</s>5", "18"),
            ("18<end_of_turn>", "18"),
            ("18<turn|>", "18"),
            ("18<|turn>user\n5", "18"),
            ("18<\u{FF5C}end\u{2581}of\u{2581}sentence\u{FF5C}>5", "18"),
            ("18<|END_OF_TURN_TOKEN|>", "18"),
            ("18<|endoftext|>Question", "18"),
            ("18<|return|>", "18"),
            ("18<eos>", "18"),
            ("18\n<|user|>\n5", "18\n"),
            ("a<b>18</b>", "a<b>18</b>"),
            ("[return] <end> <turn> 18", "[return] <end> <turn> 18"),
            ("the <|end_of_role|> 18", "the <|end_of_role|> 18"),
            ("", ""),
        ] {
            assert_eq!(&text[own_turn(text)], turn, "{text}");
        }
    }

    #[test]
    fn lines_that_invent_another_question() {
        let asked = ["How many jars stand on the shelf?", "A shelf has 18 jars."];
        for (text, before) in [
            ("18\nQuestion: How many cows?", "18"),
            ("18\n\n**Question 2**\nHow many cows?", "18\n"),
            ("18\nQ: How many cows?", "18"),
            ("18\nQ2: How many cows?", "18"),
            ("18\n### Problem 3\nCows", "18"),
            ("18\n\nProblem: Cows\nSolution: 5", "18\n"),
            ("18\nExercise 4.2: Cows", "18"),
            ("18\nQuery: cows", "18"),
            ("18\n### Instruction\nAdd cows", "18"),
            ("18\nuser: cows?", "18"),
            ("18\nHuman\ncows?", "18"),
            ("18\n\nPassage: Cows moo.", "18\n"),
            ("18\n> Question: How many cows?", "18"),
            ("18\nQuestion\u{FF1A}cows", "18"),
            ("18\nQuestion: How many jars stand on the table?", "18"),
        ] {
            assert_eq!(run_on(text, &asked).map(|at| &text[..at]), Some(before), "{text}");
        }
        for text in [
            "Question: How many cows?\n18",
            "\n\nQuestion: cows",
            "So:\nQuestion: How many jars stand on the shelf?\n18",
            "So:\n\nPassage: A shelf has 18 jars.\n18",
            "So:\nPassage: cows\n18",
            "The problem: cows\nproblem: cows\nProblem solved\nQuestions remain\nquestion marks\n18",
            "So\nQ\n18",
            "18",
            "",
        ] {
            assert_eq!(run_on(text, &asked), None, "{text}");
        }
    }

    #[test]
    fn hostile_texts_take_time_in_proportion() {
        for piece in [
            "\nQuestion: How many",
            "\nQuestion:",
            "\n",
            "Question: ",
            "<|im_end",
            "<",
            "assistant\n",
            "\nQ1",
        ] {
            let text = format!("18{}", piece.repeat(2_000_000 / piece.len()));
            let start = Instant::now();
            let _ = (own_turn(&text), run_on(&text, &["How many"]), run_on(&text, &[&text]));
            assert!(start.elapsed() < Duration::from_secs(20), "{piece:?} took {:?}", start.elapsed());
        }
    }
}
