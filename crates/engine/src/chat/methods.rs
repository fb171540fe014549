//! Methods of Python's strings, lists and dicts.
//!
//! What differs from `minijinja-contrib`'s, or is not there, stands here; the rest is left to it. A
//! method that makes more data than it was given pays for it in fuel before it does.

use minijinja::value::{Kwargs, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat;

use super::text;

/// Calls `value.method(args)`.
pub(super) fn call(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    let known = match value.kind() {
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

/// `None`: not one of ours.
fn string(state: &State<'_, '_>, value: &str, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(match method {
        "strip" | "lstrip" | "rstrip" => {
            let (chars,): (Option<&str>,) = from_args(args)?;
            Value::from(text::strip(value, chars, method != "rstrip", method != "lstrip"))
        }
        "split" | "rsplit" => {
            let (separator, most) = split_arguments(args)?;
            let pieces = text::split(value, separator.as_deref(), most, method == "rsplit")
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

/// Separator and the most splits, by place or by name.
fn split_arguments(args: &[Value]) -> Result<(Option<String>, Option<usize>), Error> {
    let (separator, most, named): (Option<Value>, Option<i64>, Kwargs) = from_args(args)?;
    let separator = match separator {
        Some(value) => Some(value),
        None => named.get::<Option<Value>>("sep")?,
    };
    let most = match most {
        Some(most) => Some(most),
        None => named.get::<Option<i64>>("maxsplit")?,
    };
    named.assert_all_used()?;
    let separator = match separator {
        Some(value) if !value.is_none() => {
            Some(value.as_str().ok_or_else(|| invalid("the separator must be a string or none"))?.to_owned())
        }
        _ => None,
    };
    Ok((separator, most.and_then(|most| usize::try_from(most).ok())))
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

/// Fuel for this many items or bytes, before they exist.
pub(super) fn pay(state: &State<'_, '_>, count: usize) -> Result<(), Error> {
    state.consume_fuel(count as u64 / BYTES_PER_FUEL)
}

/// What minijinja gives for one unit of fuel.
const BYTES_PER_FUEL: u64 = 64;
