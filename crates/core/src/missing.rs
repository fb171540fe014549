//! Why something that was asked of a model is not there. Such a reason stands in a row; what stops a
//! whole run is an error and stands elsewhere.

/// A reason, by the name under which tables hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MissingSignal {
    /// The server gives no log-probs.
    NoLogprobs,
    /// The server does not list the likeliest tokens, which p(True) needs.
    NoTopLogprobs,
    /// Numbers that are no natural-log probabilities.
    InvalidLogprobs,
    /// The listed tokens do not make up the text.
    TokensDoNotJoin,
    /// Neither a true nor a false spelling is among the listed tokens.
    NeitherListed,
    /// The prompt has no follow-up of this id.
    NoSuchFollowUp,
    /// There is no answer that a follow-up or a state could speak of.
    NoAnswer,
    /// The backend cannot look inside the model.
    HiddenStatesUnsupported,
    /// The model has no such layer.
    NoSuchLayer,
    /// The recording does not hold it.
    NotRecorded,
    /// The recording is of another prompt.
    OtherPrompt,
    /// The recording does not tell at which temperature a sample was drawn, and several are wanted.
    TemperatureNotRecorded,
    /// The recording scores given texts and holds none that was generated.
    NothingGenerated,
    /// The server refused the request (a content filter, a prompt that is too long, ..).
    RequestRefused,
    /// The server failed each time.
    ServerFailed,
    /// The server did not answer in time.
    TimedOut,
    /// The server answered what is no answer.
    MalformedReply,
    /// The reply holds no text.
    NoText,
    /// The reply was withheld by the server's content filter.
    ContentFilter,
    /// The prompt and the answer do not fit into the model's context.
    ContextTooLong,
    /// The model's chat template refuses the messages.
    TemplateRefused,
    /// The tokenizer cannot turn the text into tokens, or tokens into text.
    TokenizerFailed,
    /// The vocabulary has no token that tells a true spelling, or none that tells a false one.
    NoSpellingToken,
}

impl MissingSignal {
    /// Every reason.
    pub const ALL: [Self; 23] = [
        Self::NoLogprobs,
        Self::NoTopLogprobs,
        Self::InvalidLogprobs,
        Self::TokensDoNotJoin,
        Self::NeitherListed,
        Self::NoSuchFollowUp,
        Self::NoAnswer,
        Self::HiddenStatesUnsupported,
        Self::NoSuchLayer,
        Self::NotRecorded,
        Self::OtherPrompt,
        Self::TemperatureNotRecorded,
        Self::NothingGenerated,
        Self::RequestRefused,
        Self::ServerFailed,
        Self::TimedOut,
        Self::MalformedReply,
        Self::NoText,
        Self::ContentFilter,
        Self::ContextTooLong,
        Self::TemplateRefused,
        Self::TokenizerFailed,
        Self::NoSpellingToken,
    ];

    /// The name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoLogprobs => "no_logprobs",
            Self::NoTopLogprobs => "no_top_logprobs",
            Self::InvalidLogprobs => "invalid_logprobs",
            Self::TokensDoNotJoin => "tokens_do_not_join",
            Self::NeitherListed => "neither_listed",
            Self::NoSuchFollowUp => "no_such_follow_up",
            Self::NoAnswer => "no_answer",
            Self::HiddenStatesUnsupported => "hidden_states_unsupported",
            Self::NoSuchLayer => "no_such_layer",
            Self::NotRecorded => "not_recorded",
            Self::OtherPrompt => "other_prompt",
            Self::TemperatureNotRecorded => "temperature_not_recorded",
            Self::NothingGenerated => "nothing_generated",
            Self::RequestRefused => "request_refused",
            Self::ServerFailed => "server_failed",
            Self::TimedOut => "timed_out",
            Self::MalformedReply => "malformed_reply",
            Self::NoText => "no_text",
            Self::ContentFilter => "content_filter",
            Self::ContextTooLong => "context_too_long",
            Self::TemplateRefused => "template_refused",
            Self::TokenizerFailed => "tokenizer_failed",
            Self::NoSpellingToken => "no_spelling_token",
        }
    }

    /// The reason of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for reason in MissingSignal::ALL {
            assert_eq!(MissingSignal::from_name(reason.name()), Some(reason));
        }
        assert_eq!(MissingSignal::from_name("because"), None);
    }
}
