//! Fields of a request that a server may refuse, and what is sent instead. None of them changes the
//! prompt: without log-probs an answer is the same answer, without a seed a sample is a sample.

use super::logprob_selection::LogprobSelection;
use super::refusal::ErrorWords;
use super::spec::{MAX_TOP_LOGPROBS, OpenAiSpec, TokenLimit};

/// An optional field that a server refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedField {
    /// `logprobs` or `top_logprobs`. With the largest count of likeliest tokens that the server allows, if it
    /// refused only the count; `at_least_one` if it refused a count of 0.
    Logprobs {
        /// The largest count it allows; `None` if it lists none.
        max: Option<u8>,
        /// Whether a count of 0 is what it refused.
        at_least_one: bool,
    },
    /// `seed`.
    Seed,
    /// The field that bounds the length, under the name that was sent.
    TokenLimit,
}

/// Words that refuse a count and not the field.
const TOO_MANY: &[&str] = &[
    " more than ",
    " greater ",
    " less than ",
    " larger ",
    " maximum ",
    " max ",
    " at most ",
    " up to ",
    " exceed",
    " between ",
    " above ",
    " range ",
    " too many ",
    " too large ",
    " limit",
    " only ",
    " no more ",
];

/// Words that refuse a field, or its value.
const REFUSED: &[&str] = &[
    " not allowed",
    " not enabled",
    " invalid ",
    " forbidden",
    " instead",
    " not available",
    " cannot be used",
    " not a valid",
    " not recognized",
];

/// Words that refuse a field by its name.
const NAME_REFUSED: &[&str] = &[
    " unsupported",
    " not support",
    " unknown",
    " unrecognized",
    " unrecognised",
    " unexpected",
    " extra ",
    " not permitted",
];

/// Number of likeliest tokens at a position where the server does not say how many it allows: 5, as with many servers.
const DEFAULT_MAX: u8 = 5;

impl RefusedField {
    /// The field that a refusal names, if any: as the parameter, or in the words.
    pub(super) fn read(status: u16, words: &ErrorWords, parameters: &[String]) -> Option<Self> {
        if status < 400 || matches!(status, 401 | 402 | 429) {
            return None;
        }
        let named = |field: &str| parameters.iter().any(|name| name == field);
        // Log-probs are only mentioned where they are refused.
        if words.have_any(&["logprob", " log prob"]) {
            return Some(Self::logprobs(words));
        }
        let refuses = words.have_any(NAME_REFUSED) || words.have_any(REFUSED);
        if refuses && (named("seed") || words.have(" seed ")) {
            return Some(Self::Seed);
        }
        let old = named("max_tokens") || words.have(" max tokens ");
        let new = named("max_completion_tokens") || words.have(" max completion tokens ");
        // A number in the words bounds the value: to leave the field's name would leave its bound.
        let is_name = words.have_any(NAME_REFUSED) && words.numbers().all(|number| number < 2);
        (refuses && ((old && new) || ((old || new) && is_name))).then_some(Self::TokenLimit)
    }

    /// Whether the field is refused, or only its count of tokens.
    fn logprobs(words: &ErrorWords) -> Self {
        if !words.have_any(TOO_MANY) && !words.have_any(&[" at least ", " less or equal "]) {
            return Self::Logprobs { max: None, at_least_one: false };
        }
        let is_count = |number: &u64| (1..u64::from(MAX_TOP_LOGPROBS)).contains(number);
        let at_least_one = words.have_any(&[
            " at least 1 ",
            " between 1 and ",
            " greater than 0 ",
            " greater than or equal to 1 ",
            " minimum 1 ",
            " from 1 to ",
        ]);
        // The number that was sent stands there too, and is no smaller than what is allowed.
        let max = words.numbers().filter(|number| is_count(number)).max();
        let max = max.and_then(|number| u8::try_from(number).ok()).unwrap_or(DEFAULT_MAX);
        Self::Logprobs { max: Some(max), at_least_one }
    }
}

/// How log-probs of chosen tokens are requested.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum ChosenLogprobs {
    /// By themselves.
    #[default]
    Alone,
    /// With the likeliest token beside each, since the server refuses a count of 0.
    WithOne,
    /// Not at all.
    Never,
}

/// Fields that a server refused so far, so that they are not sent again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Adaptation {
    /// How log-probs of chosen tokens are requested.
    chosen: ChosenLogprobs,
    /// Maximum number of likeliest tokens that it lists; 0 = none.
    max_top: Option<u8>,
    /// It takes no seed.
    no_seed: bool,
    /// It knows the other name of the token limit.
    other_token_limit: bool,
}

