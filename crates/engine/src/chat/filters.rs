//! Filters and tests of Jinja that minijinja has otherwise, or not.
//!
//! All that write a value as text pay for it first (see `printed`). Filters that Jinja does not have are
//! taken away, so that a template that uses them fails here as there.

#![expect(clippy::needless_pass_by_value, reason = "minijinja hands arguments over by value")]

use minijinja::value::{Kwargs, Rest, ValueKind, ValueOrKwargs, from_args};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, Value};

use super::arguments;
use super::concatenation;
use super::fuel::pay;
use super::methods;
use super::printed::{is_container, text as to_text};
use super::stored;
use super::text;

/// minijinja's own `format`, under a name that no template can write.
const OWN_FORMAT: &str = "own format";

/// Adds them.
pub(super) fn add(environment: &mut Environment<'_>) {
    environment.set_formatter(print);
    add_texts(environment);
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.add_filter("int", int);
    environment.add_filter("float", float);
    environment.add_filter("join", join);
    environment.add_filter(OWN_FORMAT, minijinja::filters::format);
    environment.add_filter("format", format);
    environment.add_function(concatenation::FUNCTION, concatenated);
    environment.add_function(stored::FUNCTION, stored::stored);
    for name in ["attr", "bool", "chain", "lines", "pprint", "split", "zip"] {
        environment.remove_filter(name);
    }
    environment.remove_global("debug");
    environment.add_test("sequence", is_sequence);
    environment.add_test("iterable", is_iterable);
    environment.add_test("callable", |value: &Value| value.kind() == ValueKind::Plain);
}

/// A filter from text to text.
type OfText = fn(&str) -> String;

fn add_texts(environment: &mut Environment<'_>) {
    let filters: [(&str, OfText); 8] = [
        ("string", str::to_owned),
        ("safe", str::to_owned),
        ("upper", str::to_uppercase),
        ("lower", str::to_lowercase),
        ("capitalize", text::capitalize),
        ("title", text::words_title),
        ("escape", text::html_escape),
        ("e", text::html_escape),
    ];
    for (name, filter) in filters {
        environment.add_filter(name, move |state: &State<'_, '_>, value: &Value| {
            Ok::<_, Error>(filter(&to_text(state, value)?))
        });
    }
    environment.add_filter("wordcount", |state: &State<'_, '_>, value: &Value| {
        Ok::<_, Error>(text::word_count(&to_text(state, value)?))
    });
    environment.add_filter("trim", |state: &State<'_, '_>, value: &Value, chars: Option<&str>| {
        Ok::<_, Error>(text::strip(&to_text(state, value)?, chars, true, true).to_owned())
    });
    environment.add_filter("replace", replace);
    environment.add_filter("indent", indent);
}

/// Prints a value.
fn print(output: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if !matches!(state.auto_escape(), AutoEscape::None) {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            "chats are not escaped, so there is no autoescape",
        ));
    }
    match value.as_str() {
        Some(string) => output.write_str(string),
        None => output.write_str(&to_text(state, value)?),
    }
    .map_err(Error::from)
}

/// What `~` makes of its operands.
fn concatenated(state: &State<'_, '_>, operands: Rest<Value>) -> Result<String, Error> {
    let mut text = String::new();
    for operand in operands.iter() {
        match operand.as_str() {
            Some(string) => {
                pay(state, string.len())?;
                text.push_str(string);
            }
            None => text.push_str(&to_text(state, operand)?),
        }
    }
    Ok(text)
}

/// `join`, with the attribute of each item if one is named.
fn join(
    state: &State<'_, '_>,
    value: &Value,
    separator: Option<Value>,
    attribute: Option<Value>,
    named: Kwargs,
) -> Result<String, Error> {
    let separator = match arguments::optional(separator, &named, "d")? {
        Some(separator) => to_text(state, &separator)?,
        None => String::new(),
    };
    let attribute = arguments::optional(attribute, &named, "attribute")?;
    named.assert_all_used()?;
    let mut text = String::new();
    for (index, item) in value.try_iter()?.checked().enumerate() {
        let item = match &attribute {
            Some(attribute) => item?.get_item(attribute)?,
            None => item?,
        };
        if index > 0 {
            pay(state, separator.len())?;
            text.push_str(&separator);
        }
        // One unit an item, and what its text costs.
        state.consume_fuel(1)?;
        text.push_str(&to_text(state, &item)?);
    }
    Ok(text)
}

