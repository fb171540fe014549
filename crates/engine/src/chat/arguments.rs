//! Arguments by position or by name.

use minijinja::value::Kwargs;
use minijinja::{Error, Value};

/// The argument by position, else by name; `none` counts as absent.
pub(super) fn optional(
    at_place: Option<Value>,
    named: &Kwargs,
    name: &'static str,
) -> Result<Option<Value>, Error> {
    let value = match at_place {
        Some(value) => Some(value),
        None => named.get::<Option<Value>>(name)?,
    };
    Ok(value.filter(|value| !value.is_none()))
}

/// The same for a whole number.
pub(super) fn integer(
    at_place: Option<Value>,
    named: &Kwargs,
    name: &'static str,
) -> Result<Option<i64>, Error> {
    optional(at_place, named, name)?.map(i64::try_from).transpose()
}

/// The same for what counts as true or not.
pub(super) fn flag(at_place: Option<Value>, named: &Kwargs, name: &'static str) -> Result<bool, Error> {
    Ok(optional(at_place, named, name)?.is_some_and(|value| value.is_true()))
}
