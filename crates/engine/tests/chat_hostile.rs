//! Untrusted templates: whatever they do ends by fuel or length, in bounded memory, with a clear error.

#![expect(clippy::unwrap_used, reason = "the tests' own data; a panic is how a test fails")]

use plimsoll_engine::chat::{
    Chat, ChatError, ChatTemplate, Data, MAX_MESSAGE_CHARS, MAX_SOURCE, MAX_TEXT, Moment, SpecialTokenTexts,
};
use proptest::prelude::*;

fn chat() -> Chat {
    let message = Data::map([("role", Data::from("user")), ("content", Data::from("Hello"))]);
    Chat {
        messages: vec![message],
        add_generation_prompt: true,
        variables: Vec::new(),
        now: Moment::date(2025, 2, 6).unwrap(),
    }
}

fn render(source: &str) -> Result<String, ChatError> {
    let result = ChatTemplate::from_source(source, SpecialTokenTexts::default())
        .and_then(|template| template.render(&chat()));
    let shown: String = source.chars().take(200).collect();
    // What is counted ends it: fuel, length, nesting. The clock is for what cannot be counted.
    assert!(!matches!(result, Err(ChatError::TooSlow { .. })), "{shown}");
    result
}

#[test]
fn endless_work_is_stopped() {
    let sources = [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% for a in range(99999) %}{{ 'abcdefghij' * 1000 }}{% endfor %}",
        "{{ 'x' * 999999999999 }}",
        "{% set n = 999999999999 %}{{ 'x' * n }}",
        "{% set n = 99999999 %}{{ [0] * n * n }}",
        "{% set n = 999999999 %}{{ 'x'.ljust(n) }}",
        "{% set n = 999999999 %}{{ 'x'.center(n, 'é') }}",
        "{% set n = 999999999 %}{{ [1]|tojson(indent=n) }}",
        "{% set n = 999999999 %}{{ 'x'|indent(n, true) }}",
        "{% set n = 999999999 %}{{ '%*d'|format(n, 1) }}",
        "{{ '%999999999d'|format(1) }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ '{0:>{1}}'.format('a', 999999999) }}",
        "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = ns.x.replace('a', 'aa') %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    ];
    let mut surprises = Vec::new();
    for source in sources {
        let result = render(source);
        if !matches!(
            result,
            Err(ChatError::TooMuchWork { .. } | ChatError::TooMuchText { .. } | ChatError::Render { .. })
        ) {
            surprises.push(source);
        }
    }
    assert!(surprises.is_empty(), "{surprises:#?}");
}

/// A value that holds the same lists again and again: small in memory, endless to walk.
fn doubled() -> String {
    let step = |level: usize| format!("{{% set x{level} = [x{}, x{}] %}}", level - 1, level - 1);
    "{% set x0 = [1] %}".to_owned() + &(1..=40).map(step).collect::<String>() + "{% set x = x40 %}"
}

#[test]
fn texts_of_endless_values_are_stopped() {
    let sinks = [
        "{{ x }}",
        "{{ x|tojson }}",
        "{{ x|tojson(indent=2, sort_keys=true) }}",
        "{{ x ~ '' }}",
        "{{ '' ~ 1 ~ {'a': x} }}",
        "{% set y = x ~ x %}",
        "{{ x|string }}",
        "{{ x|trim }}",
        "{{ x|upper }}",
        "{{ x|replace('a', 'b') }}",
        "{{ 'a'|replace('a', x) }}",
        "{{ x|indent }}",
        "{{ x|escape }}",
        "{{ x|title }}",
        "{{ x|wordcount }}",
        "{{ x|join }}",
        "{{ [1, 2]|join(x) }}",
        "{{ [x]|map('string')|list }}",
        "{{ '%s'|format(x) }}",
        "{{ '%s %s'|format(1, {'a': x}) }}",
        "{{ '{}'.format(x) }}",
        "{{ raise_exception(x) }}",
        "{% macro f(y) %}{{ y }}{% endmacro %}{{ f(x) }}",
        "{% set y %}{{ x }}{% endset %}",
        "{% filter upper %}{{ x }}{% endfilter %}",
        "{% set ns = namespace() %}{% set ns.y = x %}",
    ];
    for sink in sinks {
        let result = render(&(doubled() + sink));
        assert!(matches!(result, Err(ChatError::TooMuchWork { .. })), "{sink}: {result:?}");
    }
    // These write nothing but texts.
    for sink in ["{{ ','.join([x]) }}", "{{ 'a'.replace(x, 'b') }}", "{{ x + 'a' }}"] {
        let result = render(&(doubled() + sink));
        assert!(matches!(result, Err(ChatError::Render { .. })), "{sink}: {result:?}");
    }
    assert_eq!(render(&(doubled() + "{{ x|length }}")).unwrap(), "2");
}

