//! Methods of Python's strings, lists and dicts.
//!
//! What differs from `minijinja-contrib`'s, or is not there, stands here; the rest is left to it. A
//! method that makes more data than it was given pays for it in fuel before it does.

use minijinja::value::{Kwargs, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat;

use super::arguments;
use super::fuel::pay;
use super::printed;
use super::text;

/// Calls `value.method(args)`.
pub(super) fn call(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    let known = match value.kind() {
        ValueKind::String if method == "format" => Some(format(state, value, args)?),
        ValueKind::String => string(state, value.as_str().unwrap_or_default(), method, args)?,
        ValueKind::Map => map(value, method, args)?,
        ValueKind::Seq => list(value, method, args)?,
        _ => None,
    };
    match known {
        Some(result) => Ok(result),
        None => pycompat::unknown_method_callback(state, value, method, args),
    }
}

/// `str.format`, by minijinja; what holds other values is written as text first.
fn format(state: &mut State<'_, '_>, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let mut written = Vec::with_capacity(args.len());
    for argument in args {
        let plain = argument.is_kwargs() || !printed::is_container(argument);
        written.push(if plain { argument.clone() } else { Value::from(printed::text(state, argument)?) });
    }
    pay_for_widths(state, value.as_str().unwrap_or_default())?;
    pycompat::unknown_method_callback(state, value, "format", &written)
}

/// `None`: not one of ours.
fn string(state: &State<'_, '_>, value: &str, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(match method {
        "strip" | "lstrip" | "rstrip" => {
            let (chars,): (Option<&str>,) = from_args(args)?;
            Value::from(text::strip(value, chars, method != "rstrip", method != "lstrip"))
        }
        "split" | "rsplit" => {
            let (separator, max) = split_arguments(args)?;
            let pieces = text::split(value, separator.as_deref(), max, method == "rsplit")
                .ok_or_else(|| invalid("empty separator"))?;
            pay(state, pieces.len())?;
            pieces.into_iter().map(Value::from).collect()
        }
        "splitlines" => {
            let (keep,): (Option<bool>,) = from_args(args)?;
            text::lines(value, keep.unwrap_or(false)).into_iter().map(Value::from).collect()
        }
        "partition" | "rpartition" => {
            let (separator,): (&str,) = from_args(args)?;
            let parts = text::partition(value, separator, method == "rpartition")
                .ok_or_else(|| invalid("empty separator"))?;
            Value::from(minijinja::value::Tuple::from(parts.map(Value::from)))
        }
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(args)?;
            Value::from(value.strip_prefix(prefix).unwrap_or(value))
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(args)?;
            Value::from(value.strip_suffix(suffix).unwrap_or(value))
        }
        "replace" => {
            let (old, new, count, named): (&str, &str, Option<Value>, Kwargs) = from_args(args)?;
            let count = arguments::integer(count, &named, "count")?;
            named.assert_all_used()?;
            Value::from(replaced(state, value, [old, new], count)?)
        }
        "join" => {
            let (items,): (&Value,) = from_args(args)?;
            Value::from(joined(state, value, items)?)
        }
        "title" => no_arguments(args, text::title(value))?,
        "capitalize" => no_arguments(args, text::capitalize(value))?,
        "swapcase" => no_arguments(args, text::swap_case(value))?,
        "casefold" => no_arguments(args, value.to_lowercase())?,
        "isspace" => {
            let () = from_args(args)?;
            Value::from(!value.is_empty() && value.chars().all(text::is_space))
        }
        "index" | "rindex" => {
            let (what,): (&str,) = from_args(args)?;
            let at = if method == "index" { value.find(what) } else { value.rfind(what) };
            let at = at.ok_or_else(|| invalid("substring not found"))?;
            Value::from(value[..at].chars().count())
        }
        "ljust" | "rjust" | "center" | "zfill" => return padded(state, value, method, args).map(Some),
        _ => return Ok(None),
    }))
}

