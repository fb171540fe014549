//! The model that a server reports. A run uses one model, identified by the model's *name*. A fingerprint describes the
//! server's own state: hosted models answer from several configurations at once, so it alternates,
//! and a build of llama.cpp or Ollama has another after an update. It is recorded with each row.

use std::fmt;
use std::sync::{Mutex, PoisonError};

/// The model that answered, as the server reports it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Served {
    /// Its name; `None` if the server leaves it out.
    pub model: Option<String>,
    /// The fingerprint of the server's state; `None` if the server leaves it out.
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

/// A change of the served model, which ends a run.
#[derive(Debug, PartialEq, Eq)]
pub struct ServedChange {
    /// The model seen before.
    pub before: Served,
    /// Whether only the fingerprints differ.
    pub by_fingerprint: bool,
}

/// The model that a run is served by.
#[derive(Debug)]
pub struct ServedModelTracker {
    /// Whether a change of the fingerprint is a change of the model.
    same_fingerprint: bool,
    known: Mutex<Served>,
}

impl ServedModelTracker {
    /// Nothing was seen yet; `same_fingerprint` says whether a change of the fingerprint counts.
    pub fn new(same_fingerprint: bool) -> Self {
        Self { same_fingerprint, known: Mutex::default() }
    }

    /// The first model that the run was served by.
    pub fn get(&self) -> Served {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the model of a reply. A field that a reply leaves out is no change.
    ///
    /// # Errors
    /// The model seen before, if it is another one.
    pub fn see(&self, now: &Served) -> Result<(), ServedChange> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let differs = |before: &Option<String>, now: &Option<String>| matches!((before, now), (Some(before), Some(now)) if before != now);
        let by_name = differs(&known.model, &now.model);
        if by_name || (self.same_fingerprint && differs(&known.system_fingerprint, &now.system_fingerprint)) {
            return Err(ServedChange { before: known.clone(), by_fingerprint: !by_name });
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
    fn only_a_reported_difference_of_names_is_a_change() {
        let run = ServedModelTracker::new(false);
        assert_eq!(run.see(&served(None, None)), Ok(()));
        assert_eq!(run.see(&served(Some("a"), None)), Ok(()));
        assert_eq!(run.see(&served(None, Some("f"))), Ok(()));
        assert_eq!(run.see(&served(Some("a"), Some("g"))), Ok(()));
        assert_eq!(run.see(&served(None, Some("b4567-0a1b2c3"))), Ok(()));
        let before = served(Some("a"), Some("f"));
        assert_eq!(
            run.see(&served(Some("b"), Some("f"))),
            Err(ServedChange { before, by_fingerprint: false })
        );
    }

    #[test]
    fn a_pipeline_may_require_one_fingerprint() {
        let run = ServedModelTracker::new(true);
        assert_eq!(run.see(&served(Some("a"), Some("f"))), Ok(()));
        assert_eq!(run.see(&served(Some("a"), None)), Ok(()));
        let before = served(Some("a"), Some("f"));
        let by = |by_fingerprint| Err(ServedChange { before: before.clone(), by_fingerprint });
        assert_eq!(run.see(&served(Some("a"), Some("g"))), by(true));
        assert_eq!(run.see(&served(Some("b"), Some("g"))), by(false));
    }
}
