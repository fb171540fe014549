//! Asks the SLM, wherever it runs: an answer with its signals, a decision that was known early, or why there is neither.

use plimsoll_core::records::GenerationRow;
use plimsoll_core::{Decoding, Finish};
use plimsoll_remote::openai::{ChatRequestError, Price, Served, ServedDecoding};
use serde_json::Value;

use crate::in_process::{Asked, InProcess, completion};
use crate::metrics::Metrics;
use crate::point::{EarlyExit, Point};
use crate::reason::NoConfidence;
use crate::reply::ChunkCollector;
use crate::request::{ChatRequest, SlmFields};
use crate::upstream::{Events, Reply, StreamEvent, Upstream};

/// The SLM.
#[derive(Debug)]
pub enum Slm {
    /// On a server.
    Server(Box<Upstream>),
    /// In this process.
    InProcess(InProcess),
}

/// What came of asking.
#[derive(Debug)]
pub enum SlmOutcome {
    /// An answer.
    Answered(Box<SlmAnswer>),
    /// The decision is known, and the SLM was stopped.
    Early(EarlyExit),
    /// No answer.
    Failed(NoConfidence),
}

/// An answer of the SLM.
#[derive(Debug)]
pub struct SlmAnswer {
    /// As a whole chat completion.
    pub document: Value,
    /// With its signals.
    pub row: GenerationRow,
}

/// What the SLM is asked, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct SlmQuestion<'a> {
    /// The decision's id.
    pub id: &'a str,
    /// The client's request.
    pub request: &'a ChatRequest,
    /// The operating point that decides.
    pub point: &'a Point,
    /// How the file's answers were decoded.
    pub calibrated: &'a ServedDecoding,
}

impl SlmQuestion<'_> {
    fn decoding(&self) -> Decoding {
        self.request.decoding(self.calibrated.decoding)
    }

    fn top_logprobs(&self) -> u8 {
        self.point.method().top_logprobs()
    }
}

impl Slm {
    /// The model's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Server(server) => server.model(),
            Self::InProcess(model) => model.name(),
        }
    }

    /// What tokens cost.
    pub fn price(&self) -> Option<Price> {
        match self {
            Self::Server(server) => server.price(),
            Self::InProcess(model) => model.price(),
        }
    }

    /// Asks.
    pub async fn ask(&self, question: SlmQuestion<'_>, metrics: &Metrics) -> SlmOutcome {
        let outcome = match self {
            Self::Server(server) => ask_server(server, question, metrics).await,
            Self::InProcess(model) => ask_model(model, question).await,
        };
        match outcome {
            Ok(SlmOutcome::Answered(answer)) if is_cut(&answer.row, question) => {
                SlmOutcome::Failed(NoConfidence::CutByLimit)
            }
            Ok(outcome) => outcome,
            Err(reason) => {
                metrics.failed("slm", reason.name());
                SlmOutcome::Failed(reason)
            }
        }
    }
}

/// Whether an answer was cut where the calibration's would have gone on. One that ended by itself, or at the calibration's
/// own limit, is the same answer.
fn is_cut(row: &GenerationRow, question: SlmQuestion<'_>) -> bool {
    let is_shorter = question.decoding().max_new_tokens() < question.calibrated.decoding.max_new_tokens();
    is_shorter && row.finish_reason == Some(Finish::Length)
}

async fn ask_model(model: &InProcess, question: SlmQuestion<'_>) -> Result<SlmOutcome, NoConfidence> {
    let SlmQuestion { id, request, point, .. } = question;
    let signals = &point.method().config().request;
    let asked = Asked { id, messages: request.messages(), signals, decoding: question.decoding() };
    let row = model.answer(asked).await?;
    let document = completion(id, model.name(), &row);
    Ok(SlmOutcome::Answered(Box::new(SlmAnswer { document, row })))
}

async fn ask_server(
    server: &Upstream,
    question: SlmQuestion<'_>,
    metrics: &Metrics,
) -> Result<SlmOutcome, NoConfidence> {
    let growing = question.point.growing();
    let fields = SlmFields {
        model: server.model(),
        decoding: question.decoding(),
        token_limit: server.token_limit(),
        top_logprobs: question.top_logprobs(),
        fields: &question.calibrated.fields,
        // Streamed where it can be stopped, or where a stall is to be noticed before the client gives up.
        stream: growing.is_some() || question.request.is_streamed(),
    };
    let body = question.request.slm_body(&fields).map_err(|error| {
        tracing::error!("a request to the SLM cannot be written: {error}");
        NoConfidence::from(plimsoll_core::MissingSignal::RequestRefused)
    })?;
    let document = match server.complete(body, fields.stream).await.map_err(|error| failed(&error))? {
        Reply::Whole(document) => *document,
        Reply::Events(events) => match collect(*events, ChunkCollector::new(growing), question).await? {
            Collected::Whole(document) => *document,
            Collected::Early(exit) => return Ok(SlmOutcome::Early(exit)),
        },
    };
    let listed = question.top_logprobs();
    let row = server.reader().row(&document, question.decoding().max_new_tokens(), listed);
    let row = row.map_err(|error| failed(&error))?;
    let served =
        Served { model: row.served_model.clone(), system_fingerprint: row.system_fingerprint.clone() };
    if server.is_other_fingerprint(&served) {
        metrics.fingerprints.inc();
    }
    if !server.is_same_model(&served) {
        return Err(NoConfidence::OtherModel);
    }
    Ok(SlmOutcome::Answered(Box::new(SlmAnswer { document, row })))
}

/// A stream that was read as far as need be.
enum Collected {
    Whole(Box<Value>),
    Early(EarlyExit),
}

async fn collect(
    mut events: Events,
    mut collector: ChunkCollector,
    question: SlmQuestion<'_>,
) -> Result<Collected, NoConfidence> {
    let max_tokens = u64::from(question.decoding().max_new_tokens());
    // A client that wants the SLM's answer in any case, as in shadow mode, is asked without a confidence that grows.
    loop {
        match events.next().await.map_err(|error| failed(&error))? {
            Some(StreamEvent::Done) => {
                collector.end();
                break;
            }
            None => break,
            Some(StreamEvent::Chunk(chunk)) => collector.take(&chunk),
        }
        let exit = collector.growing().and_then(|growing| question.point.must_defer(growing, max_tokens));
        if let Some(exit) = exit {
            // Dropping the events closes the connection, which stops the server.
            return Ok(Collected::Early(exit));
        }
    }
    collector.finish().map(|document| Collected::Whole(Box::new(document)))
}

/// What a failed request means for the decision.
fn failed(error: &ChatRequestError) -> NoConfidence {
    tracing::warn!("the SLM did not answer: {error}");
    match error {
        ChatRequestError::Cut { .. } => NoConfidence::ReplyCut,
        error => error.missing_reason().into(),
    }
}