#[test]
fn nesting_ends_in_an_error_or_a_text_and_never_in_a_crash() {
    let deep = |open: &str, middle: &str, close: &str, depth: usize| {
        open.repeat(depth) + middle + &close.repeat(depth)
    };
    let sources = [
        format!("{{{{ {} }}}}", deep("(", "1", ")", 100_000)),
        format!("{{{{ {} }}}}", deep("[", "", "]", 100_000)),
        format!("{{{{ {} }}}}", deep("{'a':", "1", "}", 100_000)),
        format!("{{{{ {}1 }}}}", "not ".repeat(100_000)),
        format!("{{{{ {}1 }}}}", "-".repeat(100_000)),
        format!("{{{{ 1{} }}}}", " + 1".repeat(50_000)),
        format!("{{{{ 'a'{} }}}}", " ~ 'b'".repeat(50_000)),
        format!("{{{{ 2{} }}}}", " ** 1".repeat(50_000)),
        format!("{{{{ a{} }}}}", ".a".repeat(50_000)),
        format!("{{{{ a{} }}}}", "|trim".repeat(50_000)),
        format!("{{{{ 1{} }}}}", " if a else 1".repeat(50_000)),
        format!("{{{{ 1{} }}}}", " and 1".repeat(50_000)),
        format!("{{{{ 1{} }}}}", " < 1".repeat(50_000)),
        deep("{% if a %}", "x", "{% endif %}", 20_000),
        deep("{% for a in b %}", "x", "{% endfor %}", 20_000),
        deep("{% with %}", "x", "{% endwith %}", 20_000),
        deep("{% generation %}", "x", "{% endgeneration %}", 20_000),
        format!("{{% if a %}}x{}{{% endif %}}", "{% elif b %}y".repeat(20_000)),
        "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}{% endfor %}done".to_owned(),
        "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}".to_owned(),
        "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x|tojson }}".to_owned(),
        "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = {'a': ns.x} %}{% endfor %}{{ ns.x ~ '' }}".to_owned(),
        "{% set ns = namespace(x=[], y=[]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}{% set ns.y = [ns.y] %}{% endfor %}{{ ns.x == ns.y }}{{ ns.x < ns.y }}{{ ns.x in [ns.y] }}".to_owned(),
        "{% set ns = namespace(x='a') %}{% for i in range(99999) %}{% set ns.x = ns.x|list|reverse %}{% endfor %}{{ ns.x }}".to_owned(),
        "{% set ns = namespace(x=[1]) %}{% for i in range(99999) %}{% set ns.x = ns.x|map('string') %}{% endfor %}{{ ns.x|list }}".to_owned(),
        "{% set ns = namespace(x=[1]) %}{% for i in range(99999) %}{% set ns.x = ns.x|chain([1]) %}{% endfor %}{{ ns.x|list|length }}".to_owned(),
        "{% set ns = namespace(x={}) %}{% set ns.x = ns %}{{ ns }}{{ ns == ns }}".to_owned(),
        "{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns.x }}{{ ns|tojson }}".to_owned(),
        "{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns.x|tojson }}".to_owned(),
        "{% set ns = namespace() %}{% set other = namespace() %}{% set ns.x = other %}{% set other.x = ns %}{{ ns == other }}{{ ns < other }}".to_owned(),
        "{% set ns = namespace() %}{% set other = namespace(x=ns) %}{% set ns.x = (1, {'a': [other]}) %}{{ ns == other }}".to_owned(),
        "{% set ns = namespace() %}{% set other = namespace() %}{% set ns.x, other.x = other, ns %}{{ ns == other }}".to_owned(),
        "{% macro f(x, n) %}{% if n %}{{ f([x], n - 1) }}{% else %}{{ x == [x] }}{{ x }}{% endif %}{% endmacro %}{{ f([1], 90) }}".to_owned(),
    ];
    for source in sources {
        // A text or an error; what counts is that it comes, and soon.
        let _ = render(&source);
    }
}

