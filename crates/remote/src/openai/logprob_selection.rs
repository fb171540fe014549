//! Which log-probs a request asks for.

/// The log-probs of a reply to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogprobSelection {
    /// None.
    Nothing,
    /// Those of the tokens generated.
    Chosen,
    /// And those of so many of the likeliest tokens; without the latter nothing is of use.
    Top(u8),
    /// The same, where those of the tokens generated are of use by themselves.
    ChosenAndTop(u8),
}
