//! Phrases that announce an answer: `Answer:`, `the answer is`, `I choose`.

use crate::markup::skip_line_start;
use plimsoll_core::view::View;

/// How an answer is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Announced {
    /// `Answer:` at the start of a line, or a heading.
    Line,
    /// `the answer is`, or `answer:` within a line.
    Is,
    /// `I choose`.
    Chosen,
    /// `the answer could be`.
    Hedged,
    /// `A:` at the start of a line.
    Letter,
}

/// A phrase that announces an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cue {
    /// Where the answer begins, markup not skipped.
    pub(crate) at: usize,
    pub(crate) announced: Announced,
}

/// Words for an answer, some of other languages that models fall into.
const NOUNS: &[&str] = &[
    "answer",
    "answers",
    "ans",
    "guess",
    "respuesta",
    "réponse",
    "reponse",
    "antwort",
    "resposta",
    "risposta",
    "ответ",
    "jawaban",
    "उत्तर",
    "الإجابة",
    "الجواب",
    "정답",
    "정답은",
];

/// Words that mean the answer where one of [`MARKED`] stands before them.
const WEAK_NOUNS: &[&str] = &[
    "option",
    "choice",
    "solution",
    "result",
    "response",
    "total",
    "statement",
    "completion",
    "ending",
    "one",
];

/// What makes a weak noun mean the answer.
const MARKED: &[&str] =
    &["correct", "right", "best", "final", "appropriate", "likely", "suitable", "logical", "plausible"];

/// Nouns of scripts without spaces.
const UNSPACED: &[&str] = &["答案", "答え", "回答", "正确选项", "正解"];

/// Words that make the phrase after them no statement.
const CONDITIONS: &[&str] = &[
    "if",
    "whether",
    "suppose",
    "supposing",
    "assume",
    "assuming",
    "unless",
    "check",
    "verify",
    "why",
    "imagine",
];

/// Words that make `answer` a verb.
const BEFORE_VERB: &[&str] = &[
    "to", "please", "can", "cannot", "can't", "couldn't", "not", "i'll", "will", "could", "i", "you", "we",
    "would", "must", "should", "let's", "an",
];

/// Words that may stand between `answer` and a colon.
const BEFORE_COLON: &[&str] = &[
    "to", "the", "this", "question", "problem", "is", "for", "choice", "option", "letter", "here", "your",
    "my", "number",
];

/// Words after the verb that say nothing.
const FILLERS: &[&str] = &[
    "therefore",
    "thus",
    "hence",
    "simply",
    "clearly",
    "likely",
    "most",
    "probably",
    "indeed",
    "definitely",
    "actually",
    "still",
    "then",
    "also",
    "obviously",
    "certainly",
    "so",
    "surely",
    "likewise",
    "in",
    "fact",
];

/// Maximum number of words between the noun and its verb.
const MAX_BETWEEN: usize = 12;

/// Maximum number of announcements that are read. The last one decides, so that of a text with more (none that a
/// model means) the first are left out.
const MAX_CUES: usize = 2_000;

/// The announcements of a text, in order.
pub(crate) fn cues(view: &View<'_>) -> Vec<Cue> {
    let mut found = Vec::new();
    for at in 0..view.len() {
        let noun = if view.starts_word(at) { spaced(view, at) } else { None };
        if let Some(cue) = noun.or_else(|| unspaced(view, at)) {
            found.push(cue);
        }
    }
    found.drain(..found.len().saturating_sub(MAX_CUES));
    found
}

fn unspaced(view: &View<'_>, at: usize) -> Option<Cue> {
    let noun = UNSPACED
        .iter()
        .find(|noun| view.at(at) == noun.chars().next().unwrap_or(' ') && view.has(at, noun))?;
    let mut end = view.skip_closing(at + noun.chars().count());
    if view.at(end) == '应' || view.at(end) == '就' {
        end += 1;
    }
    let verb = ["是", "为", "為", "は", ":"].iter().find(|verb| view.has(end, verb))?;
    let end = skip_colon(view, end + verb.chars().count());
    Some(Cue { at: end, announced: Announced::Is })
}

