//! Values as Python's `str` and `repr` write them.
//!
//! Every value visited and every byte written is paid for in fuel, before it is there: a list that holds
//! the same list twice, forty levels deep, would fill the memory.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, Value};

use super::fuel::pay;
use super::number::float;

/// The deepest nesting written. Python stops at about a thousand.
const MAX_DEPTH: usize = 500;

/// Python's `str(value)`; nothing for what is undefined.
pub(super) fn text(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    let mut printer = Printer { state, text: String::new(), depth: 0 };
    match value.as_str() {
        Some(string) => {
            pay(state, string.len())?;
            printer.text.push_str(string);
        }
        None => printer.value(value)?,
    }
    Ok(printer.text)
}

/// Whether a value holds others, so that its text may be long.
pub(super) fn is_container(value: &Value) -> bool {
    value.as_object().is_some()
}

struct Printer<'a> {
    state: &'a State<'a, 'a>,
    text: String,
    depth: usize,
}

impl Printer<'_> {
    /// As `repr`.
    fn value(&mut self, value: &Value) -> Result<(), Error> {
        self.state.consume_fuel(1)?;
        match value.kind() {
            ValueKind::String => self.string(value.as_str().unwrap_or_default())?,
            ValueKind::Number if !value.is_integer() => {
                self.text.push_str(&float(f64::try_from(value.clone())?, ("nan", "inf")));
            }
            ValueKind::Undefined if self.depth > 0 => self.text.push_str("Undefined"),
            ValueKind::Seq | ValueKind::Iterable => self.sequence(value)?,
            ValueKind::Map => self.map(value)?,
            // A function, a macro, a loop.
            ValueKind::Plain => self.text.push_str("<object>"),
            _ => self.text.push_str(&value.to_string()),
        }
        Ok(())
    }

    fn sequence(&mut self, value: &Value) -> Result<(), Error> {
        let (open, close) = if value.is_tuple() { ('(', ')') } else { ('[', ']') };
        self.open(open)?;
        let mut count = 0;
        for item in value.try_iter()?.checked() {
            self.separate(count);
            self.value(&item?)?;
            count += 1;
        }
        if count == 1 && value.is_tuple() {
            self.text.push(',');
        }
        self.close(close);
        Ok(())
    }

    fn map(&mut self, value: &Value) -> Result<(), Error> {
        self.open('{')?;
        for (count, key) in value.try_iter()?.checked().enumerate() {
            let key = key?;
            self.separate(count);
            self.value(&key)?;
            self.text.push_str(": ");
            self.value(&value.get_item(&key)?)?;
        }
        self.close('}');
        Ok(())
    }

    fn open(&mut self, bracket: char) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("the value is nested deeper than {MAX_DEPTH} levels");
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
        self.text.push(bracket);
        Ok(())
    }

    fn close(&mut self, bracket: char) {
        self.depth -= 1;
        self.text.push(bracket);
    }

    fn separate(&mut self, count: usize) {
        if count > 0 {
            self.text.push_str(", ");
        }
    }

    /// In the quotes that need fewer escapes.
    fn string(&mut self, string: &str) -> Result<(), Error> {
        // The longest escape has ten characters.
        pay(self.state, string.len().saturating_mul(10))?;
        let quote = if string.contains('\'') && !string.contains('"') { '"' } else { '\'' };
        self.text.push(quote);
        for c in string.chars() {
            match c {
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '\\' => self.text.push_str("\\\\"),
                c if c == quote => self.text.extend(['\\', c]),
                c if is_printable(c) => self.text.push(c),
                c => self.text.push_str(&escape(u32::from(c))),
            }
        }
        self.text.push(quote);
        Ok(())
    }
}

fn escape(code: u32) -> String {
    match code {
        0..=0xff => format!("\\x{code:02x}"),
        0x100..=0xffff => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    }
}

/// As Python's `str.isprintable`: neither control, format, private, unassigned nor a separator, but for
/// the space.
fn is_printable(c: char) -> bool {
    // Rust escapes the same, if a character does not stand first, where it also escapes marks that need
    // another character.
    c == ' ' || matches!(c, '"' | '\'') || !String::from_iter(['a', c]).escape_debug().any(|c| c == '\\')
}
