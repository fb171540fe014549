//! Which model a server says it used. Names at hosted servers are aliases; a run is of one model.

use std::fmt;
use std::sync::{Mutex, PoisonError};

/// What a server says of the model that answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Served {
    /// Its name; `None` if the server does not tell.
    pub model: Option<String>,
    /// What the server says of its own state; `None` if it does not tell.
    pub system_fingerprint: Option<String>,
}

impl fmt::Display for Served {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<String>| {
            value.as_ref().map_or_else(|| "not named".to_owned(), |text| format!("`{}`", text.escape_debug()))
        };
        write!(formatter, "{} (fingerprint {})", text(&self.model), text(&self.system_fingerprint))
    }
}

/// The one model of a run.
#[derive(Debug, Default)]
pub(super) struct ServedModel(Mutex<Served>);

impl ServedModel {
    /// What the run has seen so far.
    pub(super) fn get(&self) -> Served {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes what a reply says. A field that a reply leaves out is no change.
    ///
    /// # Errors
    /// What was said before, if that is something else.
    pub(super) fn see(&self, now: &Served) -> Result<(), Served> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let differs = |before: &Option<String>, now: &Option<String>| matches!((before, now), (Some(before), Some(now)) if before != now);
        if differs(&known.model, &now.model) || differs(&known.system_fingerprint, &now.system_fingerprint) {
            return Err(known.clone());
        }
        if known.model.is_none() {
            known.model.clone_from(&now.model);
        }
        if known.system_fingerprint.is_none() {
            known.system_fingerprint.clone_from(&now.system_fingerprint);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(model: Option<&str>, fingerprint: Option<&str>) -> Served {
        Served { model: model.map(Into::into), system_fingerprint: fingerprint.map(Into::into) }
    }

    #[test]
    fn only_a_said_difference_is_a_change() {
        let run = ServedModel::default();
        assert_eq!(run.see(&served(None, None)), Ok(()));
        assert_eq!(run.see(&served(Some("a"), None)), Ok(()));
        assert_eq!(run.see(&served(None, Some("f"))), Ok(()));
        assert_eq!(run.see(&served(Some("a"), Some("f"))), Ok(()));
        let before = served(Some("a"), Some("f"));
        assert_eq!(run.see(&served(Some("b"), None)), Err(before.clone()));
        assert_eq!(run.see(&served(Some("a"), Some("g"))), Err(before));
    }
}
