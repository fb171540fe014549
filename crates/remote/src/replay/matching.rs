//! The rows of a request from the recordings of its question. Nothing is invented.

use plimsoll_core::records::{FollowUpRow, GenerationRow};
use plimsoll_core::signal::{FollowUpSignal, SampleSignal};
use plimsoll_core::{MissingSignal, ModelId};

use super::error::ReplayError;
use super::index::FoundRecording;
use plimsoll_backend::observation::{Observation, RowKey, keep_likeliest, sample_decoding};
use plimsoll_backend::request::{Batch, Request};

/// The recordings of one question with the request's prompt.
pub(super) struct Matching<'a> {
    batch: &'a Batch<'a>,
    request: &'a Request,
    key: RowKey,
    found: Vec<FoundRecording>,
    /// Why a text is missing that none of them holds.
    default_reason: MissingSignal,
}

impl<'a> Matching<'a> {
    pub(super) fn new(
        batch: &'a Batch<'a>,
        request: &'a Request,
        model: &ModelId,
        mut found: Vec<FoundRecording>,
    ) -> Self {
        let key = RowKey::new(request, model);
        let all = found.len();
        found.retain(|found| {
            found.recording.prompt_hash.as_ref().is_none_or(|hash| hash == key.prompt_hash())
        });
        let is_of_another = found.is_empty() && all > 0;
        let default_reason =
            if is_of_another { MissingSignal::OtherPrompt } else { MissingSignal::NotRecorded };
        Self { batch, request, key, found, default_reason }
    }

    /// The rows.
    pub(super) fn observation(&self) -> Result<Observation, ReplayError> {
        let mut generations = vec![self.answer()?];
        for samples in self.batch.signals().samples() {
            for index in 1..=samples.count {
                generations.push(self.sample(samples, index)?);
            }
        }
        Ok(Observation {
            question_id: self.request.question_id.clone(),
            generations,
            hidden_states: self
                .key
                .missing_states(self.batch.signals(), MissingSignal::HiddenStatesUnsupported),
        })
    }

    fn answer(&self) -> Result<GenerationRow, ReplayError> {
        let decoding = self.batch.decoding();
        // There is one answer: if its parameters are not recorded, they are those of this batch.
        let recorded = self.one(&decoding.hash(), true, recorded_answer)?;
        let mut row = self.key.generation(&decoding, 0);
        self.fill(&mut row, recorded);
        if self.batch.signals().logprobs() {
            row.tokens = recorded.and_then(|recorded| recorded.tokens.clone());
            keep_likeliest(&mut row, usize::from(self.batch.signals().top_logprobs()));
            row.logprobs_missing = match (&row.text, &row.tokens) {
                (None, _) => Some(MissingSignal::NoAnswer),
                (_, None) => Some(
                    recorded
                        .and_then(|recorded| recorded.logprobs_missing)
                        .unwrap_or(MissingSignal::NoLogprobs),
                ),
                (_, Some(tokens)) => {
                    tokens.iter().any(|token| token.logprob.is_none()).then_some(MissingSignal::NoLogprobs)
                }
            };
        }
        for (id, signal) in self.batch.signals().follow_ups() {
            let follow_up = self.follow_up(recorded, id, *signal);
            row.follow_ups.push(follow_up);
        }
        Ok(row)
    }

    fn sample(&self, samples: &SampleSignal, index: u32) -> Result<GenerationRow, ReplayError> {
        let decoding = sample_decoding(self.batch.decoding(), samples);
        let is_plain = self.batch.signals().samples().len() == 1;
        let recorded = self.one(&decoding.hash(), is_plain, |found| recorded_sample(found, index))?;
        let mut row = self.key.generation(&decoding, index);
        self.fill(&mut row, recorded);
        if recorded.is_none() && self.is_of_unknown_temperature(index) {
            row.failure = Some(MissingSignal::TemperatureNotRecorded);
        }
        Ok(row)
    }

    /// Whether a sample is recorded without its decoding parameters, and could be of several.
    fn is_of_unknown_temperature(&self, index: u32) -> bool {
        self.found
            .iter()
            .filter_map(|found| recorded_sample(found, index))
            .any(|text| text.decoding_hash.is_none())
    }

