//! The source of a template, made fit for minijinja.
//!
//! `transformers` adds a tag `generation` to Jinja, which marks the model's part of a text and prints it
//! as it is, in a scope of its own. That is what `with` does, so the tag is renamed. `~` becomes a call
//! (see `concatenation`), and so does the setting of a namespace's attribute (see `stored`). Lines stay where they are, so that errors name them rightly.

use std::borrow::Cow;

use super::concatenation::{self, ExpressionTokens};
use super::literal::string_length;
use super::stored;

/// Line ends as Jinja makes them, `generation` as `with`, and `~` as a call.
pub(super) fn adapt(source: &str) -> String {
    let unix: Cow<'_, str> = if source.contains('\r') {
        source.replace("\r\n", "\n").replace('\r', "\n").into()
    } else {
        source.into()
    };
    let mut adapted = String::with_capacity(unix.len());
    let mut rest = unix.as_ref();
    while let Some(open) = next_opening(rest) {
        let (before, tag) = rest.split_at(open);
        adapted.push_str(before);
        let (tag, after) = tag.split_at(length(tag));
        adapted.push_str(&adapted_tag(tag));
        rest = after;
    }
    adapted.push_str(rest);
    adapted
}

fn next_opening(text: &str) -> Option<usize> {
    text.match_indices('{')
        .map(|(at, _)| at)
        .find(|&at| matches!(text.as_bytes().get(at + 1), Some(b'%' | b'{' | b'#')))
}

/// The length of the tag that a text starts with; of a raw block, with what is in it.
fn length(tag: &str) -> usize {
    match &tag[..2] {
        "{#" => tag.find("#}").map_or(tag.len(), |at| at + 2),
        "{{" => closing(tag, "}}"),
        _ if names(tag, "raw") => end_of_raw(tag),
        _ => closing(tag, "%}"),
    }
}

fn adapted_tag(tag: &str) -> Cow<'_, str> {
    let (open, close) = if tag.starts_with("{{") { ("{{", "}}") } else { ("{%", "%}") };
    let inside = tag.strip_prefix(open).and_then(|tag| tag.strip_suffix(close));
    let Some(inside) = inside.filter(|_| !names(tag, "raw")) else { return tag.into() };
    // The marks of white space belong to the delimiters.
    let start = usize::from(inside.starts_with(['-', '+']));
    let end = inside.len() - usize::from(inside.len() > start && inside.ends_with(['-', '+']));
    let body = &inside[start..end];
    let statement = open == "{%";
    let new: Cow<'_, str> = match body.trim() {
        "generation" if statement => body.replace("generation", "with").into(),
        "endgeneration" if statement => body.replace("endgeneration", "endwith").into(),
        _ => match statement.then(|| stored(body)).flatten() {
            Some(stored) => stored.into(),
            None if body.contains('~') => concatenation::rewrite(body, statement).into(),
            None => return tag.into(),
        },
    };
    format!("{open}{}{new}{}{close}", &inside[..start], &inside[end..]).into()
}

/// `set ns.x = value` with the value given to a function; `None` for all other statements.
fn stored(statement: &str) -> Option<String> {
    let target = statement.trim_start().strip_prefix("set")?.strip_prefix(char::is_whitespace)?;
    let length = ExpressionTokens(target).take_while(|token| *token != "=").map(str::len).sum::<usize>();
    let (target, value) = target.split_at_checked(length)?;
    let value = value.strip_prefix('=').filter(|_| target.contains('.'))?;
    let value = concatenation::rewrite(value, false);
    Some(format!(" set {target}= {}(({})) ", stored::FUNCTION, value.trim()))
}

/// Whether a text starts with a block tag that has this one word.
fn names(text: &str, word: &str) -> bool {
    let Some(inside) = text.strip_prefix("{%") else { return false };
    let inside = inside.trim_start_matches(['-', '+']).trim_start();
    inside
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
    let mut braces = 0_usize;
    let mut at = 2;
    while let Some(c) = tag[at..].chars().next() {
        match c {
            _ if braces == 0 && tag[at..].starts_with(end) => return at + end.len(),
            '"' | '\'' => {
                at += string_length(&tag[at..]);
                continue;
            }
            '{' => braces += 1,
            '}' => braces = braces.saturating_sub(1),
            _ => {}
        }
        at += c.len_utf8();
    }
    tag.len()
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
            ("{% raw %}{% generation %}~{% endraw %}", "{% raw %}{% generation %}~{% endraw %}"),
            ("{{ '{% generation %}' }}", "{{ '{% generation %}' }}"),
            ("{{ {'a': {'b': 1}} }}{% generation %}", "{{ {'a': {'b': 1}} }}{% with %}"),
            ("{% set generation = '%}' %}", "{% set generation = '%}' %}"),
            ("{{ add_generation_prompt }}", "{{ add_generation_prompt }}"),
            ("{{ 'é\\'' + \"}}\" }}{%generation%}", "{{ 'é\\'' + \"}}\" }}{%with%}"),
            ("generation ~ {% generation", "generation ~ {% generation"),
            ("{% raw %}generation", "{% raw %}generation"),
            ("{{- a ~ b -}} ~ {%- set c = d ~ e %}", "{{- C(a , b) -}} ~ {%- set c = C(d , e) %}"),
            ("{%- set ns.x = a ~ b, c -%}", "{%- set ns.x = S((C(a , b), c)) -%}"),
            ("{% set ns.x=a==b %}{% set ns.x %}", "{% set ns.x= S((a==b)) %}{% set ns.x %}"),
            ("{% set x = ns.y %}{% settle a.b = c %}", "{% set x = ns.y %}{% settle a.b = c %}"),
            ("{{-}}{{--}}{%-%}{{", "{{-}}{{--}}{%-%}{{"),
            ("a\r\nb\rc", "a\nb\nc"),
        ];
        for (source, expected) in cases {
            let expected =
                expected.replace('C', super::concatenation::FUNCTION).replace('S', super::stored::FUNCTION);
            assert_eq!(adapt(source), expected, "{source}");
        }
    }
}
