//! Why a request was deferred, beyond what a confidence says.

use plimsoll_core::missing::MissingReason;
use serde::{Serialize, Serializer};

/// Why there is no confidence to decide about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoConfidence {
    /// A signal is missing, or gives no confidence: the reasons of the pipeline's own tables.
    Missing(MissingReason),
    /// The operating point was not fitted for such a request; names the field.
    UnsupportedRequest(&'static str),
    /// The SLM's stream ended before its answer did.
    ReplyCut,
    /// The answer was cut at the client's limit of tokens, which is below that of the calibration.
    CutByLimit,
    /// The server answered as another model than before.
    OtherModel,
    /// The model in this process has too many requests waiting.
    Busy,
}

impl NoConfidence {
    /// The stable name, in headers, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing(reason) => reason.name(),
            Self::UnsupportedRequest(_) => "unsupported_request",
            Self::ReplyCut => "reply_cut",
            Self::CutByLimit => "cut_by_limit",
            Self::OtherModel => "other_model",
            Self::Busy => "slm_busy",
        }
    }
}

impl<R: Into<MissingReason>> From<R> for NoConfidence {
    fn from(reason: R) -> Self {
        Self::Missing(reason.into())
    }
}

impl Serialize for NoConfidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_core::MissingSignal;

    use super::*;

    #[test]
    fn names_of_the_gateway_are_none_of_the_pipeline() {
        for own in [
            NoConfidence::UnsupportedRequest("n"),
            NoConfidence::ReplyCut,
            NoConfidence::CutByLimit,
            NoConfidence::OtherModel,
            NoConfidence::Busy,
        ] {
            assert!(MissingReason::from_name(own.name()).is_none(), "{}", own.name());
        }
        assert_eq!(NoConfidence::from(MissingSignal::TimedOut).name(), "timed_out");
    }
}