#[test]
fn what_a_template_says_when_it_refuses_is_passed_on_and_cut() {
    let refused = render("{{ raise_exception('no ' ~ messages[0].role) }}").unwrap_err();
    assert_eq!(refused.to_string(), "the chat template refuses the messages: no user");
    let Err(ChatError::Raised { message }) = render("{{ raise_exception('é' * 100000) }}") else {
        panic!("it refuses");
    };
    assert_eq!(message.chars().count(), MAX_MESSAGE_CHARS);
    let inside = "{% macro f() %}{{ raise_exception('deep') }}{% endmacro %}{% for x in [1] %}{{ f() ~ '' }}{% endfor %}";
    assert!(matches!(render(inside), Err(ChatError::Raised { message }) if message == "deep"));
}

#[test]
fn errors_name_the_line() {
    let error = render("a\n{% set x = 1 ~ 2 %}\n{{ none.x.y }}").unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("chat template:3"), "{cause}");
    let error = render("a\n\n{% if %}").unwrap_err();
    assert!(matches!(error, ChatError::Syntax { .. }));
    assert!(std::error::Error::source(&error).unwrap().to_string().contains(":3"));
}

#[test]
fn lengths_are_bounded() {
    let source = "a".repeat(MAX_SOURCE);
    assert_eq!(render(&source).unwrap().len(), MAX_SOURCE);
    assert!(matches!(render(&(source + "a")), Err(ChatError::TooLong { .. })));
    let loops = MAX_TEXT / 1024;
    let text = |count| format!("{{% for i in range({count}) %}}{}{{% endfor %}}", "b".repeat(1024));
    assert_eq!(render(&text(loops)).unwrap().len(), MAX_TEXT);
    assert!(matches!(render(&text(loops + 1)), Err(ChatError::TooMuchText { .. })));
}

#[test]
fn a_template_cannot_reach_files_or_change_its_messages() {
    for source in [
        "{% include '/etc/passwd' %}",
        "{% include 'chat template' %}",
        "{% import 'Cargo.toml' as x %}",
        "{% extends 'x' %}",
        "{{ messages.append(1) }}",
        "{% set messages[0].role = 'x' %}",
        "{% set messages.x = 1 %}",
        "{{ messages.__class__.__mro__ }}",
        "{{ debug() }}",
    ] {
        assert!(render(source).is_err(), "{source}");
    }
}

/// Pieces of templates, to be put together at random.
const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "{%-",
    "-%}",
    "{{-",
    "-}}",
    " ",
    "\n",
    "for",
    "in",
    "if",
    "else",
    "endif",
    "endfor",
    "set",
    "endset",
    "macro",
    "endmacro",
    "generation",
    "endgeneration",
    "raw",
    "endraw",
    "x",
    "messages",
    "ns.x",
    "=",
    "~",
    "+",
    "-",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "'a'",
    "\"",
    "'",
    "1",
    "1.5e-3",
    ",",
    ":",
    "|",
    "upper",
    "is",
    "not",
    "defined",
    ".",
    "==",
    "<",
    "é",
    "🙂",
    "\\",
    "\u{0}",
    "loop",
    "tojson",
    "namespace()",
    "break",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_pieces_end_in_a_text_or_an_error(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..25)) {
        let _ = render(&pieces.concat());
    }

    #[test]
    fn any_statement_ends_in_a_text_or_an_error(
        open in prop::sample::select(&["{{ ", "{% set x = ", "{% set ns.x = ", "{% if ", "{% for x in "][..]),
        pieces in prop::collection::vec(prop::sample::select(&PIECES[22..]), 0..12),
    ) {
        let close = if open == "{{ " { " }}" } else { " %}" };
        let _ = render(&format!("{{% set ns = namespace() %}}{open}{}{close}", pieces.join(" ")));
    }

    #[test]
    fn any_text_outside_tags_stays_as_it_is(text in "[a-zA-Z0-9 .,~=é🙂|'\"\n-]{0,80}") {
        let expected = text.strip_suffix('\n').unwrap_or(&text);
        prop_assert_eq!(render(&text).unwrap(), expected);
    }
}
