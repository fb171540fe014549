//! A line as an object whose fields are read when they are needed.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::error::ReplayError;

/// An object of a recording, with its place.
#[derive(Debug)]
pub(super) struct Line<'a> {
    fields: BTreeMap<String, &'a RawValue>,
    pub(super) path: &'a Path,
    pub(super) number: u64,
}

impl<'a> Line<'a> {
    pub(super) fn parse(bytes: &'a [u8], path: &'a Path, number: u64) -> Result<Self, ReplayError> {
        let fields = serde_json::from_slice(bytes).map_err(|source| ReplayError::NoObject {
            path: path.to_owned(),
            line: number,
            source,
        })?;
        Ok(Self { fields, path, number })
    }

    /// An object inside this line.
    pub(super) fn inner(&self, field: &str, text: &'a str) -> Result<Self, ReplayError> {
        let fields = serde_json::from_str(text).map_err(|_| self.wrong(field, "holds no object"))?;
        Ok(Self { fields, path: self.path, number: self.number })
    }

    /// A field as it is written; `None` if it is absent or null.
    pub(super) fn raw(&self, field: &str) -> Option<&'a str> {
        self.fields.get(field).map(|value| value.get()).filter(|text| *text != "null")
    }

    /// A field of a type; `None` if it is absent or null.
    pub(super) fn get<T: DeserializeOwned>(
        &self,
        field: &str,
        problem: &'static str,
    ) -> Result<Option<T>, ReplayError> {
        let read = |text| serde_json::from_str(text).map_err(|_| self.wrong(field, problem));
        self.raw(field).map(read).transpose()
    }

    pub(super) fn text(&self, field: &str) -> Result<Option<String>, ReplayError> {
        self.get(field, "is no text")
    }

    /// The elements of a list, as they are written.
    pub(super) fn list(&self, field: &str) -> Result<Option<Vec<&'a str>>, ReplayError> {
        let Some(text) = self.raw(field) else { return Ok(None) };
        let items: Vec<&RawValue> =
            serde_json::from_str(text).map_err(|_| self.wrong(field, "is no list"))?;
        Ok(Some(items.into_iter().map(RawValue::get).collect()))
    }

    pub(super) fn wrong(&self, field: &str, problem: &'static str) -> ReplayError {
        let (path, line) = (self.path.to_owned(), self.number);
        ReplayError::Field { path, line, field: field.to_owned(), problem }
    }
}