impl Adaptation {
    /// The log-probs to request, given those wanted.
    pub(super) fn logprob_selection(self, wanted: LogprobSelection) -> LogprobSelection {
        match wanted {
            LogprobSelection::Chosen => match self.chosen {
                ChosenLogprobs::Alone => LogprobSelection::Chosen,
                ChosenLogprobs::WithOne => LogprobSelection::Top(1),
                ChosenLogprobs::Never => LogprobSelection::Nothing,
            },
            LogprobSelection::Top(count) => match count.min(self.max_top.unwrap_or(count)) {
                0 => LogprobSelection::Nothing,
                count => LogprobSelection::Top(count),
            },
            LogprobSelection::ChosenAndTop(count) => match count.min(self.max_top.unwrap_or(count)) {
                0 => self.logprob_selection(LogprobSelection::Chosen),
                count => LogprobSelection::ChosenAndTop(count),
            },
            LogprobSelection::Nothing => LogprobSelection::Nothing,
        }
    }

    /// Whether a seed is sent.
    pub(super) fn sends_seed(self, spec: &OpenAiSpec) -> bool {
        spec.send_seed && !self.no_seed
    }

    /// The name of the field that bounds the length.
    pub(super) fn token_limit(self, spec: &OpenAiSpec) -> TokenLimit {
        match (spec.token_limit, self.other_token_limit) {
            (TokenLimit::MaxTokens, false) | (TokenLimit::MaxCompletionTokens, true) => TokenLimit::MaxTokens,
            _ => TokenLimit::MaxCompletionTokens,
        }
    }

    /// Learns from a refusal of what was sent for `wanted`; gives a note that names the field and the key of the
    /// pipeline file, or `None` where nothing is left to leave out.
    pub(super) fn learn(
        &mut self,
        refused: RefusedField,
        wanted: LogprobSelection,
        spec: &OpenAiSpec,
    ) -> Option<String> {
        match refused {
            RefusedField::Logprobs { max, at_least_one } => self.learn_logprobs(max, at_least_one, wanted),
            RefusedField::Seed if self.sends_seed(spec) => {
                self.no_seed = true;
                Some(
                    "`seed` is refused, and not sent from now on (key `send_seed: false`); samples are not \
                      drawn from the pipeline's seed"
                        .to_owned(),
                )
            }
            RefusedField::TokenLimit if !self.other_token_limit => {
                let refused = self.token_limit(spec).name();
                self.other_token_limit = true;
                let name = self.token_limit(spec).name();
                Some(format!(
                    "`{refused}` is refused, and `{name}` sent from now on (key `token_limit: {name}`)"
                ))
            }
            _ => None,
        }
    }

