//! A hash of score rows, for a table that is no file.

use plimsoll_core::RawScore;
use plimsoll_files::ContentHash;

/// Bytes that are gathered before they are hashed.
const GATHERED_BYTES: usize = 1 << 16;
const MISSING: u8 = 0;
const PRESENT: u8 = 1;

/// SHA-256 over rows, each value with its length or as eight bytes, so that no two tables give the same bytes.
#[derive(Debug, Default)]
pub(crate) struct ScoreHash {
    hash: ContentHash,
    gathered: Vec<u8>,
}

impl ScoreHash {
    pub(crate) fn push(&mut self, row: &RawScore<'_>) {
        let texts = [
            Some(row.question_id),
            Some(row.dataset),
            row.domain,
            row.slm,
            row.llm,
            Some(row.method),
            row.cluster_id,
        ];
        for text in texts {
            self.push_option(text, |bytes, text| {
                bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
                bytes.extend_from_slice(text.as_bytes());
            });
        }
        for number in [row.confidence, row.slm_cost, row.llm_cost] {
            self.push_option(number, |bytes, number| {
                bytes.extend_from_slice(&number.to_bits().to_le_bytes());
            });
        }
        for flag in [row.slm_correct, row.llm_correct] {
            self.push_option(flag, |bytes, flag| bytes.push(u8::from(flag)));
        }
        if self.gathered.len() >= GATHERED_BYTES {
            self.hash.update(&self.gathered);
            self.gathered.clear();
        }
    }

    fn push_option<T>(&mut self, value: Option<T>, push: impl FnOnce(&mut Vec<u8>, T)) {
        match value {
            None => self.gathered.push(MISSING),
            Some(value) => {
                self.gathered.push(PRESENT);
                push(&mut self.gathered, value);
            }
        }
    }

    pub(crate) fn finish(mut self) -> ContentHash {
        self.hash.update(&self.gathered);
        self.hash
    }
}
