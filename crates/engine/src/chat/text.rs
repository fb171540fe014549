//! What Python's string methods do to texts.

/// Python's white space: Unicode's, and the four information separators.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// `strip`, `lstrip`, `rstrip`: without these characters, or without white space, at the ends.
pub(super) fn strip<'a>(text: &'a str, chars: Option<&str>, left: bool, right: bool) -> &'a str {
    let strips = |c: char| chars.map_or_else(|| is_space(c), |chars| chars.contains(c));
    let text = if left { text.trim_start_matches(strips) } else { text };
    if right { text.trim_end_matches(strips) } else { text }
}

/// `split` and `rsplit`. Without a separator, at runs of white space. `None`: the separator is empty.
pub(super) fn split<'a>(
    text: &'a str,
    separator: Option<&str>,
    max: Option<usize>,
    from_right: bool,
) -> Option<Vec<&'a str>> {
    let max = max.map_or(usize::MAX, |max| max.saturating_add(1));
    match separator {
        Some("") => None,
        Some(separator) if from_right => {
            let mut pieces: Vec<&str> = text.rsplitn(max, separator).collect();
            pieces.reverse();
            Some(pieces)
        }
        Some(separator) => Some(text.splitn(max, separator).collect()),
        None if from_right => Some(words_from_right(text, max)),
        None => Some(words(text, max)),
    }
}

fn words(text: &str, max: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        if pieces.len() + 1 == max {
            pieces.push(rest);
            break;
        }
        let end = rest.find(is_space).unwrap_or(rest.len());
        pieces.push(&rest[..end]);
        rest = rest[end..].trim_start_matches(is_space);
    }
    pieces
}

fn words_from_right(text: &str, max: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_end_matches(is_space);
    while !rest.is_empty() {
        if pieces.len() + 1 == max {
            pieces.push(rest);
            break;
        }
        let start =
            rest.rfind(is_space).map_or(0, |at| at + rest[at..].chars().next().map_or(0, char::len_utf8));
        pieces.push(&rest[start..]);
        rest = rest[..start].trim_end_matches(is_space);
    }
    pieces.reverse();
    pieces
}

/// `splitlines`, at all the line ends that Python knows.
pub(super) fn lines(text: &str, keep_ends: bool) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some(at) = rest.find(is_line_end) else {
            pieces.push(rest);
            break;
        };
        let first = rest[at..].chars().next().map_or(0, char::len_utf8);
        let end = if rest[at..].starts_with("\r\n") { 2 } else { first };
        pieces.push(if keep_ends { &rest[..at + end] } else { &rest[..at] });
        rest = &rest[at + end..];
    }
    pieces
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// `partition` and `rpartition`. `None`: the separator is empty.
pub(super) fn partition<'a>(text: &'a str, separator: &'a str, from_right: bool) -> Option<[&'a str; 3]> {
    if separator.is_empty() {
        return None;
    }
    let halves = if from_right { text.rsplit_once(separator) } else { text.split_once(separator) };
    Some(match halves {
        Some((before, after)) => [before, separator, after],
        None if from_right => ["", "", text],
        None => [text, "", ""],
    })
}

/// `title`: a capital after everything that has no case.
pub(super) fn title(text: &str) -> String {
    let mut titled = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if inside {
            titled.extend(c.to_lowercase());
        } else {
            titled.extend(c.to_uppercase());
        }
        inside = has_case(c);
    }
    titled
}

/// `capitalize`: the first character a capital, the rest small.
pub(super) fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + &chars.as_str().to_lowercase()
    })
}

/// `swapcase`.
pub(super) fn swap_case(text: &str) -> String {
    let mut swapped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_uppercase() {
            swapped.extend(c.to_lowercase());
        } else {
            swapped.extend(c.to_uppercase());
        }
    }
    swapped
}

fn has_case(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase()
}

/// `ljust`.
pub(super) fn left(text: &str, width: usize, fill: char) -> String {
    let missing = width.saturating_sub(text.chars().count());
    text.chars().chain(std::iter::repeat_n(fill, missing)).collect()
}

/// `rjust`.
pub(super) fn right(text: &str, width: usize, fill: char) -> String {
    let missing = width.saturating_sub(text.chars().count());
    std::iter::repeat_n(fill, missing).chain(text.chars()).collect()
}

/// `center`, with Python's choice of the side that gets one more.
pub(super) fn center(text: &str, width: usize, fill: char) -> String {
    let missing = width.saturating_sub(text.chars().count());
    let before = missing / 2 + (missing & width & 1);
    let fills = |count| std::iter::repeat_n(fill, count);
    fills(before).chain(text.chars()).chain(fills(missing - before)).collect()
}

/// `zfill`: zeros after the sign.
pub(super) fn zeros(text: &str, width: usize) -> String {
    let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
    sign.to_owned() + &right(digits, width.saturating_sub(sign.len()), '0')
}

/// Jinja's filter `title`: a capital at the start of each word, where words begin after white space, a
/// hyphen or an opening bracket.
pub(super) fn words_title(text: &str) -> String {
    let mut titled = String::with_capacity(text.len());
    let mut start = true;
    for c in text.chars() {
        if start {
            titled.extend(c.to_uppercase());
        } else {
            titled.extend(c.to_lowercase());
        }
        start = is_space(c) || matches!(c, '-' | '(' | '{' | '[' | '<');
    }
    titled
}

/// Jinja's filter `wordcount`.
pub(super) fn word_count(text: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).count()
}

/// Jinja's filter `escape`.
pub(super) fn html_escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\'' => escaped.push_str("&#39;"),
            '"' => escaped.push_str("&#34;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Jinja's filter `indent`.
pub(super) fn indent(text: &str, indent: &str, first: bool, blank: bool) -> String {
    let mut indented = String::with_capacity(text.len());
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            indented.push('\n');
        }
        let wanted = if index == 0 { first } else { blank || !line.is_empty() };
        if wanted {
            indented.push_str(indent);
        }
        indented.push_str(line);
    }
    indented
}