    fn learn_logprobs(
        &mut self,
        max: Option<u8>,
        at_least_one: bool,
        wanted: LogprobSelection,
    ) -> Option<String> {
        use LogprobSelection::{Chosen, ChosenAndTop, Top};
        match (wanted, self.logprob_selection(wanted)) {
            (Chosen | ChosenAndTop(_), Chosen) if at_least_one => {
                self.chosen = ChosenLogprobs::WithOne;
                Some("`top_logprobs` of 0 is refused, and 1 requested from now on".to_owned())
            }
            (Chosen | ChosenAndTop(_), Chosen | Top(_)) => {
                self.chosen = ChosenLogprobs::Never;
                Some("`logprobs` is refused, and not requested from now on; methods that need log-probs are \
                      missing with `no_logprobs` (leave them out of `methods`, or use a server that lists them)"
                    .to_owned())
            }
            (Top(_), Top(sent)) | (ChosenAndTop(_), ChosenAndTop(sent)) => {
                // What is allowed, then what most servers allow, then none.
                let fewer = [max, Some(DEFAULT_MAX)].into_iter().flatten().find(|count| *count < sent);
                let fewer = fewer.filter(|_| max.is_some()).unwrap_or(0);
                self.max_top = Some(fewer);
                Some(match fewer {
                    0 => "`top_logprobs` is refused, and not requested from now on; methods that need the \
                          likeliest tokens are missing with `no_top_logprobs`"
                        .to_owned(),
                    fewer => format!(
                        "{sent} `top_logprobs` are refused, and {fewer} requested from now on (key `top_logprobs: {fewer}`)"
                    ),
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::error::ChatRequestError;
    use super::super::refusal::ErrorBody;
    use super::super::spec::RawOpenAi;
    use super::*;

    fn field(status: u16, body: &Value) -> Option<RefusedField> {
        match ErrorBody::read(body).into_error("h".into(), status, None) {
            ChatRequestError::FieldRefused { field, .. } => Some(field),
            _ => None,
        }
    }

    fn message(text: &str) -> Value {
        json!({"error": {"message": text}})
    }

    #[test]
    fn log_probs_that_a_server_does_not_list() {
        for (status, body) in [
            (500, message("logprobs is not supported for this model")),
            (
                400,
                json!([{"error": {"code": 400, "message": "Logprobs is not enabled for models/g-2.5-flash"}}]),
            ),
            (403, message("You are not allowed to request logprobs from this model")),
            (
                422,
                json!({"detail": [{"loc": ["body", "logprobs"], "msg": "Extra inputs are not permitted"}]}),
            ),
            (400, json!({"error": {"param": "LogProbs", "message": "Unsupported parameter"}})),
            (501, json!({"detail": {"errors": [{"msg": "LOG PROBS: not implemented"}]}})),
            (400, json!({"message": "{\"error\": {\"message\": \"log-probs are off\"}}"})),
            (404, message("no endpoint supports the parameter logprobs")),
        ] {
            let expected = Some(RefusedField::Logprobs { max: None, at_least_one: false });
            assert_eq!(field(status, &body), expected, "{body}");
        }
    }

    #[test]
    fn fewer_likeliest_tokens_than_were_asked_for() {
        for (text, max) in [
            ("Cannot request more than 5 logprobs", 5),
            (
                "Invalid 'top_logprobs': integer above maximum value. Expected a value <= 8, but got 20 instead.",
                8,
            ),
            ("Requested sample logprobs of 20, which is greater than max allowed: 10", 10),
            ("top_logprobs must be between 0 and 5", 5),
            ("topLogprobs exceeds what this model lists", 5),
            ("at most 3 top log-probs, got 20", 3),
        ] {
            let expected = Some(RefusedField::Logprobs { max: Some(max), at_least_one: false });
            assert_eq!(field(400, &message(text)), expected, "{text}");
        }
        let pydantic = json!({"detail": [{"type": "less_than_equal", "loc": ["body", "top_logprobs"],
            "msg": "Input should be less than or equal to 5", "input": 20, "ctx": {"le": 5}}]});
        assert_eq!(field(422, &pydantic), Some(RefusedField::Logprobs { max: Some(5), at_least_one: false }));
        let none = message("top_logprobs must be between 1 and 20");
        assert!(matches!(field(400, &none), Some(RefusedField::Logprobs { at_least_one: true, .. })));
    }

    #[test]
    fn the_seed_and_the_name_of_the_token_limit() {
        for (text, expected) in [
            ("Unsupported parameter: 'seed'", Some(RefusedField::Seed)),
            ("property seed is not allowed", Some(RefusedField::Seed)),
            ("Unrecognized request argument supplied: seed", Some(RefusedField::Seed)),
            (
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
                Some(RefusedField::TokenLimit),
            ),
            ("unknown field `max_completion_tokens`", Some(RefusedField::TokenLimit)),
            // These bound the value; under another name the bound might be lost.
            ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", None),
            ("this model does not support max_tokens above 4096", None),
            ("Unsupported value: 'temperature' does not support 0.0 with this model.", None),
            ("bad", None),
        ] {
            assert_eq!(field(400, &message(text)), expected, "{text}");
        }
        assert_eq!(field(401, &message("no key, no logprobs")), None);
        assert_eq!(field(429, &message("too many logprobs requests")), None);
    }

    #[test]
    fn less_is_sent_each_time_and_then_nothing() {
        let raw: RawOpenAi = serde_json::from_str(r#"{"base_url": "http://h/v1", "model": "m"}"#).unwrap();
        let spec = OpenAiSpec::resolve(plimsoll_core::ModelId::new("m").unwrap(), raw, &|_| None).unwrap();
        let mut adaptation = Adaptation::default();
        let too_many = |max| RefusedField::Logprobs { max: Some(max), at_least_one: false };
        let top = LogprobSelection::Top(20);
        for (refused, left) in [
            (too_many(8), LogprobSelection::Top(8)),
            (too_many(8), LogprobSelection::Top(5)),
            (too_many(8), LogprobSelection::Nothing),
        ] {
            assert!(adaptation.learn(refused, top, &spec).unwrap().contains("`top_logprobs"));
            assert_eq!(adaptation.logprob_selection(top), left);
        }
        assert_eq!(adaptation.learn(too_many(8), top, &spec), None);
        assert_eq!(adaptation.logprob_selection(LogprobSelection::Chosen), LogprobSelection::Chosen);
        let none = RefusedField::Logprobs { max: None, at_least_one: true };
        assert!(adaptation.learn(none, LogprobSelection::Chosen, &spec).is_some());
        assert_eq!(adaptation.logprob_selection(LogprobSelection::Chosen), LogprobSelection::Top(1));
        assert!(adaptation.learn(none, LogprobSelection::Chosen, &spec).is_some());
        assert_eq!(adaptation.logprob_selection(LogprobSelection::Chosen), LogprobSelection::Nothing);
        assert_eq!(adaptation.learn(none, LogprobSelection::Chosen, &spec), None);
        assert!(adaptation.learn(RefusedField::Seed, top, &spec).unwrap().contains("`send_seed: false`"));
        assert_eq!(
            (adaptation.sends_seed(&spec), adaptation.learn(RefusedField::Seed, top, &spec)),
            (false, None)
        );
        let note = adaptation.learn(RefusedField::TokenLimit, top, &spec).unwrap();
        assert!(note.contains("`token_limit: max_completion_tokens`"), "{note}");
        assert_eq!(adaptation.learn(RefusedField::TokenLimit, top, &spec), None);
    }
}
