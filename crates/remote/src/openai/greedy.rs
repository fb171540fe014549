//! Whether an answer at temperature 0 is greedy. A server that penalises or cuts off tokens by settings of its own gives other
//! answers than the model, and says so only in the log-probabilities that it lists.

use plimsoll_core::records::TokenRow;

/// How much likelier, in nats, another token has to be. Servers compute in 16 bits, where two tokens may be likeliest at
/// once.
const NEAR_TIE: f32 = 0.1;

/// A token that was not the likeliest at its position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct UnlikelyToken {
    /// The natural log of its probability.
    pub(super) chosen: f32,
    /// That of the likeliest token.
    pub(super) likeliest: f32,
}

/// The first token that greedy decoding would not have taken; `None` too where the likeliest tokens are not listed.
pub(super) fn first_unlikely(tokens: &[TokenRow]) -> Option<UnlikelyToken> {
    tokens.iter().find_map(|token| {
        let (chosen, likeliest) = (token.logprob?, *token.top_logprobs.as_ref()?.first()?);
        (likeliest > chosen + NEAR_TIE).then_some(UnlikelyToken { chosen, likeliest })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(logprob: Option<f32>, top: Option<&[f32]>) -> TokenRow {
        TokenRow { logprob, top_logprobs: top.map(<[f32]>::to_vec), ..TokenRow::default() }
    }

    #[test]
    fn only_a_token_that_is_clearly_less_likely_is_found() {
        let greedy = token(Some(-0.5), Some(&[-0.5, -1.0]));
        let tie = token(Some(-0.75), Some(&[-0.7, -0.75]));
        let unlisted = token(Some(-9.0), None);
        let empty = token(Some(-9.0), Some(&[]));
        let unknown = token(None, Some(&[-0.1]));
        let like_greedy = [greedy, tie, unlisted, empty, unknown];
        assert_eq!(first_unlikely(&like_greedy), None);
        let penalised = token(Some(-2.0), Some(&[-0.5, -2.0]));
        let tokens = [like_greedy.as_slice(), &[penalised]].concat();
        assert_eq!(first_unlikely(&tokens), Some(UnlikelyToken { chosen: -2.0, likeliest: -0.5 }));
    }
}
