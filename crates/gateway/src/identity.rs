//! Whether the SLM behind the gateway is the one that a thresholds file was made for: what was checked, and what has
//! to be taken on trust.

use plimsoll_core::Decoding;
use plimsoll_core::canonical::to_text;
use plimsoll_remote::openai::{RequestFields, ServedDecoding};
use plimsoll_router::ModelIdentity;

use crate::error::GatewayError;
use crate::serving::ServingSettings;

/// What is known of the SLM.
#[derive(Debug, Clone)]
pub enum SlmIdentity {
    /// A server tells its model's name and nothing else.
    Server {
        /// The model's name at the server.
        served_as: String,
    },
    /// A model in this process, whose files were hashed.
    InProcess(Box<ModelIdentity>),
}

/// The SLM as it is held against a file.
#[derive(Debug, Clone)]
pub struct Bound {
    /// What the router compares.
    pub device: ModelIdentity,
    /// Fields that the file records and nobody could check.
    pub trusted: Vec<&'static str>,
}

/// How the SLM is asked: as the file records, else greedily to the settings' `max_tokens`. Fields of the settings stand in
/// for those of the file, so that others than these are refused when the model is bound.
///
/// # Errors
/// [`GatewayError::Decoding`] for a record that is none.
pub fn decoding(
    recorded: &ModelIdentity,
    settings: &ServingSettings,
) -> Result<ServedDecoding, GatewayError> {
    let mut asked = match &recorded.decoding {
        Some(text) => ServedDecoding::from_text(text).map_err(GatewayError::Decoding)?,
        None => {
            let decoding = Decoding::new(0.0, 1.0, settings.max_tokens)
                .map_err(|problem| GatewayError::config("slm.max_tokens", problem))?;
            ServedDecoding { decoding, fields: RequestFields::default() }
        }
    };
    if !settings.fields.is_empty() {
        asked.fields = settings.fields.clone();
    }
    Ok(asked)
}

impl SlmIdentity {
    /// The SLM, held against the one of a file. The name of a model is its user's and is taken from the file; decoding is
    /// what the gateway asks for; a model in this process knows no fields of servers.
    pub fn bind(&self, recorded: &ModelIdentity, asked: &ServedDecoding) -> Bound {
        let named = ModelIdentity::named(recorded.id.as_str());
        match self {
            Self::InProcess(identity) => {
                let mut device = identity.as_ref().clone();
                device.id = named.id;
                Bound { device: device.with_decoding(to_text(&asked.decoding)), trusted: Vec::new() }
            }
            Self::Server { served_as } => bind_server(named.with_decoding(asked.text()), served_as, recorded),
        }
    }
}

/// A pipeline that asked a server recorded the served name as revision, and no hash. A file with hashes was made in
/// process, and its revision is a commit, of which a server says nothing.
fn bind_server(named: ModelIdentity, served_as: &str, recorded: &ModelIdentity) -> Bound {
    let mut trusted = Vec::new();
    let mut device = named;
    let mut trust = |name, value: &Option<String>| {
        if value.is_some() {
            trusted.push(name);
        }
        value.clone()
    };
    device.revision = match &recorded.weights_sha256 {
        None => Some(served_as.to_owned()),
        Some(_) => trust("revision", &recorded.revision),
    };
    device.weights_sha256 = trust("weights_sha256", &recorded.weights_sha256);
    device.tokenizer_sha256 = trust("tokenizer_sha256", &recorded.tokenizer_sha256);
    device.chat_template_sha256 = trust("chat_template_sha256", &recorded.chat_template_sha256);
    device.quantisation = trust("quantisation", &recorded.quantisation);
    Bound { device, trusted }
}

