//! Templates of strangers: whatever they do ends soon, in bounded memory, with a clear error.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, also in what they share")]

use std::time::{Duration, Instant};

use plimsoll_engine::chat::{Chat, ChatError, ChatTemplate, Data, Moment, SpecialTokens};

/// No template takes longer, in a development build on a busy machine.
const MOST_SECONDS: u64 = 20;

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
    let start = Instant::now();
    let result = ChatTemplate::from_source(source, SpecialTokens::default())
        .and_then(|template| template.render(&chat()));
    let took = start.elapsed();
    let shown: String = source.chars().take(100).collect();
    assert!(took < Duration::from_secs(MOST_SECONDS), "{took:?}: {shown}");
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
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x|tojson }}",
        "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
    ];
    let mut surprises = Vec::new();
    for source in sources {
        let result = render(source);
        if !matches!(
            result,
            Err(ChatError::TooMuchWork { .. }
                | ChatError::TooMuchText { .. }
                | ChatError::TooSlow { .. }
                | ChatError::Render { .. })
        ) {
            surprises.push(source);
        }
    }
    assert!(surprises.is_empty(), "{surprises:#?}");
}

#[test]
fn nesting_ends_in_an_error_or_a_text_and_never_in_a_crash() {
    let deep = |open: &str, middle: &str, close: &str, depth: usize| {
        open.repeat(depth) + middle + &close.repeat(depth)
    };
    let sources = [
        format!("{{{{ {} }}}}", deep("(", "1", ")", 10_000)),
        format!("{{{{ {} }}}}", deep("[", "", "]", 10_000)),
        format!("{{{{ {} }}}}", deep("{'a':", "1", "}", 10_000)),
        format!("{{{{ {}1 }}}}", "not ".repeat(10_000)),
        format!("{{{{ {}1 }}}}", "-".repeat(10_000)),
        format!("{{{{ 1{} }}}}", " + 1".repeat(5_000)),
        format!("{{{{ 'a'{} }}}}", " ~ 'b'".repeat(5_000)),
        format!("{{{{ 2{} }}}}", " ** 1".repeat(5_000)),
        format!("{{{{ a{} }}}}", ".a".repeat(5_000)),
        format!("{{{{ a{} }}}}", "|trim".repeat(5_000)),
        format!("{{{{ 1{} }}}}", " if a else 1".repeat(5_000)),
        format!("{{{{ 1{} }}}}", " and 1".repeat(5_000)),
        format!("{{{{ 1{} }}}}", " < 1".repeat(5_000)),
        deep("{% if a %}", "x", "{% endif %}", 5_000),
        deep("{% for a in b %}", "x", "{% endfor %}", 5_000),
        deep("{% with %}", "x", "{% endwith %}", 5_000),
        deep("{% generation %}", "x", "{% endgeneration %}", 5_000),
        format!("{{% if a %}}x{}{{% endif %}}", "{% elif b %}y".repeat(5_000)),
        "{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}done".to_owned(),
        "{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}".to_owned(),
        "{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x|tojson }}".to_owned(),
        "{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = {'a': ns.x} %}{% endfor %}{{ ns.x ~ '' }}".to_owned(),
        "{% set ns = namespace(x=[], y=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% set ns.y = [ns.y] %}{% endfor %}{{ ns.x == ns.y }}{{ ns.x < ns.y }}{{ ns.x in [ns.y] }}".to_owned(),
        "{% set ns = namespace(x='a') %}{% for i in range(9999) %}{% set ns.x = ns.x|list|reverse %}{% endfor %}{{ ns.x }}".to_owned(),
        "{% set ns = namespace(x=[1]) %}{% for i in range(9999) %}{% set ns.x = ns.x|map('string') %}{% endfor %}{{ ns.x|list }}".to_owned(),
        "{% set ns = namespace(x=[1]) %}{% for i in range(9999) %}{% set ns.x = ns.x|chain([1]) %}{% endfor %}{{ ns.x|list|length }}".to_owned(),
    ];
    for source in sources {
        // Either way is well: that it ends is what counts.
        let _ = render(&source);
    }
}
