//! The LLM wherever it runs.

use std::time::Duration;

use plimsoll_core::{MissingSignal, SignalRequest};
use plimsoll_remote::openai::{ChatRequestError, Price};

use crate::in_process::{Asked, InProcess, completion};
use crate::reason::NoConfidence;
use crate::request::ChatRequest;
use crate::route_notice::keep_asked_logprobs;
use crate::upstream::{Reply, Upstream};

/// What a model in this process is called where a server has its address.
const HERE: &str = "the LLM in this process";
/// When a client may ask again whose request found no room.
const BUSY: Duration = Duration::from_secs(1);

/// The LLM.
#[derive(Debug)]
pub enum Llm {
    /// On a server, which gets the client's request as it is.
    Server(Box<Upstream>),
    /// In this process.
    InProcess {
        /// The model.
        model: InProcess,
        /// Tokens of an answer, where the client does not say.
        max_tokens: u32,
    },
}

impl Llm {
    /// The model's name.
    pub fn model(&self) -> &str {
        match self {
            Self::Server(server) => server.model(),
            Self::InProcess { model, .. } => model.name(),
        }
    }

    /// What tokens cost.
    pub fn price(&self) -> Option<Price> {
        match self {
            Self::Server(server) => server.price(),
            Self::InProcess { model, .. } => model.price(),
        }
    }

    /// Where it is, for messages.
    pub fn host(&self) -> &str {
        match self {
            Self::Server(server) => &server.reader().host,
            Self::InProcess { .. } => HERE,
        }
    }

    /// Answers a client's request; `id` is the decision's. A model in this process answers as a whole.
    ///
    /// # Errors
    /// Why there is no answer: also a request for something that a model in this process cannot do.
    pub async fn complete(
        &self,
        id: &str,
        request: &ChatRequest,
        is_streamed: bool,
    ) -> Result<Reply, ChatRequestError> {
        match self {
            Self::Server(server) => {
                let body = request.llm_body(server.model(), server.fields()).map_err(|_| {
                    ChatRequestError::Malformed {
                        host: self.host().to_owned(),
                        problem: "the request cannot be written",
                    }
                })?;
                server.complete(body, is_streamed).await
            }
            Self::InProcess { model, max_tokens } => answer(model, *max_tokens, id, request).await,
        }
    }
}

async fn answer(
    model: &InProcess,
    max_tokens: u32,
    id: &str,
    request: &ChatRequest,
) -> Result<Reply, ChatRequestError> {
    if let Some(field) = request.beyond_text() {
        return Err(refused(format!("it answers with one text alone, and `{field}` asks for more")));
    }
    let decoding = request.free_decoding(max_tokens).map_err(refused)?;
    let signals = match request.logprobs() {
        Some(_) => SignalRequest::answer().with_logprobs(),
        None => SignalRequest::answer(),
    };
    let asked = Asked { id, messages: request.messages(), signals: &signals, decoding };
    let row = model.answer(asked).await.map_err(|reason| failed(model, reason))?;
    let mut document = completion(id, model.name(), &row);
    keep_asked_logprobs(&mut document, request.logprobs());
    Ok(Reply::Whole(Box::new(document)))
}

fn refused(message: String) -> ChatRequestError {
    let reason = MissingSignal::RequestRefused;
    ChatRequestError::Refused { host: HERE.to_owned(), status: 400, reason, message }
}

fn failed(model: &InProcess, reason: NoConfidence) -> ChatRequestError {
    let host = HERE.to_owned();
    match reason {
        NoConfidence::Busy => ChatRequestError::RateLimited {
            host,
            wait: Some(BUSY),
            message: "as many requests wait as may".to_owned(),
        },
        reason if reason == MissingSignal::TimedOut.into() => {
            ChatRequestError::Timeout { host, within: model.total() }
        }
        reason => {
            ChatRequestError::Server { host, status: 500, wait: None, message: reason.name().to_owned() }
        }
    }
}
