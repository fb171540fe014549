//! What an answer and its uncertainty cost: the tokens that were computed.

use plimsoll_core::records::{FollowUpRow, GenerationRow};
use plimsoll_core::{Decoding, SignalRequest};
use plimsoll_remote::openai::Price;
use plimsoll_uq::MethodConfig;
use plimsoll_uq::methods::PromptKind;

/// US dollars of one text: its tokens at the pipeline's price, else what its server charged; `None` where neither
/// is known. A text that could not be had costs nothing where prices are known.
pub(crate) fn text_cost(row: &GenerationRow, price: Option<Price>) -> Option<f64> {
    let (read, generated) = (row.prompt_tokens, row.completion_tokens);
    TextTokens { read, generated, failed: row.failure.is_some() }.cost(price).or(row.cost_usd)
}

/// As [`text_cost`], for a sample: in process it goes on from the prompt that the answer has read; a server reads
/// it again.
fn sample_cost(row: &GenerationRow, price: Option<Price>) -> Option<f64> {
    if row.served_model.is_some() || row.cost_usd.is_some() {
        return text_cost(row, price);
    }
    let (read, generated) = (row.prompt_tokens.map(|_| 0), row.completion_tokens);
    TextTokens { read, generated, failed: row.failure.is_some() }.cost(price)
}

fn follow_up_cost(row: &FollowUpRow, price: Option<Price>) -> Option<f64> {
    let (read, generated) = (row.prompt_tokens, row.completion_tokens);
    TextTokens { read, generated, failed: row.missing_reason.is_some() }.cost(price).or(row.cost_usd)
}

/// The tokens of a text, as far as they were counted, and whether there is no text because it failed.
#[derive(Debug, Clone, Copy)]
struct TextTokens {
    read: Option<u64>,
    generated: Option<u64>,
    failed: bool,
}

impl TextTokens {
    fn cost(self, price: Option<Price>) -> Option<f64> {
        match (self.read, self.generated) {
            (Some(read), Some(generated)) => price.map(|price| price.cost_usd(read, generated)),
            (None, None) if self.failed => price.map(|_| 0.0),
            _ => None,
        }
    }
}

/// The samples among rows that a signal request wants: those decoded at its temperatures.
pub(crate) fn samples<'r>(
    request: &SignalRequest,
    decoding: Decoding,
    rows: &'r [GenerationRow],
) -> impl Iterator<Item = &'r GenerationRow> + use<'r> {
    let wanted: Vec<(String, u32)> = request
        .samples()
        .iter()
        .filter_map(|samples| {
            Some((decoding.at_temperature(samples.temperature).ok()?.hash(), samples.count))
        })
        .collect();
    rows.iter().filter(move |row| {
        let index = row.sample_index;
        index > 0 && wanted.iter().any(|(hash, count)| *hash == row.decoding_hash && index <= *count)
    })
}

/// What was generated for a question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Generated<'a> {
    /// The answer that a method speaks of.
    pub(crate) answer: &'a GenerationRow,
    /// Everything that was generated for the question's main prompt.
    pub(crate) rows: &'a [GenerationRow],
}

/// US dollars of a small model's answer with all that a method needs beside it. `None` where a part is not known.
pub(crate) fn method_cost(
    method: &MethodConfig,
    decoding: Decoding,
    price: Option<Price>,
    Generated { answer, rows }: Generated<'_>,
) -> Option<f64> {
    let mut total = text_cost(answer, price)?;
    if method.prompt == PromptKind::Verbalized {
        return Some(total);
    }
    for sample in samples(&method.request, decoding, rows) {
        total += sample_cost(sample, price)?;
    }
    for id in method.request.follow_ups().keys() {
        let follow_up = answer.follow_ups.iter().find(|follow_up| follow_up.id == *id);
        total += follow_up.map_or(Some(0.0), |follow_up| follow_up_cost(follow_up, price))?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use plimsoll_uq::method;
    use serde_json::json;

    use super::*;

    const PRICE: Price = Price { input_per_mtok: 1.0, output_per_mtok: 10.0 };

    fn row(sample_index: u32, temperature: f64, tokens: (u64, u64)) -> GenerationRow {
        GenerationRow {
            sample_index,
            decoding_hash: Decoding::new(temperature, 1.0, 8).unwrap().hash(),
            prompt_tokens: Some(tokens.0),
            completion_tokens: Some(tokens.1),
            ..GenerationRow::default()
        }
    }

    fn cost(id: &str, parameters: &serde_json::Value, price: Option<Price>) -> Option<f64> {
        let follow_up = FollowUpRow {
            id: "p_true".into(),
            prompt_tokens: Some(20),
            completion_tokens: Some(1),
            ..FollowUpRow::default()
        };
        let answer = GenerationRow { follow_ups: vec![follow_up], ..row(0, 0.0, (100, 3)) };
        let rows = [answer.clone(), row(1, 1.0, (100, 2)), row(2, 1.0, (100, 4)), row(1, 0.5, (100, 50))];
        let method = method(id).unwrap().resolve(parameters).unwrap();
        method_cost(
            &method,
            Decoding::new(0.0, 1.0, 8).unwrap(),
            price,
            Generated { answer: &answer, rows: &rows },
        )
    }

    #[test]
    fn a_method_costs_what_it_needs_and_no_more() {
        /// US dollars: sums of a few products.
        const ROUNDING: f64 = 1e-15;
        let none = serde_json::Value::Null;
        let jaccard = json!({"samples": 2, "temperature": 1.0});
        for (id, parameters, micro_usd) in [
            ("perplexity", &none, 100.0 + 30.0),
            ("p_true", &none, 130.0 + 20.0 + 10.0),
            ("jaccard_degree", &jaccard, 130.0 + 60.0),
            ("verbalization_1s", &none, 130.0),
        ] {
            let found = cost(id, parameters, Some(PRICE)).unwrap();
            assert!((found - micro_usd / 1e6).abs() < ROUNDING, "{id}: {found}");
            assert_eq!(cost(id, parameters, None), None, "{id}: an unknown price makes no cost");
        }
    }

    #[test]
    fn the_pipeline_s_price_comes_before_what_was_charged_at_another() {
        let charged = GenerationRow { cost_usd: Some(0.5), ..row(0, 0.0, (100, 3)) };
        assert_eq!(text_cost(&charged, Some(PRICE)), Some(PRICE.cost_usd(100, 3)));
        assert_eq!(text_cost(&charged, None), Some(0.5));
        let unknown = GenerationRow { prompt_tokens: None, ..charged };
        assert_eq!(text_cost(&unknown, Some(PRICE)), Some(0.5));
        let failed = GenerationRow {
            failure: Some(plimsoll_core::MissingSignal::TimedOut),
            ..GenerationRow::default()
        };
        assert_eq!((text_cost(&failed, Some(PRICE)), text_cost(&failed, None)), (Some(0.0), None));
    }
}
