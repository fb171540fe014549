//! Why something that was asked of a model is not there. Such a reason stands in a row; what stops a
//! whole run is an error and stands elsewhere.

use crate::named::{named_enum, stored_by_name};

named_enum! {
    /// A reason, by the name under which tables hold it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[non_exhaustive]
    pub enum MissingSignal {
        /// The server gives no log-probs.
        NoLogprobs = "no_logprobs",
        /// The server does not list the likeliest tokens, which p(True) needs.
        NoTopLogprobs = "no_top_logprobs",
        /// Numbers that are no natural-log probabilities.
        InvalidLogprobs = "invalid_logprobs",
        /// The listed tokens do not make up the text.
        TokensDoNotJoin = "tokens_do_not_join",
        /// Neither a true nor a false spelling is among the listed tokens.
        NeitherListed = "neither_listed",
        /// The prompt has no follow-up of this id.
        NoSuchFollowUp = "no_such_follow_up",
        /// There is no answer that a follow-up or a state could refer to.
        NoAnswer = "no_answer",
        /// The backend cannot look inside the model.
        HiddenStatesUnsupported = "hidden_states_unsupported",
        /// The model has no such layer.
        NoSuchLayer = "no_such_layer",
        /// The recording does not hold it.
        NotRecorded = "not_recorded",
        /// The recording is of another prompt.
        OtherPrompt = "other_prompt",
        /// The recording does not tell at which temperature a sample was drawn, and several are wanted.
        TemperatureNotRecorded = "temperature_not_recorded",
        /// The recording scores given texts and holds none that was generated.
        NothingGenerated = "nothing_generated",
        /// The server refused the request (a content filter, a prompt that is too long, ..).
        RequestRefused = "request_refused",
        /// The server failed each time.
        ServerFailed = "server_failed",
        /// The server did not answer in time.
        TimedOut = "timed_out",
        /// The server answered what is no answer.
        MalformedReply = "malformed_reply",
        /// The reply holds no text.
        NoText = "no_text",
        /// The reply was withheld by the server's content filter.
        ContentFilter = "content_filter",
        /// The prompt and the answer do not fit into the model's context.
        ContextTooLong = "context_too_long",
        /// The model's chat template refuses the messages.
        TemplateRefused = "template_refused",
        /// The tokenizer cannot turn the text into tokens, or tokens into text.
        TokenizerFailed = "tokenizer_failed",
        /// The vocabulary has no token that tells a true spelling, or none that tells a false one.
        NoSpellingToken = "no_spelling_token",
    }
}

named_enum! {
    /// Why no confidence could be read out of a reply that should state one.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[non_exhaustive]
    pub enum VerbalizedProblem {
        /// Nothing was written.
        Empty = "verbalized_empty",
        /// The reply ends within its reasoning.
        StillReasoning = "verbalized_still_reasoning",
        /// No line says `Confidence:` where one was asked for.
        NoLine = "verbalized_no_confidence_line",
        /// No number where one should stand.
        NoNumber = "verbalized_no_number",
        /// More than one number, and no telling which is meant.
        SeveralNumbers = "verbalized_several_numbers",
        /// A bound ("at least 0.9"), which is no value.
        Bound = "verbalized_bound",
        /// A number outside [0, 1] or [0 %, 100 %].
        OutOfRange = "verbalized_out_of_range",
    }
}

named_enum! {
    /// Why a probe was not trained.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[non_exhaustive]
    pub enum TooFew {
        /// Fewer than 50 rows.
        Rows = "too_few_probe_rows",
        /// Fewer than 5 right or 5 wrong ones.
        OfAClass = "one_class_probe_rows",
    }
}

named_enum! {
    /// Why signals that were observed give no confidence.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[non_exhaustive]
    pub enum UnusableSignal {
        /// The answer has no token of its own.
        EmptyAnswer = "empty_answer",
        /// No option was found in the answer to a multiple-choice question.
        NoOptionSpan = "no_option_span",
        /// Both masses of p(True) are zero, or one is no probability.
        InvalidMasses = "invalid_masses",
        /// True and False have too little of the probability for their ratio to say anything.
        MassesTooSmall = "masses_too_small",
    }
}

/// Why a confidence is missing, as it stands in `confidences`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MissingReason {
    /// A signal is missing that the method needs.
    Signal(MissingSignal),
    /// The signals give no confidence.
    Unusable(UnusableSignal),
    /// The model stated no confidence.
    Verbalized(VerbalizedProblem),
    /// The probe of this dataset was not trained.
    TooFew(TooFew),
}

impl MissingReason {
    /// The name under which tables hold it. No two reasons share one.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signal(reason) => reason.name(),
            Self::Unusable(reason) => reason.name(),
            Self::Verbalized(reason) => reason.name(),
            Self::TooFew(reason) => reason.name(),
        }
    }

    /// The reason of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        MissingSignal::from_name(name)
            .map(Self::Signal)
            .or_else(|| UnusableSignal::from_name(name).map(Self::Unusable))
            .or_else(|| VerbalizedProblem::from_name(name).map(Self::Verbalized))
            .or_else(|| TooFew::from_name(name).map(Self::TooFew))
    }
}

stored_by_name! {
    MissingReason,
    [MissingSignal::NAMES, UnusableSignal::NAMES, VerbalizedProblem::NAMES, TooFew::NAMES]
}

impl From<MissingSignal> for MissingReason {
    fn from(reason: MissingSignal) -> Self {
        Self::Signal(reason)
    }
}

impl From<UnusableSignal> for MissingReason {
    fn from(reason: UnusableSignal) -> Self {
        Self::Unusable(reason)
    }
}

impl From<VerbalizedProblem> for MissingReason {
    fn from(reason: VerbalizedProblem) -> Self {
        Self::Verbalized(reason)
    }
}

impl From<TooFew> for MissingReason {
    fn from(reason: TooFew) -> Self {
        Self::TooFew(reason)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn reasons_have_a_name_each_and_are_read_back() {
        let reasons: Vec<MissingReason> = (MissingSignal::ALL.into_iter().map(Into::into))
            .chain(UnusableSignal::ALL.into_iter().map(Into::into))
            .chain(VerbalizedProblem::ALL.into_iter().map(Into::into))
            .chain(TooFew::ALL.into_iter().map(Into::into))
            .collect();
        let names: BTreeSet<&str> = reasons.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), reasons.len());
        for reason in reasons {
            assert_eq!(MissingReason::from_name(reason.name()), Some(reason));
            assert_eq!(serde_json::from_value::<MissingReason>(reason.name().into()).unwrap(), reason);
        }
        let error = serde_json::from_str::<MissingReason>("\"because\"").unwrap_err().to_string();
        assert!(error.contains("`because`") && error.contains("`one_class_probe_rows`"), "{error}");
    }
}