fn spaced(view: &View<'_>, at: usize) -> Option<Cue> {
    // Most words begin with another letter than any noun or verb does.
    let first = view.at(at).to_ascii_lowercase();
    if first.is_ascii() && !"abcefgijloprstvw".contains(first) {
        return None;
    }
    if first == 'a' && view.at(at) == 'A' && view.at(at + 1) == ':' && skip_line_start(view, at) == at {
        return Some(Cue { at: at + 2, announced: Announced::Letter });
    }
    let word = view.word(at);
    if let Some(at) = chosen(view, at, &word) {
        return Some(Cue { at, announced: Announced::Chosen });
    }
    let short = word.strip_suffix("'s").unwrap_or(&word);
    let previous = previous_words(view, at);
    let strong = NOUNS.contains(&short);
    let weak =
        WEAK_NOUNS.contains(&short) && previous.iter().take(3).any(|word| MARKED.contains(&word.as_str()));
    if !(strong || weak) || previous.first().is_some_and(|word| BEFORE_VERB.contains(&word.as_str())) {
        return None;
    }
    if previous.iter().any(|word| CONDITIONS.contains(&word.as_str())) {
        return None;
    }
    let end = view.word_end(at);
    if short.len() < word.len() {
        return Some(Cue { at: skip_fillers(view, end), announced: Announced::Is });
    }
    after_noun(view, at, end)
}

/// Where the choice begins after `I choose`, `I'd go with`, `my pick is`.
fn chosen(view: &View<'_>, at: usize, word: &str) -> Option<usize> {
    let end = view.word_end(at);
    let after = view.skip_spaces(end);
    let end = match word {
        "choose" | "pick" | "select" | "choosing" | "selecting" => end,
        "go" | "going" | "went" if view.has_word(after, "with") || view.has_word(after, "for") => {
            view.word_end(after)
        }
        "opt" | "opting" | "vote" if view.has_word(after, "for") => view.word_end(after),
        _ => return None,
    };
    let previous = previous_words(view, at);
    let mine = |word: &String| {
        matches!(
            word.as_str(),
            "i" | "i'd"
                | "i'll"
                | "i'm"
                | "would"
                | "will"
                | "must"
                | "we"
                | "let's"
                | "therefore"
                | "thus"
                | "so"
        )
    };
    let denied = previous
        .iter()
        .take(2)
        .any(|word| matches!(word.as_str(), "not" | "wouldn't" | "can't" | "cannot" | "if"));
    (previous.iter().take(3).any(mine) && !denied).then(|| skip_colon(view, end))
}

/// The words before a position within its sentence, the nearest first, lower case; at most five.
fn previous_words(view: &View<'_>, at: usize) -> Vec<String> {
    let (mut words, mut end, floor) = (Vec::new(), at, at.saturating_sub(60));
    while words.len() < 5 && end > floor {
        if !view.before(end).is_alphanumeric() {
            end -= 1;
            if view.ends_sentence(end) {
                break;
            }
            continue;
        }
        let mut start = end;
        while start > floor && (view.before(start).is_alphanumeric() || view.before(start) == '\'') {
            start -= 1;
        }
        words.push(view.string(start..end).to_lowercase().trim_matches('\'').to_owned());
        end = start;
    }
    words
}

