//! The signals that a backend can observe, as far as that is known before a request.

use plimsoll_core::MissingSignal;

/// Whether a backend observes a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// For every request.
    Yes,
    /// Only the replies show it; a row without it has the reason.
    Unknown,
    /// Never, for this reason.
    No(MissingSignal),
}

/// Which signals beside the text of an answer a backend observes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Natural-log probabilities of the answer's tokens.
    pub logprobs: Support,
    /// Samples.
    pub samples: Support,
    /// Replies to follow-ups.
    pub follow_up_texts: Support,
    /// The true and false masses of follow-ups.
    pub follow_up_masses: Support,
    /// Hidden states.
    pub hidden_states: Support,
}

impl Capabilities {
    /// Every signal.
    pub const ALL: Self = Self {
        logprobs: Support::Yes,
        samples: Support::Yes,
        follow_up_texts: Support::Yes,
        follow_up_masses: Support::Yes,
        hidden_states: Support::Yes,
    };
}
