//! The reply as plain text, and the line that speaks of the confidence.

use unicode_normalization::UnicodeNormalization as _;

use super::Turn;

/// Characters of a reply that are read. A confidence stands at its end.
const MOST_CHARACTERS: usize = 64 * 1024;

/// First digits of the scripts that models write numbers in, besides ASCII. Full-width digits are
/// compatibility forms of ASCII ones.
const ZEROS: [char; 4] = ['\u{0660}', '\u{06F0}', '\u{0966}', '\u{09E6}'];

/// Words that may stand before the colon of a confidence line.
const CONFIDENCE: [&str; 6] = [
    "confidence",
    "confidence level",
    "confidence score",
    "my confidence",
    "my confidence level",
    "overall confidence",
];

/// Words that may stand there too where nothing but a confidence was asked for. In a worked answer they
/// may be part of the solution ("Probability = 3/8").
const PROBABILITY: [&str; 6] =
    ["probability", "my probability", "probability of being correct", "certainty", "likelihood", "answer"];

/// Compatibility forms resolved, digits in ASCII, emphasis and quotes of Markdown and LaTeX removed.
pub(super) fn plain(reply: &str) -> String {
    let start = reply.char_indices().rev().nth(MOST_CHARACTERS - 1).map_or(0, |(index, _)| index);
    reply[start..].nfkc().filter_map(simple).collect::<String>().replace("\\%", "%").replace("\\boxed", " ")
}

fn simple(c: char) -> Option<char> {
    if let Some(digit) = ascii_digit(c) {
        return Some(digit);
    }
    match c {
        '*' | '`' | '"' | '\'' | '“' | '”' | '„' | '«' | '»' | '‘' | '’' | '$' | '{' | '}' | '[' | ']' => {
            None
        }
        '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' => None,
        '−' | '–' | '—' => Some('-'),
        // Arabic signs; the full-width ones have compatibility forms.
        '٪' => Some('%'),
        '٫' => Some('.'),
        '⁄' => Some('/'),
        c => Some(c),
    }
}

fn ascii_digit(c: char) -> Option<char> {
    ZEROS.iter().find_map(|zero| {
        let offset = u32::from(c).checked_sub(u32::from(*zero)).filter(|offset| *offset < 10)?;
        char::from_digit(offset, 10)
    })
}

/// What stands behind the label of the last confidence line; the line after it where the label stands alone.
pub(super) fn labelled(reply: &str, turn: Turn) -> Option<&str> {
    let lines: Vec<&str> = reply.lines().collect();
    let (index, value) =
        lines.iter().enumerate().rev().find_map(|(index, line)| Some((index, value_of(line, turn)?)))?;
    if !value.trim().is_empty() {
        return Some(value);
    }
    lines[index + 1..].iter().find(|line| !line.trim().is_empty()).copied().or(Some(""))
}

/// The part of a line behind its label, if it has one.
fn value_of(line: &str, turn: Turn) -> Option<&str> {
    let line = line
        .trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '#' | '>' | '•' | '_' | '('));
    let end = line.find([':', '='])?;
    let label = line[..end].trim().trim_matches('_').to_lowercase();
    // "Confidence (0-1): 0.8" repeats the question's range.
    let label = label.split('(').next().unwrap_or_default().trim();
    let known = CONFIDENCE.contains(&label) || (turn == Turn::ConfidenceOnly && PROBABILITY.contains(&label));
    known.then(|| &line[end + 1..])
}
