//! Why something that was asked of a model is not there. Such a reason stands in a row; what stops a
//! whole run is an error and stands elsewhere.

use crate::named::named_enum;

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
        /// There is no answer that a follow-up or a state could speak of.
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
