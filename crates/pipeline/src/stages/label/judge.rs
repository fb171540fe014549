//! The judge: an LLM that grades. Its replies are cached in chunks like any answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_backend::{BackendObserver, Batch, Cancel, Control, Request};
use plimsoll_core::prompt::{Message, Prompt};
use plimsoll_core::records::GenerationRow;
use plimsoll_core::{Decoding, QuestionId, Reply, Seed, SignalRequest};
use plimsoll_label::JudgeError;
use plimsoll_label::judge::{self, Judge};
use plimsoll_store::read_rows;
use plimsoll_store::tables::generations;

use crate::cache::Chunks;
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::models::lazy::LazyModel;
use crate::models::prepared::PreparedModel;
use crate::observer::Observer;
use crate::run_folder::RunFolder;
use crate::shared_chunks::SharedChunks;
use crate::stage_key::PROGRAM_VERSION;
use crate::workload::Workload;

/// The folder of the judge's chunks in a run folder.
const CHUNKS: &str = ".work/judge";

/// A request to the judge, whose id is the hash of its prompt.
pub(super) fn judge_request(messages: Vec<Message>) -> Option<Request> {
    let prompt = Prompt {
        version: judge::VERSION.to_owned(),
        messages,
        follow_ups: Vec::new(),
        true_strings: Vec::new(),
        false_strings: Vec::new(),
    };
    let question_id = QuestionId::new(format!("judge/{}", prompt.hash())).ok()?;
    Some(Request { question_id, source_row: None, prompt })
}

/// The judge's replies, by request.
#[derive(Debug)]
pub(super) struct Verdicts {
    judge: String,
    replies: BTreeMap<String, GenerationRow>,
}

/// What asking the judge needs.
#[derive(Debug)]
pub(super) struct JudgeRun<'a> {
    pub(super) workload: &'a Workload<'a>,
    pub(super) folder: &'a RunFolder,
    pub(super) cancel: &'a Cancel,
    pub(super) observer: &'a dyn Observer,
}

impl JudgeRun<'_> {
    /// Asks the judge.
    ///
    /// # Errors
    /// What stops the judge's backend. Finished chunks stay.
    pub(super) fn verdicts(
        &self,
        judge: PreparedModel<'_>,
        requests: &[Request],
    ) -> Result<Verdicts, Failure> {
        let execution = self.workload.inference.execution;
        let chunks = Chunks::new(self.folder.path(CHUNKS), self.workload.seed, PROGRAM_VERSION);
        let chunks = SharedChunks::new(chunks, None);
        let id = judge.config.id.clone();
        let progress = self.observer.requests(&id, requests.len() as u64);
        let events: Arc<dyn BackendObserver> = Arc::clone(&progress) as Arc<dyn BackendObserver>;
        // Greedily, for one JSON object.
        let decoding = Decoding::new(0.0, 1.0, judge::MAX_TOKENS).or_fail(FailureKind::Stage)?;
        let (signals, seed) = (SignalRequest::answer(), Seed::new(self.workload.seed).derive("judge"));
        let mut judge = LazyModel::new(judge, execution);
        let mut replies = BTreeMap::new();
        for requests in requests.chunks(execution.chunk) {
            let batch = Batch::new(requests, &signals, decoding, seed).or_fail(FailureKind::Stage)?;
            let control = Control { cancel: self.cancel, progress: &events };
            let (chunk, is_new) = judge.chunk(&chunks, &batch, &control)?;
            if !is_new {
                progress.cached(requests.len() as u64);
            }
            let rows = read_rows::<GenerationRow>(&chunk.generations, &generations::TABLE);
            for row in rows.or_fail(FailureKind::Stage)? {
                replies.insert(row.question_id.clone(), row);
            }
        }
        judge.finish(&chunks)?;
        Ok(Verdicts { judge: id.to_string(), replies })
    }
}

impl Judge for Verdicts {
    fn model(&self) -> &str {
        &self.judge
    }

    fn ask(&self, messages: &[Message]) -> Result<Reply<'_>, JudgeError> {
        let request = judge_request(messages.to_vec());
        let reply = request.and_then(|request| self.replies.get(request.question_id.as_str()));
        reply.and_then(Reply::from_generation).ok_or_else(|| JudgeError::Request {
            model: self.judge.clone(),
            source: "it gave no reply".into(),
        })
    }
}
