//! A confidence that a model wrote: strict reading, or a named reason why there is none.
//!
//! What is a probability is read: a number from 0 to 1, a percentage that says so, a share of a whole
//! ("8/10", "9 out of 10"). Everything else is missing, since a wrong guess here becomes a wrong
//! threshold: "85" without a percent sign is out of range, "0.7 or 0.8" is several numbers, "above 0.9"
//! is a bound, "high" is no number. Numbers outside [0, 1] are never clamped.
//!
//! Where the number may stand depends on what was asked ([`Turn`]): behind a label at the start of a line
//! (`Confidence: 0.8`), the last such line counting; or, where nothing but a number was asked for, anywhere
//! in the reply if it is the only number.

mod number;
mod text;

use plimsoll_router::Confidence;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// One turn: an answer and a confidence, each on a line of its own. Numbers without the label belong
    /// to the answer.
    AnswerAndConfidence,
    /// A second turn: a confidence and nothing else.
    ConfidenceOnly,
}

/// Why no confidence could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unread {
    /// Nothing was written.
    #[error("empty")]
    Empty,
    /// No line says `Confidence:` where one was asked for.
    #[error("no_confidence_line")]
    NoLine,
    /// No number where one should stand.
    #[error("no_number")]
    NoNumber,
    /// More than one number, and no telling which is meant.
    #[error("several_numbers")]
    SeveralNumbers,
    /// A bound ("at least 0.9"), which is no value.
    #[error("bound")]
    Bound,
    /// A number outside [0, 1] or [0 %, 100 %].
    #[error("out_of_range")]
    OutOfRange,
}

/// Reads the confidence that a reply states.
///
/// # Errors
/// [`Unread`] says why it states none.
///
/// ```
/// use plimsoll_uq::verbalized::{Turn, Unread, read};
/// let both = Turn::AnswerAndConfidence;
/// assert_eq!(read("Answer: B\nConfidence: 85%", both).unwrap().get(), 0.85);
/// assert_eq!(read("Answer: 12", both), Err(Unread::NoLine));
/// assert_eq!(read("I am 90 % sure.", Turn::ConfidenceOnly).unwrap().get(), 0.9);
/// assert_eq!(read("85", Turn::ConfidenceOnly), Err(Unread::OutOfRange));
/// ```
pub fn read(reply: &str, turn: Turn) -> Result<Confidence, Unread> {
    let reply = text::plain(reply);
    if reply.trim().is_empty() {
        return Err(Unread::Empty);
    }
    match (text::labelled(&reply, turn), turn) {
        (Some(value), _) => number::only(value),
        (None, Turn::AnswerAndConfidence) => Err(Unread::NoLine),
        (None, Turn::ConfidenceOnly) => number::only(&reply),
    }
}

#[cfg(test)]
mod tests;
