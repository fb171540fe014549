//! One form for a row, whether it comes from JSON, CSV or Parquet, so that an adapter reads all three.

use std::cell::Cell as Counter;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::limits::ROW_CELLS;

/// A value of a row. Structs keep the order of their fields, which in `TruthfulQA` is the order of the
/// choices.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// True or false.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Cell>),
    /// Named values.
    Struct(Vec<(String, Cell)>),
}

impl Cell {
    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Boolean(_) => "a truth value",
            Self::Integer(_) => "an integer",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Struct(_) => "an object",
        }
    }

    /// The value of a field; the first, if a file has the name twice.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The value at a path of names with dots between, each a field of the one before.
    pub fn at(&self, path: &str) -> Option<&Self> {
        self.get(path).or_else(|| {
            let (first, rest) = path.split_once('.')?;
            self.get(first)?.at(rest)
        })
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The entries, if it is a list.
    pub fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(entries) => Some(entries),
            _ => None,
        }
    }

    /// Names of the fields, if it is a struct.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Struct(fields) => fields.iter().map(|(name, _)| name.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether nothing is there: null, or a text of white space.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.trim().is_empty(),
            _ => false,
        }
    }

    /// A short text of a scalar: a trimmed text, an integer, a number, `true` or `false`.
    pub fn scalar(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.trim().to_owned()),
            Self::Integer(value) => Some(value.to_string()),
            Self::Number(value) => Some(value.to_string()),
            Self::Boolean(value) => Some(value.to_string()),
            Self::Null | Self::List(_) | Self::Struct(_) => None,
        }
    }

    /// One field of each entry, in order: of a list of structs, of a struct of lists (how the hub's
    /// files hold such lists), or the entries themselves if they are scalars.
    pub fn column(&self, name: &str) -> Option<Vec<&Self>> {
        match self {
            Self::List(entries) if entries.iter().all(|entry| matches!(entry, Self::Struct(_))) => {
                entries.iter().map(|entry| entry.get(name)).collect()
            }
            Self::List(entries) => Some(entries.iter().collect()),
            Self::Struct(_) => Some(self.get(name)?.list()?.iter().collect()),
            _ => None,
        }
    }
}

/// Reads one JSON value, counting its cells.
///
/// # Errors
/// Not JSON, more than [`ROW_CELLS`] values, or nested deeper than 128 levels.
pub(crate) fn from_json(text: &str) -> Result<Cell, serde_json::Error> {
    let budget = Counter::new(ROW_CELLS);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let cell = CellSeed(&budget).deserialize(&mut deserializer)?;
    deserializer.end().map(|()| cell)
}

/// Reads a value within what is left of the budget.
#[derive(Clone, Copy)]
struct CellSeed<'a>(&'a Counter<usize>);

impl CellSeed<'_> {
    fn spend<E: serde::de::Error>(self) -> Result<(), E> {
        let left = self.0.get().checked_sub(1);
        self.0.set(left.ok_or_else(|| E::custom(format!("more than {ROW_CELLS} values in one row")))?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for CellSeed<'_> {
    type Value = Cell;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cell, D::Error> {
        self.spend()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellSeed<'_> {
    type Value = Cell;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Cell, E> {
        Ok(Cell::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Cell, E> {
        Ok(Cell::Boolean(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Cell, E> {
        Ok(Cell::Integer(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Cell, E> {
        i64::try_from(value).map_or_else(|_| self.visit_f64(value as f64), |value| Ok(Cell::Integer(value)))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Cell, E> {
        Ok(Cell::Number(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Cell, E> {
        Ok(Cell::Text(value.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Cell, E> {
        Ok(Cell::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Cell, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element_seed(self)? {
            list.push(entry);
        }
        Ok(Cell::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cell, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            self.spend::<A::Error>().map_err(A::Error::custom)?;
            fields.push((name, map.next_value_seed(self)?));
        }
        Ok(Cell::Struct(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_order_and_kinds() {
        let cell =
            from_json(r#"{"z": 1, "a": [1.5, null, true, "x"], "b": {"y": -2, "c": 9223372036854775808}}"#)
                .unwrap();
        assert_eq!(cell.names(), ["z", "a", "b"]);
        assert_eq!(cell.at("b.y"), Some(&Cell::Integer(-2)));
        assert_eq!(cell.at("b.c"), Some(&Cell::Number(2f64.powi(63))));
        assert_eq!(cell.at("a").unwrap().list().unwrap()[0], Cell::Number(1.5));
        assert_eq!(cell.at("a.b"), None);
    }

    #[test]
    fn a_column_of_structs_of_lists_and_of_lists_of_structs() {
        let native = from_json(r#"[{"label": "A", "text": "x"}, {"label": "B", "text": "y"}]"#).unwrap();
        let hub = from_json(r#"{"text": ["x", "y"], "label": ["A", "B"]}"#).unwrap();
        for cell in [&native, &hub] {
            let texts: Vec<_> = cell.column("text").unwrap().iter().filter_map(|cell| cell.text()).collect();
            assert_eq!(texts, ["x", "y"]);
            assert!(cell.column("other").is_none());
        }
    }

    #[test]
    fn depth_and_number_of_values_are_bounded() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(from_json(&deep).unwrap_err().to_string().contains("recursion limit"));
        let wide = format!("[{}0]", "0,".repeat(ROW_CELLS));
        assert!(from_json(&wide).unwrap_err().to_string().contains("values in one row"));
    }
}
