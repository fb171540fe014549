//! Tokens as servers and recordings list them.

/// A token as a server or a recording lists it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ListedToken {
    pub(crate) id: Option<u32>,
    /// Its own bytes, perhaps a part of a character.
    pub(crate) bytes: Vec<u8>,
    /// Natural log.
    pub(crate) logprob: Option<f64>,
}
