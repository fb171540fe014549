//! Why a confidence is missing.

use plimsoll_core::MissingSignal;

use crate::verbalized::VerbalizedProblem;

/// A reason, as it stands in the scores table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingReason {
    /// What was observed lacks what the method needs.
    Signal(MissingSignal),
    /// The answer has no token of its own.
    EmptyAnswer,
    /// No option was found in the answer to a multiple-choice question.
    NoOptionSpan,
    /// What the model wrote is no confidence.
    VerbalizedProblem(VerbalizedProblem),
    /// Both masses of p(True) are zero, or one is no probability.
    InvalidMasses,
    /// True and False have too little of the probability for their ratio to say anything.
    MassesTooSmall,
    /// The probe of this dataset had too few rows to learn from, in all or of one class.
    #[cfg(feature = "probe")]
    TooFew(crate::probe::TooFew),
}

impl MissingReason {
    /// The name in tables.
    pub fn name(self) -> String {
        match self {
            Self::Signal(missing) => missing.name().to_owned(),
            Self::EmptyAnswer => "empty_answer".to_owned(),
            Self::NoOptionSpan => "no_option_span".to_owned(),
            Self::VerbalizedProblem(unread) => format!("verbalized_{unread}"),
            Self::InvalidMasses => "invalid_masses".to_owned(),
            Self::MassesTooSmall => "masses_too_small".to_owned(),
            #[cfg(feature = "probe")]
            Self::TooFew(few) => few.to_string(),
        }
    }
}

impl From<MissingSignal> for MissingReason {
    fn from(missing: MissingSignal) -> Self {
        Self::Signal(missing)
    }
}
