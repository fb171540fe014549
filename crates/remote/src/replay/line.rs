//! A line as an object whose fields are read when they are needed. `NaN` and `Infinity`, which Python's `json`
//! writes, are wrong in a field that is read and nowhere else.

use std::collections::BTreeMap;
use std::path::Path;

use plimsoll_core::json::{self, LenientJson, is_non_finite};
use serde::de::{DeserializeOwned, Error as _};
use serde_json::value::RawValue;

use super::error::ReplayError;

/// What is wrong with a field that holds such a word where something else is wanted.
const NON_FINITE: &str = "holds NaN or Infinity, which are no JSON; write null where a value is missing";

/// An object of a recording, with its file and line.
#[derive(Debug)]
pub(super) struct RecordingLine<'a> {
    /// As they are written.
    fields: BTreeMap<String, &'a str>,
    pub(super) path: &'a Path,
    pub(super) number: u64,
}

impl<'a> RecordingLine<'a> {
    pub(super) fn parse(bytes: &'a [u8], path: &'a Path, number: u64) -> Result<Self, ReplayError> {
        let text = str::from_utf8(bytes).map_err(|_| serde_json::Error::custom("not UTF-8 text"));
        let fields = text.and_then(fields).map_err(|source| ReplayError::NoObject {
            path: path.to_owned(),
            line: number,
            source,
        })?;
        Ok(Self { fields, path, number })
    }

    /// An object inside this line.
    pub(super) fn inner(&self, field: &str, text: &'a str) -> Result<Self, ReplayError> {
        let fields = fields(text).map_err(|_| self.wrong(field, "holds no object"))?;
        Ok(Self { fields, path: self.path, number: self.number })
    }

    /// A field as it is written; `None` if it is absent or null.
    pub(super) fn raw(&self, field: &str) -> Option<&'a str> {
        self.fields.get(field).copied().filter(|text| *text != "null")
    }

    /// A field of a type; `None` if it is absent or null.
    pub(super) fn get<T: DeserializeOwned>(
        &self,
        field: &str,
        problem: &'static str,
    ) -> Result<Option<T>, ReplayError> {
        let read = |text: &str| {
            json::from_str(text).map_err(|_| {
                let non_finite = is_non_finite(text) || LenientJson::new(text).has_non_finite();
                self.wrong(field, if non_finite { NON_FINITE } else { problem })
            })
        };
        self.raw(field).map(read).transpose()
    }

    pub(super) fn text(&self, field: &str) -> Result<Option<String>, ReplayError> {
        self.get(field, "is no text")
    }

    /// The elements of a list, as they are written.
    pub(super) fn list(&self, field: &str) -> Result<Option<Vec<&'a str>>, ReplayError> {
        let Some(text) = self.raw(field) else { return Ok(None) };
        let json = LenientJson::new(text);
        let items: Vec<&RawValue> =
            serde_json::from_str(json.masked()).map_err(|_| self.wrong(field, "is no list"))?;
        Ok(Some(items.into_iter().map(|item| json.as_written(item.get())).collect()))
    }

    pub(super) fn wrong(&self, field: &str, problem: &'static str) -> ReplayError {
        let (path, line) = (self.path.to_owned(), self.number);
        ReplayError::Field { path, line, field: field.to_owned(), problem }
    }
}

/// The fields of an object, as they are written.
fn fields(text: &str) -> serde_json::Result<BTreeMap<String, &str>> {
    let json = LenientJson::new(text);
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(json.masked())?;
    Ok(fields.into_iter().map(|(name, value)| (name, json.as_written(value.get()))).collect())
}