/// What is left unverified, once the router has compared: recorded and trusted, or never recorded. A name says nothing,
/// and a revision nothing beyond the hash of the weights.
pub fn gaps(bound: &Bound, unrecorded: &[&'static str]) -> Vec<&'static str> {
    let weights_are_known =
        !unrecorded.contains(&"weights_sha256") && !bound.trusted.contains(&"weights_sha256");
    let counts = |field: &&&'static str| **field != "id" && !(weights_are_known && **field == "revision");
    bound.trusted.iter().chain(unrecorded.iter()).filter(counts).copied().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::point::PointSettings;

    fn greedy() -> ServedDecoding {
        let decoding = Decoding::new(0.0, 1.0, 32).unwrap();
        ServedDecoding { decoding, fields: RequestFields::default() }
    }

    fn neutral() -> RequestFields {
        let extra = [("repeat_penalty".to_owned(), json!(1.0))];
        RequestFields::new(BTreeMap::new(), extra.into()).unwrap()
    }

    fn settings(max_tokens: u32, fields: RequestFields) -> ServingSettings {
        ServingSettings {
            method: "perplexity".into(),
            target: "routing_ratio=0.3".parse().unwrap(),
            point: PointSettings { track: false, exploration: None, early_exit: false },
            max_tokens,
            fields,
            accept_unverified: true,
        }
    }

    fn local() -> ModelIdentity {
        ModelIdentity::named("file-name")
            .with_weights_sha256("w")
            .with_tokenizer_sha256("t")
            .with_chat_template_sha256("c")
            .with_quantisation("Q4_K_M")
    }

    #[test]
    fn a_model_in_process_is_held_by_its_hashes() {
        let mut recorded = local().with_decoding(greedy().text());
        recorded.id = "slm".into();
        let bound = SlmIdentity::InProcess(Box::new(local())).bind(&recorded, &greedy());
        assert_eq!(bound.device, recorded);
        assert!(gaps(&bound, &["revision"]).is_empty());
        assert_eq!(gaps(&bound, &["revision", "weights_sha256"]), ["revision", "weights_sha256"]);
    }

    #[test]
    fn of_a_server_the_name_is_checked_and_the_rest_is_trusted() {
        let server = SlmIdentity::Server { served_as: "qwen".into() };
        let asked = ModelIdentity::named("slm").with_revision("qwen");
        let bound = server.bind(&asked, &greedy());
        assert_eq!(bound.device.revision.as_deref(), Some("qwen"));
        assert!(bound.trusted.is_empty());
        let hashed = local().with_revision("commit");
        let bound = server.bind(&hashed, &greedy());
        assert_eq!(bound.device.revision.as_deref(), Some("commit"));
        assert_eq!(
            gaps(&bound, &[]),
            ["revision", "weights_sha256", "tokenizer_sha256", "chat_template_sha256", "quantisation"]
        );
    }

    #[test]
    fn decoding_is_the_file_s() {
        let plain = |max_tokens| settings(max_tokens, RequestFields::default());
        let named = ModelIdentity::named("a");
        assert_eq!(decoding(&named, &plain(9)).unwrap().decoding.max_new_tokens(), 9);
        let recorded = named.clone().with_decoding(greedy().text());
        assert_eq!(decoding(&recorded, &plain(9)).unwrap(), greedy());
        assert!(decoding(&named.clone().with_decoding("{}"), &plain(9)).is_err());
        assert!(decoding(&named, &plain(0)).is_err());
    }

    #[test]
    fn fields_are_the_file_s_and_others_are_refused() {
        let server = SlmIdentity::Server { served_as: "qwen".into() };
        let recorded = ServedDecoding { fields: neutral(), ..greedy() };
        let file = ModelIdentity::named("a").with_revision("qwen").with_decoding(recorded.text());
        let bind = |server: &SlmIdentity, fields: RequestFields, file: &ModelIdentity| {
            let asked = decoding(file, &settings(9, fields)).unwrap();
            (server.bind(file, &asked).device.decoding, asked)
        };
        for fields in [RequestFields::default(), neutral()] {
            let (device, asked) = bind(&server, fields, &file);
            assert_eq!((device, &asked), (file.decoding.clone(), &recorded));
        }
        // What the settings say is what the server would be sent, and the router compares it with the file.
        let other = RequestFields::new(BTreeMap::new(), [("top_k".to_owned(), json!(40))].into()).unwrap();
        let (device, _) = bind(&server, other, &file);
        assert!(device.unwrap().contains("top_k"));
        // A model in this process is asked without fields: a file that records some is not of it.
        let local = SlmIdentity::InProcess(Box::new(local()));
        let (device, _) = bind(&local, RequestFields::default(), &file);
        assert_eq!(device, Some(greedy().text()));
        // A file that does not record how answers were decoded takes the settings'.
        let (_, asked) = bind(&server, neutral(), &ModelIdentity::named("a"));
        assert_eq!(asked.fields, neutral());
    }
}
