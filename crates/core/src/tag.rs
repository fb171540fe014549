//! Tags in brackets: their shape, and what their name says.

use std::ops::Range;

use crate::view::fold;

/// Characters of a tag between its brackets, at most.
const MAX_CHARACTERS: usize = 120;

/// Words of a tag's name, at most.
const MAX_WORDS: usize = 6;

/// Brackets of tags, as [`fold`] leaves them; full-width ones become these.
const BRACKETS: [(char, char); 5] = [('<', '>'), ('[', ']'), ('◁', '▷'), ('⟨', '⟩'), ('〈', '〉')];

/// Words for reasoning.
const REASONING: &[&str] = &[
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reason",
    "reasoning",
    "reflect",
    "reflecting",
    "reflection",
    "analysis",
    "scratchpad",
    "scratch",
    "cot",
    "monologue",
    "deliberation",
    "contemplation",
    "rumination",
    "思考",
    "推理",
];

/// Words for reasoning that are hardly ever an answer, and so are marks in square brackets without a partner.
const PLAIN_REASONING: &[&str] = &["think", "thinking"];

/// Words that may stand beside a word for reasoning.
const QUALIFIERS: &[&str] = &[
    "of",
    "the",
    "my",
    "a",
    "process",
    "block",
    "section",
    "phase",
    "trace",
    "content",
    "step",
    "steps",
    "chain",
    "inner",
    "internal",
    "private",
    "hidden",
    "deep",
    "long",
    "model",
    "assistant",
    "ai",
    "ant",
    "pad",
];

/// Words for what is said.
const RESPONSE: &[&str] = &["response", "answer", "solution", "output", "final"];

/// Words of special tokens that end a turn or a text, as a whole.
const TURN_ENDS: &[&str] = &["end", "eot", "eos", "eom", "endoftext", "return"];

/// Words that may stand beside one of these.
const TURN_WORDS: &[&str] = &["of", "turn", "text", "sentence", "message", "token", "id", "im"];

/// Words of a beginning.
const OPENING: &[&str] = &["start", "begin", "beginning", "open"];

/// Words of an end.
const CLOSING: &[&str] = &["end", "stop", "close", "finish"];

#[derive(Debug)]
pub(crate) struct Tag {
    /// Bytes, the brackets included.
    pub(crate) range: Range<usize>,
    bracket: char,
    /// Whether a bar stands after the opening bracket, and before the closing one.
    bars: (bool, bool),
    /// Whether a slash says that it closes.
    slash: bool,
    /// Words of its name, lower case, without namespace and attributes.
    words: Vec<String>,
    /// Whether its name has no lower-case letter.
    is_upper: bool,
}

/// What a tag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TagEffect {
    /// Reasoning begins.
    Opens,
    /// Reasoning ends.
    Closes,
    /// What is said begins.
    Responds,
    /// What is said ends.
    HasResponded,
}

/// Whether a character opens a tag, as [`fold`] leaves it.
pub(crate) fn opens(c: char) -> bool {
    BRACKETS.iter().any(|(open, _)| *open == c)
}

impl Tag {
    /// Reads the tag that begins at a byte; `None` if what stands there has not the shape of one.
    pub(crate) fn read(text: &str, start: usize) -> Option<Self> {
        let mut inner = String::new();
        let mut chars = text.get(start..)?.char_indices();
        let (_, first) = chars.next()?;
        let (bracket, close) = *BRACKETS.iter().find(|(open, _)| fold(first) == Some(*open))?;
        for (offset, c) in chars.take(MAX_CHARACTERS) {
            let Some(folded) = fold(c) else { continue };
            if folded == close {
                return Self::from_inner(&inner, bracket, start..start + offset + c.len_utf8());
            }
            if folded == '\n' || opens(folded) {
                return None;
            }
            inner.push(folded);
        }
        None
    }

    fn from_inner(inner: &str, bracket: char, range: Range<usize>) -> Option<Self> {
        let inner = inner.trim();
        let bars = (inner.starts_with('|'), inner.ends_with('|'));
        let inner = inner.trim_matches('|').trim_matches(is_filler);
        let name = without_attributes(inner.trim_start_matches(['/', '\\']).trim_end_matches('/'))?;
        let name = name.rsplit(':').next()?;
        let words = words(name)?;
        let slash = inner.starts_with(['/', '\\']) || inner.ends_with('/');
        let is_upper = !name.chars().any(char::is_lowercase);
        Some(Self { range, bracket, bars, slash, words, is_upper })
    }

