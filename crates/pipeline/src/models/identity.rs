//! Which model it is: one hash, before and after the weights are read.

use plimsoll_core::canonical::canonical_sha256;
use plimsoll_engine::{ModelHashes, Opened, Placement};
use serde_json::json;

use crate::config::models::{LocalModel, TEMPLATE_DATE};

/// The identity of a model in this process: lower-case hexadecimal SHA-256 of all that its answers depend on beside
/// the requests. Cached chunks are addressed by it, and tables are made of chunks: its keys are a format.
pub(super) fn local_identity(
    model: &LocalModel,
    opened: &Opened,
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use plimsoll_engine::HashCache;

    use super::*;
    use crate::compute::{Device, Dtype, placement};
    use crate::config::models::Date;

    #[test]
    fn another_date_or_dtype_is_another_identity() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/pocket/slm");
        let opened = Opened::open(&folder).unwrap();
        let hashes = opened.hashes(&HashCache::none()).unwrap();
        let identity = |template_date: Option<&str>, dtype: Option<Dtype>| {
            let model = LocalModel {
                source: "slm".to_owned(),
                dtype,
                device: Device::Cpu,
                template_date: template_date.map(|date| Date::parse(date).unwrap()),
                template_variables: plimsoll_engine::chat::Variables::default(),
            };
            let placement = placement(model.dtype, model.device, opened.natural_dtype()).unwrap();
            local_identity(&model, &opened, &hashes, &placement)
        };
        let first = identity(None, None);
        assert_eq!(identity(Some("2025-01-01"), None), first, "the default, written out");
        assert_ne!(identity(Some("2025-01-02"), None), first);
        assert_ne!(identity(None, Some(Dtype::F16)), first);
    }
}
