//! Untrusted texts in HTML, SVG, Markdown and file names, and numbers for people.

/// Characters of a name that a figure shows; the whole name stands in its title and table.
const MAX_SHOWN: usize = 34;
/// Characters of a file's name without its ending.
const MAX_FILE: usize = 120;

/// What stands in for a number that there is none of.
pub(crate) const NONE: &str = "–";

/// Without what XML, and a reader, cannot take: control characters become U+FFFD, and so do marks that turn the
/// direction of the text around them.
pub(crate) fn clean(text: &str) -> String {
    let harmless = |c: char| {
        let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let noncharacter = matches!(c, '\u{fffe}' | '\u{ffff}');
        if (c.is_control() && c != '\n') || turns || noncharacter { '\u{fffd}' } else { c }
    };
    text.chars().map(harmless).collect()
}

/// For the text and the quoted attributes of HTML and XML.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A name in a table of the page: escaped, with places where a long one may break.
pub(crate) fn breakable(text: &str) -> String {
    let mut html = String::new();
    for part in text.split_inclusive(['_', '-', '/']) {
        html.push_str(&escape(part));
        html.push_str("<wbr>");
    }
    html.strip_suffix("<wbr>").unwrap_or(&html).to_owned()
}

/// A number of things.
pub(crate) fn plural(number: usize, thing: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {thing}{s}", count(number as u64))
}

/// For a line of Markdown: whatever could be markup, HTML or the border of a cell is escaped.
pub(crate) fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '\n' => escaped.push(' '),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '[' | ']' | '|' | '#' | '!' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// A text in double quotes, for YAML and JSON.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in clean(text).chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            // Line breaks of YAML 1.1.
            '\u{85}' | '\u{2028}' | '\u{2029}' => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A name as short as a figure needs it.
pub(crate) fn short(name: &str) -> String {
    let name = clean(name).replace('\n', " ");
    if name.chars().count() <= MAX_SHOWN {
        return name;
    }
    let head: String = name.chars().take(MAX_SHOWN - 1).collect();
    format!("{head}…")
}

/// A part of a file's name, as the thresholds files are named: what is no letter, digit, dot, dash or underscore
/// becomes an underscore.
pub(crate) fn file_part(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    name.chars().map(safe).take(MAX_FILE).collect()
}

/// A share with three digits.
pub(crate) fn share(value: Option<f64>) -> String {
    match value {
        Some(value) if value.is_finite() => {
            let text = format!("{value:.3}");
            if text == "-0.000" { "0.000".to_owned() } else { text }
        }
        _ => NONE.to_owned(),
    }
}

/// A probability that may be tiny.
pub(crate) fn probability(value: Option<f64>) -> String {
    match value {
        Some(value) if value > 0.0 && value < 0.0005 => format!("{value:.1e}"),
        value => share(value),
    }
}

/// A share with its interval.
pub(crate) fn interval(value: Option<f64>, low: Option<f64>, high: Option<f64>) -> String {
    match (value, low, high) {
        (Some(of), Some(low), Some(high)) if of.is_finite() => {
            format!("{} [{}, {}]", share(value), share(Some(low)), share(Some(high)))
        }
        _ => share(value),
    }
}

/// A count with thin separators.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in percent.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return NONE.to_owned();
    }
    format!("{:.1} %", 100.0 * part as f64 / whole as f64)
}

/// US dollars. Small amounts have more digits: a model on a device costs thousandths of a cent.
pub(crate) fn dollars(value: Option<f64>) -> String {
    let written = |value: f64| if value.abs() < 0.1 { format!("{value:.6}") } else { format!("{value:.4}") };
    value.filter(|value| value.is_finite()).map_or_else(|| NONE.to_owned(), written)
}

/// US dollars with their interval.
pub(crate) fn dollars_within(value: Option<f64>, low: Option<f64>, high: Option<f64>) -> String {
    match (value, low, high) {
        (Some(of), Some(_), Some(_)) if of.is_finite() => {
            format!("{} [{}, {}]", dollars(value), dollars(low), dollars(high))
        }
        _ => dollars(value),
    }
}

/// A word of a command: quoted, where a shell would read more into it than its letters.
pub(crate) fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./=:+,-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", clean(text).replace('\n', " ").replace('\'', "'\\''"))
}

/// `SLM → LLM`, or `SLM alone`.
pub(crate) fn pair_name(slm: &str, llm: Option<&str>) -> String {
    llm.map_or_else(|| format!("{slm} alone"), |llm| format!("{slm} → {llm}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_texts_lose_their_teeth() {
        let hostile = "<img src=x onerror=\"alert('1')\">&\u{0}\u{202e}|`";
        let html = escape(hostile);
        assert_eq!(html, "&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;\u{fffd}\u{fffd}|`");
        let markdown = markdown("a|b\n# <b>`c`");
        assert_eq!(markdown, "a\\|b \\# &lt;b&gt;\\`c\\`");
        assert_eq!(quoted("a\"b\\c\nd"), "\"a\\\"b\\\\c\\nd\"");
        assert_eq!(file_part("../a b/é"), ".._a_b__");
        assert_eq!(short(&"x".repeat(100)).chars().count(), MAX_SHOWN);
        assert_eq!((shell_word("a_b-1.json"), shell_word("")), ("a_b-1.json".to_owned(), "''".to_owned()));
        assert_eq!(shell_word("$(rm x)'\n;`y`"), "'$(rm x)'\\'' ;`y`'");
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!((count(7), count(1_234_567)), ("7".to_owned(), "1,234,567".to_owned()));
        assert_eq!((share(Some(-0.0001)), share(Some(f64::NAN))), ("0.000".to_owned(), NONE.to_owned()));
        assert_eq!(interval(Some(0.5), Some(0.25), Some(0.75)), "0.500 [0.250, 0.750]");
        assert_eq!(probability(Some(1.25e-7)), "1.2e-7");
        assert_eq!(
            (probability(Some(0.25)), probability(Some(0.0))),
            ("0.250".to_owned(), "0.000".to_owned())
        );
        assert_eq!((percent(1, 8), percent(0, 0)), ("12.5 %".to_owned(), NONE.to_owned()));
        assert_eq!(
            (dollars(Some(0.001_417)), dollars(Some(2.5))),
            ("0.001417".to_owned(), "2.5000".to_owned())
        );
        assert_eq!(dollars_within(Some(2.5), Some(2.0), Some(3.0)), "2.5000 [2.0000, 3.0000]");
    }
}