/// `replace(old, new, count)`.
fn replace(state: &State<'_, '_>, value: &Value, args: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let args: Vec<Value> = args.iter().map(|argument| (**argument).clone()).collect();
    let (old, new, count, named): (&Value, &Value, Option<Value>, Kwargs) = from_args(&args)?;
    let count = arguments::integer(count, &named, "count")?;
    named.assert_all_used()?;
    let (value, old, new) = (to_text(state, value)?, to_text(state, old)?, to_text(state, new)?);
    methods::replaced(state, &value, [&old, &new], count)
}

/// `indent` by a number of spaces or a text; the first line and blank lines only if requested.
fn indent(
    state: &State<'_, '_>,
    value: &Value,
    width: Option<Value>,
    first: Option<Value>,
    named: Kwargs,
) -> Result<String, Error> {
    let indent = match arguments::optional(width, &named, "width")? {
        None => "    ".to_owned(),
        Some(width) => match width.as_str() {
            Some(text) => text.to_owned(),
            None => methods::spaces(state, &width)?,
        },
    };
    let first = arguments::flag(first, &named, "first")?;
    let blank = arguments::flag(None, &named, "blank")?;
    named.assert_all_used()?;
    let value = to_text(state, value)?;
    let lines = value.matches('\n').count() + 1;
    pay(state, lines.saturating_mul(indent.len()))?;
    Ok(text::indent(&value, &indent, first, blank))
}

/// `format`, by minijinja; what holds other values is written as text first.
fn format(state: &mut State<'_, '_>, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let mut written = Vec::with_capacity(args.len());
    for argument in args.iter() {
        let value: &Value = argument;
        let plain = value.is_kwargs() || !is_container(value);
        written.push(if plain { value.clone() } else { Value::from(to_text(state, value)?) });
    }
    if let Some(template) = written.first().and_then(Value::as_str) {
        methods::pay_for_widths(state, template)?;
    }
    state.apply_filter(OWN_FORMAT, &written)
}

/// `default`, whose arguments Jinja also takes by name.
fn default(
    value: &Value,
    other: Option<Value>,
    boolean: Option<Value>,
    named: Kwargs,
) -> Result<Value, Error> {
    let other = match other {
        Some(other) => other,
        None => named.get::<Option<Value>>("default_value")?.unwrap_or_else(|| Value::from("")),
    };
    let boolean = arguments::flag(boolean, &named, "boolean")?;
    named.assert_all_used()?;
    let wanted = value.is_undefined() || (boolean && !value.is_true());
    Ok(if wanted { other } else { value.clone() })
}

/// `int`: what cannot be read is the default, 0.
fn int(value: &Value, default: Option<Value>) -> Result<Value, Error> {
    let read = match value.kind() {
        ValueKind::Number if value.is_integer() => return Ok(value.clone()),
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        ValueKind::Bool => return Ok(Value::from(i64::from(value.is_true()))),
        ValueKind::Undefined => {
            return Err(Error::new(ErrorKind::UndefinedError, "nothing to read a number from"));
        }
        ValueKind::String => {
            let digits = value.as_str().unwrap_or_default().trim();
            if let Ok(number) = digits.parse::<i64>() {
                return Ok(Value::from(number));
            }
            digits.parse::<f64>().ok()
        }
        _ => None,
    };
    Ok(match read {
        // Beyond this a double is no exact integer any more.
        #[expect(clippy::cast_possible_truncation, reason = "in the range of i64")]
        Some(number) if number.abs() < 9e15 => Value::from(number as i64),
        _ => default.unwrap_or_else(|| Value::from(0)),
    })
}

/// `float`: what cannot be read is the default, 0.0.
fn float(value: &Value, default: Option<Value>) -> Value {
    let read = match value.kind() {
        ValueKind::String => value.as_str().and_then(|digits| digits.trim().parse::<f64>().ok()),
        ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        _ => f64::try_from(value.clone()).ok(),
    };
    read.map_or_else(|| default.unwrap_or_else(|| Value::from(0.0)), Value::from)
}

/// What has a length and items by index or key; texts have.
fn is_sequence(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::String | ValueKind::Undefined)
}

/// What can be gone through. None cannot.
fn is_iterable(value: &Value) -> bool {
    is_sequence(value) || value.kind() == ValueKind::Iterable
}
