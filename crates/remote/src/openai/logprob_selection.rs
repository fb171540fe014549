//! Which log-probs a request asks for.

/// The log-probs of a reply to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogprobSelection {
    /// None.
    Nothing,
    /// Those of the tokens generated.
    Chosen,
    /// And those of so many of the likeliest tokens.
    Top(u8),
}