    /// The one word of a special token: a name between two bars.
    pub(crate) fn special(&self) -> Option<&str> {
        match (self.bars, self.words.as_slice()) {
            ((true, true), [word]) if !self.slash => Some(word),
            _ => None,
        }
    }

    /// The one word of a tag with a bar on one side, and whether that is the side of a closing tag.
    pub(crate) fn one_sided(&self) -> Option<(&str, bool)> {
        match (self.bars, self.words.as_slice()) {
            ((opening, closing), [word]) if opening != closing => Some((word, closing)),
            _ => None,
        }
    }

    /// What the tag says; `None` if its name is no word for reasoning or responding.
    pub(crate) fn says(&self) -> Option<TagEffect> {
        let has = |list: &[&str]| self.words.iter().any(|word| list.contains(&word.as_str()));
        let (opening, closing) = (has(OPENING), has(CLOSING));
        let only = |list: &[&str]| {
            let others = self.words.iter().map(String::as_str);
            let mut others = others.filter(|word| !OPENING.contains(word) && !CLOSING.contains(word));
            has(list) && others.all(|word| list.contains(&word) || QUALIFIERS.contains(&word))
        };
        if only(REASONING) {
            let closes = self.slash || closing || self.bars == (false, true);
            return Some(if closes { TagEffect::Closes } else { TagEffect::Opens });
        }
        // Without bars such a tag is for those who read answers.
        if self.bars == (true, true) && (opening || closing) && only(RESPONSE) {
            return Some(if closing { TagEffect::HasResponded } else { TagEffect::Responds });
        }
        None
    }

    /// Whether the tag is a special token that ends a turn or a text, or begins that of somebody else.
    pub(crate) fn ends_turn(&self) -> bool {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let has_bars = self.bars.0 || self.bars.1;
        match words.as_slice() {
            ["s"] => self.slash && self.bracket == '<',
            ["turn" | "user"] => has_bars,
            ["im", "start"] | ["start", "header", "id"] | ["start", "of", "turn" | "role"] => true,
            words => {
                let is_end = words.iter().any(|word| TURN_ENDS.contains(word));
                let others = words.iter().all(|word| TURN_ENDS.contains(word) || TURN_WORDS.contains(word));
                // `<end>` and `[return]` may be anything.
                is_end && others && (has_bars || self.bracket == '<' && (words.len() > 1 || words == ["eos"]))
            }
        }
    }

    /// Whether the tag is a mark of reasoning only beside another one that opens or closes the same: what stands
    /// in square brackets may be English, and so may a word for an end.
    pub(crate) fn needs_partner(&self) -> bool {
        if self.bars.0 || self.bars.1 || self.bracket == '◁' || self.slash {
            return false;
        }
        if self.is_square() {
            let is_plain =
                matches!(self.words.as_slice(), [word] if PLAIN_REASONING.contains(&word.as_str()));
            return !(self.is_upper && is_plain);
        }
        self.words.iter().any(|word| CLOSING.contains(&word.as_str()))
    }

    /// Whether it stands in square brackets.
    pub(crate) fn is_square(&self) -> bool {
        self.bracket == '['
    }
}

/// Whether a character stands between the words of a name.
fn is_filler(c: char) -> bool {
    c.is_whitespace() || c == '\u{2581}'
}

/// The name of a tag before its attributes; `None` if there is none.
fn without_attributes(inner: &str) -> Option<&str> {
    let inner = inner.trim();
    match inner.split_once('=') {
        Some((before, _)) => before.trim_end().rsplit_once(char::is_whitespace).map(|(name, _)| name.trim()),
        None => Some(inner),
    }
}

/// The words of a name in lower case, numbers left out; `None` if it has none, too many, or other characters
/// than letters, digits and what separates words.
fn words(name: &str) -> Option<Vec<String>> {
    let mut words = vec![String::new()];
    let mut previous = ' ';
    for c in name.chars() {
        if c.is_alphanumeric() {
            // `antThinking` are two words.
            if previous.is_lowercase() && c.is_uppercase() {
                words.push(String::new());
            }
            words.last_mut()?.extend(c.to_lowercase());
        } else if is_filler(c) || matches!(c, '_' | '-' | '.') {
            words.push(String::new());
        } else {
            return None;
        }
        previous = c;
    }
    words.retain(|word| !word.chars().all(char::is_numeric));
    (!words.is_empty() && words.len() <= MAX_WORDS).then_some(words)
}