    /// The one recorded text of these decoding parameters; `accepts_unhashed` = also one without recorded parameters.
    fn one<'b>(
        &'b self,
        decoding_hash: &str,
        accepts_unhashed: bool,
        pick: impl Fn(&'b FoundRecording) -> Option<RecordedText<'b>>,
    ) -> Result<Option<&'b GenerationRow>, ReplayError> {
        let mut taken: Option<(&FoundRecording, &GenerationRow)> = None;
        for found in &self.found {
            let fits = |text: &RecordedText<'_>| {
                text.decoding_hash.map_or(accepts_unhashed, |hash| hash == decoding_hash)
            };
            let Some(text) = pick(found).filter(fits) else { continue };
            match taken {
                Some((first, known)) if known != text.row => return Err(self.repeated(first, found)),
                Some(_) => {}
                None => taken = Some((found, text.row)),
            }
        }
        Ok(taken.map(|(_, row)| row))
    }

    fn repeated(&self, first: &FoundRecording, second: &FoundRecording) -> ReplayError {
        ReplayError::Repeated {
            question_id: self.request.question_id.as_str().to_owned(),
            path: first.path.clone(),
            line: first.line,
            other_path: second.path.clone(),
            other_line: second.line,
        }
    }

    /// Copies what is recorded of a text, but for its tokens and follow-ups.
    fn fill(&self, row: &mut GenerationRow, recorded: Option<&GenerationRow>) {
        let Some(recorded) = recorded else {
            row.failure = Some(self.default_reason);
            return;
        };
        row.text.clone_from(&recorded.text);
        row.finish_reason = recorded.finish_reason;
        row.starts_in_reasoning = recorded.starts_in_reasoning;
        row.prompt_tokens = recorded.prompt_tokens;
        row.completion_tokens = recorded.completion_tokens;
        row.latency_ms = recorded.latency_ms;
        row.cost_usd = recorded.cost_usd;
        row.attempts = recorded.attempts;
        row.served_model.clone_from(&recorded.served_model);
        row.system_fingerprint.clone_from(&recorded.system_fingerprint);
        if row.text.is_none() {
            row.failure = Some(recorded.failure.unwrap_or(MissingSignal::NotRecorded));
        }
    }

    fn follow_up(&self, answer: Option<&GenerationRow>, id: &str, signal: FollowUpSignal) -> FollowUpRow {
        let recorded = answer.and_then(|answer| answer.follow_ups.iter().find(|known| known.id == id));
        let Some(recorded) = recorded else {
            let is_known = self.request.prompt.follow_up(id).is_some();
            let reason = if is_known { MissingSignal::NotRecorded } else { MissingSignal::NoSuchFollowUp };
            let missing_reason = Some(reason);
            return FollowUpRow { id: id.to_owned(), missing_reason, ..FollowUpRow::default() };
        };
        let mut row = recorded.clone();
        if signal.text_tokens.is_none() {
            row.text = None;
        }
        if !signal.masses {
            (row.true_mass, row.false_mass, row.censored) = (None, None, None);
        }
        let is_whole = (signal.text_tokens.is_none() || row.text.is_some())
            && (!signal.masses || (row.true_mass.is_some() && row.false_mass.is_some()));
        row.missing_reason = (!is_whole).then(|| row.missing_reason.unwrap_or(MissingSignal::NotRecorded));
        row
    }
}

/// A recorded text, with the hash of its decoding parameters where that is recorded.
struct RecordedText<'a> {
    row: &'a GenerationRow,
    decoding_hash: Option<&'a str>,
}

fn recorded_answer(found: &FoundRecording) -> Option<RecordedText<'_>> {
    let recording = &found.recording;
    let text = RecordedText { row: &recording.row, decoding_hash: recording.decoding_hash.as_deref() };
    (recording.sample_index == 0).then_some(text)
}

/// The sample of this index, from 1: a line of its own, or one in the line of the answer, whose decoding
/// parameters are not the sample's.
fn recorded_sample(found: &FoundRecording, index: u32) -> Option<RecordedText<'_>> {
    let recording = &found.recording;
    if recording.sample_index > 0 {
        let text = RecordedText { row: &recording.row, decoding_hash: recording.decoding_hash.as_deref() };
        return (recording.sample_index == index).then_some(text);
    }
    let position = usize::try_from(index).ok()?.checked_sub(1)?;
    recording.samples.get(position).map(|row| RecordedText { row, decoding_hash: None })
}
