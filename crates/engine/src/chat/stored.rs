//! What a namespace may hold.
//!
//! Namespaces are the one thing that a template can change, so only they can hold themselves, or grow in
//! a loop into values that are small in memory and endless to walk (`ns.x = [ns.x, ns.x]`). Both would be
//! compared without fuel, the first until the stack ends. So `{% set ns.x = value %}` is written as
//! `{% set ns.x = stored__(value) %}`, and each value is walked, and paid for, as it is stored.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, Value};

use super::fuel::pay;

/// The name of the function.
pub(super) const FUNCTION: &str = "stored__";

/// The deepest nesting of a value that is stored. That of JSON that can be read is less.
const MAX_DEPTH: usize = 200;

/// What a value costs, in bytes.
const BYTES_PER_VALUE: usize = 32;

/// How many values are paid for at once.
const VALUES_PER_PART: usize = 64;

/// The value, if a namespace may hold it. A sum of lists becomes a list: minijinja adds them up only when
/// they are read, the slower the more there are.
///
/// # Errors
/// If it holds a namespace, is nested too deeply, or is more than the fuel pays for.
pub(super) fn stored(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    let mut counted = 0;
    if value.kind() != ValueKind::Iterable {
        walk(state, &value, 0, &mut counted)?;
        return Ok(value);
    }
    let mut items = Vec::new();
    for item in value.try_iter()?.checked() {
        let item = item?;
        count(state, &mut counted)?;
        walk(state, &item, 1, &mut counted)?;
        items.push(item);
    }
    Ok(Value::from(items))
}

/// One more value, paid for in parts, since one is less than a unit.
fn count(state: &State<'_, '_>, counted: &mut usize) -> Result<(), Error> {
    *counted += 1;
    if counted.is_multiple_of(VALUES_PER_PART) {
        pay(state, VALUES_PER_PART * BYTES_PER_VALUE)?;
    }
    Ok(())
}

fn walk(state: &State<'_, '_>, value: &Value, depth: usize, counted: &mut usize) -> Result<(), Error> {
    let refuse = |message: String| Err(Error::new(ErrorKind::InvalidOperation, message));
    let Some(object) = value.as_object() else { return Ok(()) };
    if object.type_name().ends_with("::Namespace") {
        return refuse("a namespace cannot hold a namespace".to_owned());
    }
    if depth == MAX_DEPTH {
        return refuse(format!("a namespace cannot hold a value nested deeper than {MAX_DEPTH} levels"));
    }
    let is_map = value.kind() == ValueKind::Map;
    if !is_map && !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return Ok(());
    }
    for item in value.try_iter()?.checked() {
        let item = item?;
        count(state, counted)?;
        if is_map {
            walk(state, &value.get_item(&item)?, depth + 1, counted)?;
        }
        walk(state, &item, depth + 1, counted)?;
    }
    Ok(())
}
