//! Which model it is: one hash, before and after the weights are read.

use plimsoll_core::canonical::canonical_sha256;
use plimsoll_engine::{ModelHashes, OpenedModel, Placement};
use serde_json::json;

use crate::config::models::{LocalModel, TEMPLATE_DATE};

/// The identity of a model in this process: lower-case hexadecimal SHA-256 of all that its answers depend on beside
/// the requests. Cached chunks are addressed by it, and tables are made of chunks: its keys are a format.
pub(super) fn local_identity(
    model: &LocalModel,
    opened: &OpenedModel,
    hashes: &ModelHashes,
    placement: &Placement,
) -> String {
    let described = opened.description();
    let mut identity = json!({
        "backend": "candle 1",
        "weights": hashes.weights_sha256, "tokenizer": hashes.tokenizer_sha256, "config": hashes.config_sha256,
        "chat_template": described.chat_template_sha256, "stop_tokens": described.stop_tokens,
        "dtype": placement.dtype.as_str(), "device": model.device,
    });
    if let Some(products) = opened.packed_products(&placement.device) {
        identity["packed_products"] = products.into();
    }
    if let Some(date) = model.template_date.filter(|date| *date != TEMPLATE_DATE) {
        identity["template_date"] = date.to_string().into();
    }
    canonical_sha256(&identity)
}
