//! The value of a confidence as plain text.

use unicode_normalization::UnicodeNormalization as _;

/// Characters of a tag, at most.
const MAX_TAG: usize = 80;

/// Compatibility forms resolved; tags, emphasis and quotes of Markdown and LaTeX removed.
pub(super) fn plain(text: &str) -> String {
    let text = without_tags(text);
    text.nfkc().filter_map(simple).collect::<String>().replace("\\%", "%").replace("\\boxed", " ")
}

fn simple(c: char) -> Option<char> {
    match c {
        '*' | '`' | '"' | '\'' | '“' | '”' | '„' | '«' | '»' | '‘' | '’' | '$' | '{' | '}' | '[' | ']' => {
            None
        }
        '−' | '–' | '—' => Some('-'),
        '⁄' => Some('/'),
        c => Some(c),
    }
}

/// A text without its tags, whose brackets would be bounds: `<b>0.9</b>`. In `< 0.9` none begins.
fn without_tags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (front, tag) = rest.split_at(at);
        kept.push_str(front);
        let begins = tag[1..].starts_with(|c: char| c.is_alphabetic() || matches!(c, '/' | '|' | '!'));
        let inner = tag.char_indices().skip(1).take(MAX_TAG);
        let close = inner.take_while(|(_, c)| !matches!(c, '<' | '\n')).find(|(_, c)| *c == '>');
        match close.filter(|_| begins) {
            Some((close, _)) => {
                kept.push(' ');
                rest = &tag[close + 1..];
            }
            None => {
                kept.push('<');
                rest = &tag[1..];
            }
        }
    }
    kept.push_str(rest);
    kept
}
