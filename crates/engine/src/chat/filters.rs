//! Filters and tests of Jinja that minijinja has otherwise, or not.

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, Output, State, Value};

use super::number::float;
use super::text;

/// Adds them.
pub(super) fn add(environment: &mut Environment<'_>) {
    environment.set_formatter(format);
    environment.add_filter("trim", trim);
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.add_filter("int", int);
    environment.add_filter("float", float_of);
    environment.add_filter("wordcount", |value: &str| {
        value.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).count()
    });
    // Jinja's looks at Python attributes, minijinja's at keys.
    environment.remove_filter("attr");
    environment.add_test("sequence", is_sequence);
    environment.add_test("iterable", is_iterable);
    environment.add_test("callable", |value: &Value| value.kind() == ValueKind::Plain);
}

/// Prints a value. Floats as Python's `repr`; the rest minijinja prints as Python does.
fn format(output: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.kind() == ValueKind::Number && !value.is_integer() {
        let number = f64::try_from(value.clone())?;
        return output.write_str(&float(number, ("nan", "inf"))).map_err(Error::from);
    }
    minijinja::escape_formatter(output, state, value)
}

/// `trim`, with Python's white space.
fn trim(value: &Value, chars: Option<&str>) -> String {
    text::strip(&value.to_string(), chars, true, true).to_owned()
}

/// `default`, whose arguments Jinja also takes by name.
#[expect(clippy::needless_pass_by_value, reason = "minijinja hands arguments over by value")]
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
    let boolean = match boolean {
        Some(boolean) => Some(boolean),
        None => named.get::<Option<Value>>("boolean")?,
    };
    named.assert_all_used()?;
    let wanted = value.is_undefined() || (boolean.is_some_and(|flag| flag.is_true()) && !value.is_true());
    Ok(if wanted { other } else { value.clone() })
}

/// `int`: what cannot be read is the default, 0.
fn int(value: &Value, default: Option<Value>) -> Value {
    let read = match value.kind() {
        ValueKind::Number if value.is_integer() => return value.clone(),
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        ValueKind::Bool => return Value::from(i64::from(value.is_true())),
        ValueKind::String => {
            let digits = value.as_str().unwrap_or_default().trim();
            if let Ok(number) = digits.parse::<i64>() {
                return Value::from(number);
            }
            digits.parse::<f64>().ok()
        }
        _ => None,
    };
    match read {
        // Beyond this a double is no exact integer any more.
        #[expect(clippy::cast_possible_truncation, reason = "in the range of i64")]
        Some(number) if number.abs() < 9e15 => Value::from(number as i64),
        _ => default.unwrap_or_else(|| Value::from(0)),
    }
}

/// `float`: what cannot be read is the default, 0.0.
fn float_of(value: &Value, default: Option<Value>) -> Value {
    let read = match value.kind() {
        ValueKind::String => value.as_str().and_then(|digits| digits.trim().parse::<f64>().ok()),
        ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        _ => f64::try_from(value.clone()).ok(),
    };
    read.map_or_else(|| default.unwrap_or_else(|| Value::from(0.0)), Value::from)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What has a length and items by place or key; texts have.
fn is_sequence(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::String | ValueKind::Undefined)
}

/// What can be gone through. None cannot.
fn is_iterable(value: &Value) -> bool {
    matches!(
        value.kind(),
        ValueKind::Seq | ValueKind::Map | ValueKind::String | ValueKind::Undefined | ValueKind::Iterable
    )
}