/// What stands after the noun: a colon, a line break (a heading), or words and a verb.
fn after_noun(view: &View<'_>, noun: usize, end: usize) -> Option<Cue> {
    let heads_line = skip_line_start(view, noun) == noun;
    let direct = view.skip_closing(end);
    match view.at(direct) {
        ':' | '=' => {
            let announced = if heads_line { Announced::Line } else { Announced::Is };
            return Some(Cue { at: skip_colon(view, direct + 1), announced });
        }
        '\n' if heads_line && direct < view.len() && is_heading(view, noun, end) => {
            return Some(Cue { at: view.skip_white(direct), announced: Announced::Line });
        }
        _ => {}
    }
    let mut at = end;
    let mut plain = true;
    for _ in 0..MAX_BETWEEN {
        at = skip_between(view, at)?;
        if view.at(at) == ':' && plain {
            let announced = if heads_line { Announced::Line } else { Announced::Is };
            return Some(Cue { at: skip_colon(view, at + 1), announced });
        }
        let word = view.word(at);
        if word.is_empty() {
            return None;
        }
        if let Some((after, announced)) = verb(view, at, &word) {
            return Some(Cue { at: skip_fillers(view, after), announced });
        }
        if matches!(
            word.as_str(),
            "not" | "isn't" | "wasn't" | "cannot" | "can't" | "wrong" | "incorrect" | "than"
        ) {
            return None;
        }
        plain &= BEFORE_COLON.contains(&word.as_str());
        at = view.word_end(at);
    }
    None
}

/// Whether nothing but the noun phrase stands on its line, marked as a heading or said in two words.
fn is_heading(view: &View<'_>, noun: usize, end: usize) -> bool {
    let mut start = noun;
    while start > noun.saturating_sub(40) && view.before(start) != '\n' {
        start -= 1;
    }
    view.slice(start..noun).iter().any(|c| matches!(c, '#' | '*' | ' ')) || view.at(end) == '*'
}

/// Skips what may stand between words of one phrase; `None` where the phrase ends.
fn skip_between(view: &View<'_>, mut at: usize) -> Option<usize> {
    for _ in 0..12 {
        match view.at(at) {
            c if c.is_alphanumeric() => return Some(at),
            ':' => return Some(at),
            ' ' | '\t' | '*' | '_' | '"' | '\'' | '`' | ',' | '(' | ')' | '+' | '-' | '$' | '/' => at += 1,
            _ => return None,
        }
    }
    None
}

/// The end of the verb at a position, if one stands there.
fn verb(view: &View<'_>, at: usize, word: &str) -> Option<(usize, Announced)> {
    let end = view.word_end(at);
    let next = view.skip_spaces(end);
    let be = |from: usize| view.has_word(from, "be").then(|| view.word_end(from));
    match word {
        "is" | "was" | "are" | "equals" | "es" | "est" | "ist" | "é" | "è" | "lautet" | "adalah" | "है"
        | "هي" | "هو" => Some((end, Announced::Is)),
        "would" | "should" | "must" | "will" | "to" => be(next).map(|end| (end, Announced::Is)),
        "could" | "might" | "may" => be(next).map(|end| (end, Announced::Hedged)),
        "has" | "have" | "comes" | "appears" | "seems" if view.has_word(next, "to") => {
            let after = view.skip_spaces(view.word_end(next));
            Some((be(after).unwrap_or(view.word_end(next)), Announced::Is))
        }
        _ => None,
    }
}

/// Skips colons, and white space with up to two line breaks after them.
fn skip_colon(view: &View<'_>, mut at: usize) -> usize {
    while at < view.len() && (view.at(at).is_whitespace() || matches!(view.at(at), ':' | '*' | '_' | '=')) {
        at += 1;
    }
    at
}

/// Skips words that say nothing, and a colon.
fn skip_fillers(view: &View<'_>, mut at: usize) -> usize {
    for _ in 0..4 {
        let next = skip_between(view, at).filter(|next| view.at(*next) != ':').unwrap_or(at);
        let word = view.word(next);
        if !FILLERS.contains(&word.as_str()) || !view.slice(at..next).iter().all(|c| matches!(c, ' ' | ',')) {
            break;
        }
        at = view.word_end(next);
        if view.at(at) == ',' {
            at += 1;
        }
    }
    let spaces = view.skip_closing(at);
    if matches!(view.at(spaces), ':' | '=') { skip_colon(view, spaces) } else { at }
}