fn padded(state: &State<'_, '_>, value: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    let (width, fill): (usize, Option<char>) = from_args(args)?;
    pay(state, width)?;
    Ok(Value::from(match method {
        "ljust" => text::left(value, width, fill.unwrap_or(' ')),
        "rjust" => text::right(value, width, fill.unwrap_or(' ')),
        "center" => text::center(value, width, fill.unwrap_or(' ')),
        _ => text::zeros(value, width),
    }))
}

/// Separator and maximum number of splits, by position or by name.
fn split_arguments(args: &[Value]) -> Result<(Option<String>, Option<usize>), Error> {
    let (separator, max, named): (Option<Value>, Option<Value>, Kwargs) = from_args(args)?;
    let separator = match arguments::optional(separator, &named, "sep")? {
        None => None,
        Some(value) => {
            let text = value.as_str().ok_or_else(|| invalid("the separator must be a string or none"))?;
            Some(text.to_owned())
        }
    };
    let max = arguments::integer(max, &named, "maxsplit")?;
    named.assert_all_used()?;
    Ok((separator, max.and_then(|max| usize::try_from(max).ok())))
}

/// `None`: not one of ours.
fn map(value: &Value, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(match method {
        "copy" => {
            let () = from_args(args)?;
            Some(value.clone())
        }
        _ => None,
    })
}

/// `None`: not one of ours.
fn list(value: &Value, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    match method {
        "copy" => {
            let () = from_args(args)?;
            Ok(Some(value.clone()))
        }
        "index" => {
            let (what,): (Value,) = from_args(args)?;
            for (index, item) in value.try_iter()?.checked().enumerate() {
                if item? == what {
                    return Ok(Some(Value::from(index)));
                }
            }
            Err(invalid("the item is not in the list"))
        }
        "append" | "extend" | "insert" | "remove" | "pop" | "clear" | "sort" | "reverse" => {
            Err(invalid("a template may not change a list"))
        }
        _ => Ok(None),
    }
}

fn no_arguments(args: &[Value], result: String) -> Result<Value, Error> {
    let () = from_args(args)?;
    Ok(Value::from(result))
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// `str.replace`. A negative count is all.
pub(super) fn replaced(
    state: &State<'_, '_>,
    value: &str,
    [old, new]: [&str; 2],
    count: Option<i64>,
) -> Result<String, Error> {
    let max = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
    let matches = value.matches(old).count().min(max);
    // Each match costs time, too.
    pay(state, matches.saturating_mul(new.len().max(BYTES_PER_MATCH)))?;
    Ok(value.replacen(old, new, max))
}

/// `str.join`, of texts only.
fn joined(state: &State<'_, '_>, separator: &str, items: &Value) -> Result<String, Error> {
    let mut text = String::new();
    for (index, item) in items.try_iter()?.checked().enumerate() {
        let item = item?;
        let item = item.as_str().ok_or_else(|| invalid("only texts can be joined"))?;
        state.consume_fuel(1)?;
        pay(state, separator.len() + item.len())?;
        if index > 0 {
            text.push_str(separator);
        }
        text.push_str(item);
    }
    Ok(text)
}

/// So many spaces, paid for.
pub(super) fn spaces(state: &State<'_, '_>, width: &Value) -> Result<String, Error> {
    let width = usize::try_from(i64::try_from(width.clone())?).unwrap_or(0);
    pay(state, width)?;
    Ok(" ".repeat(width))
}

/// Fuel for the widths and precisions of a format, which are bytes to be written.
pub(super) fn pay_for_widths(state: &State<'_, '_>, format: &str) -> Result<(), Error> {
    let widths = format.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let bytes = widths.fold(0_usize, |sum, digits| sum.saturating_add(digits.parse().unwrap_or(usize::MAX)));
    pay(state, bytes)
}

/// What a match of `replace` costs at least, in bytes.
const BYTES_PER_MATCH: usize = 16;
