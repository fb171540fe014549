//! The source of a template, made fit for minijinja.
//!
//! `transformers` adds a tag `generation` to Jinja, which marks the model's part of a text and prints it
//! as it is, in a scope of its own. That is what `with` does, so the tag is renamed.

use std::borrow::Cow;

/// Line ends as Jinja makes them, and `generation` as `with`.
pub(super) fn adapt(source: &str) -> String {
    let unix: Cow<'_, str> = if source.contains('\r') {
        source.replace("\r\n", "\n").replace('\r', "\n").into()
    } else {
        source.into()
    };
    if unix.contains("generation") { rename(&unix) } else { unix.into_owned() }
}

fn rename(source: &str) -> String {
    let mut adapted = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(open) = next_opening(rest) {
        let (before, tag) = rest.split_at(open);
        adapted.push_str(before);
        let end = match &tag[..2] {
            "{#" => tag.find("#}").map_or(tag.len(), |at| at + 2),
            "{{" => closing(tag, "}}"),
            _ if names(tag, "raw") => end_of_raw(tag),
            _ => closing(tag, "%}"),
        };
        let (tag, behind) = tag.split_at(end);
        match renamed(tag) {
            Some((name, new)) => adapted.push_str(&tag.replacen(name, new, 1)),
            None => adapted.push_str(tag),
        }
        rest = behind;
    }
    adapted.push_str(rest);
    adapted
}

fn next_opening(text: &str) -> Option<usize> {
    text.match_indices('{')
        .map(|(at, _)| at)
        .find(|&at| matches!(text.as_bytes().get(at + 1), Some(b'%' | b'{' | b'#')))
}

/// The old and the new name of a block tag.
fn renamed(tag: &str) -> Option<(&'static str, &'static str)> {
    let inner = tag.strip_prefix("{%")?.strip_suffix("%}")?;
    match inner.trim_matches(['-', '+']).trim() {
        "generation" => Some(("generation", "with")),
        "endgeneration" => Some(("endgeneration", "endwith")),
        _ => None,
    }
}

/// Whether a text starts with a block tag that has this one word.
fn names(text: &str, word: &str) -> bool {
    let inner = text.trim_start_matches("{%").trim_start_matches(['-', '+']).trim_start();
    inner
        .strip_prefix(word)
        .is_some_and(|rest| rest.trim_start().trim_start_matches(['-', '+']).starts_with("%}"))
}

/// The length of a raw block, its tags included.
fn end_of_raw(text: &str) -> usize {
    text.match_indices("{%")
        .map(|(at, _)| at)
        .find(|&at| names(&text[at..], "endraw"))
        .map_or(text.len(), |at| at + closing(&text[at..], "%}"))
}

/// The length of a tag that ends with `end`, which counts outside strings and braces only.
fn closing(tag: &str, end: &str) -> usize {
    let bytes = tag.as_bytes();
    let mut at = 2;
    let mut braces = 0_usize;
    while at < bytes.len() {
        match bytes[at] {
            _ if braces == 0 && tag[at..].starts_with(end) => return at + end.len(),
            quote @ (b'"' | b'\'') => at += string_length(&bytes[at..], quote) - 1,
            b'{' => braces += 1,
            b'}' => braces = braces.saturating_sub(1),
            _ => {}
        }
        at += 1;
        while at < bytes.len() && !tag.is_char_boundary(at) {
            at += 1;
        }
    }
    bytes.len()
}

/// The length of the string literal that `bytes` starts with, quotes included.
fn string_length(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::adapt;

    #[test]
    fn generation_blocks_become_scopes_and_nothing_else_changes() {
        let cases = [
            ("{% generation %}a{% endgeneration %}", "{% with %}a{% endwith %}"),
            ("{%- generation -%}a{%+endgeneration+%}", "{%- with -%}a{%+endwith+%}"),
            ("{# {% generation %} #}", "{# {% generation %} #}"),
            ("{% raw %}{% generation %}{% endraw %}", "{% raw %}{% generation %}{% endraw %}"),
            ("{{ '{% generation %}' }}", "{{ '{% generation %}' }}"),
            ("{{ {'a': {'b': 1}} }}{% generation %}", "{{ {'a': {'b': 1}} }}{% with %}"),
            ("{% set generation = '%}' %}", "{% set generation = '%}' %}"),
            ("{{ add_generation_prompt }}", "{{ add_generation_prompt }}"),
            ("{{ 'é\\'' ~ \"}}\" }}{%generation%}", "{{ 'é\\'' ~ \"}}\" }}{%with%}"),
            ("generation {% generation", "generation {% generation"),
            ("{% raw %}generation", "{% raw %}generation"),
            ("a\r\nb\rc", "a\nb\nc"),
        ];
        for (source, expected) in cases {
            assert_eq!(adapt(source), expected, "{source}");
        }
    }
}
