//! A judge's replies, in chunks that outlive the process like any answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_backend::{BackendObserver, Batch, Cancel, Control, Request};
use plimsoll_core::records::GenerationRow;
use plimsoll_core::{Seed, SignalRequest};
use plimsoll_pipeline::Chunks;
use plimsoll_store::read_rows;
use plimsoll_store::tables::generations;

use super::asked::Asked;
use super::key::PROGRAM_VERSION;
use super::labelling::verdict_decoding;
use crate::backend::{Lazy, Prepared};
use crate::console::Console;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::folder::OutputFolder;
use crate::progress::Answers;

/// Where a judge's chunks lie in an output folder.
const CHUNKS: &str = ".work/judge";

/// What the judge says to each ask, as a row that may hold no text.
///
/// # Errors
/// What stops the judge's backend. Finished chunks stay.
pub(crate) fn replies(
    judge: Prepared<'_>,
    requests: &[Request],
    (folder, asked, cancel): (&OutputFolder, &Asked<'_>, &Cancel),
    console: &Console,
) -> Result<BTreeMap<String, GenerationRow>, Failure> {
    let chunks = Chunks::new(folder.path(CHUNKS), asked.seed, PROGRAM_VERSION);
    let answers = Arc::new(Answers::new(console, judge.id.as_str(), requests.len() as u64));
    let hears: Arc<dyn BackendObserver> = Arc::clone(&answers) as Arc<dyn BackendObserver>;
    let (signals, decoding) = (SignalRequest::answer(), verdict_decoding()?);
    let mut judge = Lazy::new(judge, asked.asking.inference);
    let mut replies = BTreeMap::new();
    for requests in requests.chunks(asked.asking.inference.chunk) {
        let seed = Seed::new(asked.seed).derive("judge");
        let batch = Batch::new(requests, &signals, decoding, seed).or_fail(Kind::Stage)?;
        let control = Control { cancel, progress: &hears };
        let (chunk, is_new) = judge.chunk(&chunks, &batch, &control)?;
        if !is_new {
            answers.kept(requests.len() as u64);
        }
        for row in read_rows::<GenerationRow>(&chunk.generations, &generations::TABLE).or_fail(Kind::Stage)? {
            replies.insert(row.question_id.clone(), row);
        }
    }
    judge.finish(&chunks)?;
    Ok(replies)
}
