//! How a generation ended. Every backend says it in these words, made where its replies are read, so that one
//! policy treats a cut answer alike wherever it came from.

use crate::named::named_enum;

named_enum! {
    /// How a generation ended, by the name under which tables hold it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Finish {
        /// The model stopped by itself, or at a stop string.
        Stop = "stop",
        /// It was cut at its limit of tokens, or at the end of the context.
        Length = "length",
        /// The server withheld it, or what was left of it.
        ContentFilter = "content_filter",
    }
}

/// A server's words for a cut, without case and separators.
const CUT: &[&str] = &[
    "length",
    "maxtokens",
    "maxtoken",
    "maxnewtokens",
    "maxoutputtokens",
    "maxcompletiontokens",
    "maxlength",
    "maxoutputlength",
    "modellength",
    "tokenlimit",
    "outputlimit",
    "contextlength",
    "contextlengthexceeded",
    "contextwindowexceeded",
    "modelcontextwindowexceeded",
    "contextlimit",
    "truncated",
    "incomplete",
];

/// A server's words for an answer that was withheld.
const WITHHELD: &[&str] = &[
    "contentfilter",
    "contentfiltered",
    "contentpolicyviolation",
    "safety",
    "prohibitedcontent",
    "blocklist",
    "recitation",
    "spii",
    "guardrailintervened",
    "sensitive",
    "refusal",
];

/// Prefixes that some servers put before their words (`FINISH_REASON_MAX_TOKENS`, `eos_length`).
const PREFIXES: &[&str] = &["finishreason", "stopreason"];

impl Finish {
    /// Reads a server's or a recording's word, whatever its case and separators. A word that names neither a
    /// cut nor a filter means that the model stopped: servers have many (`eos`, `end_turn`, `tool_calls`).
    ///
    /// ```
    /// use plimsoll_core::Finish;
    /// assert_eq!(Finish::from_word("MAX_TOKENS"), Finish::Length);
    /// assert_eq!(Finish::from_word("model length"), Finish::Length);
    /// assert_eq!(Finish::from_word("end_turn"), Finish::Stop);
    /// ```
    pub fn from_word(word: &str) -> Self {
        let letters: String =
            word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        let bare = PREFIXES.iter().find_map(|prefix| letters.strip_prefix(prefix)).unwrap_or(&letters);
        if CUT.contains(&bare) {
            Self::Length
        } else if WITHHELD.contains(&bare) {
            Self::ContentFilter
        } else {
            Self::Stop
        }
    }

    /// How a generation ended of which a server says this much: its word, how many tokens were generated, and
    /// how many were allowed. As many tokens as were allowed are a cut, whatever the word: some servers say
    /// `stop` always. `None` if nothing tells.
    pub fn observed(word: Option<&str>, generated: Option<u64>, allowed: u32) -> Option<Self> {
        let said = word.map(Self::from_word);
        let is_full = generated.is_some_and(|generated| generated >= u64::from(allowed));
        match said {
            None | Some(Self::Stop) if is_full => Some(Self::Length),
            said => said,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_many_servers() {
        for word in [
            "length",
            "max_tokens",
            "MAX_TOKENS",
            "model_length",
            "max_output_tokens",
            "MaxTokens",
            "FINISH_REASON_MAX_TOKENS",
            "stop-reason: max_tokens",
            "Length",
            "model_context_window_exceeded",
        ] {
            assert_eq!(Finish::from_word(word), Finish::Length, "{word}");
        }
        for word in
            ["content_filter", "SAFETY", "ContentFiltered", "PROHIBITED_CONTENT", "guardrail_intervened"]
        {
            assert_eq!(Finish::from_word(word), Finish::ContentFilter, "{word}");
        }
        for word in ["stop", "STOP", "eos", "eos_token", "end_turn", "tool_calls", "stop_sequence", ""] {
            assert_eq!(Finish::from_word(word), Finish::Stop, "{word}");
        }
        for finish in Finish::ALL {
            assert_eq!(Finish::from_name(finish.name()), Some(finish));
            assert_eq!(Finish::from_word(finish.name()), finish);
        }
    }

    #[test]
    fn as_many_tokens_as_were_allowed_are_a_cut() {
        for (word, generated, expected) in [
            (Some("stop"), Some(64), Some(Finish::Length)),
            (Some("stop"), Some(63), Some(Finish::Stop)),
            (None, Some(64), Some(Finish::Length)),
            (None, Some(3), None),
            (None, None, None),
            (Some("length"), Some(3), Some(Finish::Length)),
            (Some("content_filter"), Some(64), Some(Finish::ContentFilter)),
        ] {
            assert_eq!(Finish::observed(word, generated, 64), expected, "{word:?} {generated:?}");
        }
    }
}
