//! JSON as Python's `json.dumps` writes it.
//!
//! Templates print tools and arguments with `tojson`, and models were trained on what Python made of it:
//! separators with a space, non-ASCII characters as they are, floats by Python's `repr`.

use std::fmt::Write as _;

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, Value};

use super::fuel::pay;
use super::number::float;

/// The deepest nesting written. Python stops at about a thousand.
const MAX_DEPTH: usize = 500;

/// The arguments of `json.dumps` that templates may set.
#[derive(Debug, Clone)]
pub(super) struct JsonStyle {
    /// Whether characters outside ASCII are escaped.
    pub(super) ensure_ascii: bool,
    /// What one level is indented by; one line without.
    pub(super) indent: Option<String>,
    /// Between items.
    pub(super) item_separator: String,
    /// Between key and value.
    pub(super) key_separator: String,
    /// Whether keys are sorted.
    pub(super) sort_keys: bool,
}

/// Writes a value.
///
/// # Errors
/// For values that JSON does not have, for keys that Python would refuse, for nesting beyond
/// [`MAX_DEPTH`], and where the fuel runs out: each value costs one unit, and text as everywhere.
pub(super) fn dumps(state: &State<'_, '_>, value: &Value, style: &JsonStyle) -> Result<String, Error> {
    let mut writer = Writer { text: String::new(), state, style, depth: 0 };
    writer.value(value)?;
    Ok(writer.text)
}

struct Writer<'a> {
    text: String,
    state: &'a State<'a, 'a>,
    style: &'a JsonStyle,
    depth: usize,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value) -> Result<(), Error> {
        let indented = self.style.indent.as_ref().map_or(0, |indent| indent.len() * self.depth);
        self.state.consume_fuel(1)?;
        pay(self.state, indented + value.as_str().map_or(0, str::len))?;
        match value.kind() {
            ValueKind::None => self.text.push_str("null"),
            ValueKind::Bool => self.text.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => self.text.push_str(&number(value)),
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            ValueKind::Seq => {
                let items = value.try_iter()?.checked().collect::<Result<Vec<_>, _>>()?;
                self.container('[', ']', items.len(), |writer, index| writer.value(&items[index]))?;
            }
            ValueKind::Map => self.map(value)?,
            kind => {
                let message = format!("{kind} is not JSON serializable");
                return Err(Error::new(ErrorKind::InvalidOperation, message));
            }
        }
        Ok(())
    }

    fn map(&mut self, map: &Value) -> Result<(), Error> {
        let mut entries = Vec::new();
        for key in map.try_iter()?.checked() {
            let key = key?;
            entries.push((key.clone(), map.get_item(&key)?));
        }
        if self.style.sort_keys {
            sort(&mut entries)?;
        }
        self.container('{', '}', entries.len(), |writer, index| {
            let (key, value) = &entries[index];
            writer.string(&key_text(key)?);
            let separator = writer.style.key_separator.as_str();
            writer.text.push_str(separator);
            writer.value(value)
        })
    }

    fn container(
        &mut self,
        open: char,
        close: char,
        length: usize,
        mut item: impl FnMut(&mut Self, usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.text.push(open);
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("the value is nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        for index in 0..length {
            if index > 0 {
                let separator = self.style.item_separator.as_str();
                self.text.push_str(separator);
            }
            self.new_line();
            item(self, index)?;
        }
        self.depth -= 1;
        if length > 0 {
            self.new_line();
        }
        self.text.push(close);
        Ok(())
    }

    fn new_line(&mut self) {
        if let Some(indent) = &self.style.indent {
            self.text.push('\n');
            for _ in 0..self.depth {
                self.text.push_str(indent);
            }
        }
    }

    fn string(&mut self, string: &str) {
        self.text.push('"');
        for c in string.chars() {
            match c {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '\u{8}' => self.text.push_str("\\b"),
                '\u{c}' => self.text.push_str("\\f"),
                c if c < ' ' || (self.style.ensure_ascii && c > '~') => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        // Writing into a string does not fail.
                        let _ = write!(self.text, "\\u{unit:04x}");
                    }
                }
                c => self.text.push(c),
            }
        }
        self.text.push('"');
    }
}

/// An integer, or a float as Python's `repr`.
fn number(value: &Value) -> String {
    if value.is_integer() {
        return value.to_string();
    }
    f64::try_from(value.clone())
        .map_or_else(|_| value.to_string(), |number| float(number, ("NaN", "Infinity")))
}

/// Python's keys become strings.
fn key_text(key: &Value) -> Result<String, Error> {
    match key.kind() {
        ValueKind::String => Ok(key.as_str().unwrap_or_default().to_owned()),
        ValueKind::None => Ok("null".to_owned()),
        ValueKind::Bool => Ok(if key.is_true() { "true" } else { "false" }.to_owned()),
        ValueKind::Number => Ok(number(key)),
        kind => {
            let message = format!("keys must be strings, numbers, booleans or none, not {kind}");
            Err(Error::new(ErrorKind::InvalidOperation, message))
        }
    }
}

/// By key. Like Python, which cannot order a number against a string.
fn sort(entries: &mut [(Value, Value)]) -> Result<(), Error> {
    let strings = entries.iter().filter(|(key, _)| key.kind() == ValueKind::String).count();
    if strings != 0 && strings != entries.len() {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            "keys of different types cannot be sorted".to_owned(),
        ));
    }
    entries.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(())
}
