//! Word shingles of a question.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use plimsoll_core::Question;
use plimsoll_core::seed::key_of;
use unicode_normalization::UnicodeNormalization as _;

/// Words of a shingle.
pub const SHINGLE_WORDS: usize = 3;

/// Sorted hashes of the shingles of a text.
pub(super) type Set = Vec<u64>;

/// A map by shingle. A shingle is a hash already.
pub(super) type ByShingle<T> = HashMap<u64, T, BuildHasherDefault<AsItIs>>;

/// A hash as it is.
#[derive(Debug, Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Keys are `u64`, which come below.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// The shingles of a question: of everything, and, where there is a context, of what is asked about it.
#[derive(Debug)]
pub(super) struct Shingles {
    /// Of context, question and choices.
    pub(super) all: Set,
    /// Of question and choices; empty without a context, where it is the same.
    pub(super) asked: Set,
}

impl Shingles {
    pub(super) fn from_question(question: &Question, words: &mut ShingleBuffer) -> Self {
        let mut asked = Vec::new();
        words.add(&question.question, &mut asked);
        for choice in &question.choices {
            words.add(&choice.text, &mut asked);
        }
        match &question.context {
            None => Self { all: sorted(asked), asked: Vec::new() },
            Some(context) => {
                let mut all = asked.clone();
                words.add(context, &mut all);
                Self { all: sorted(all), asked: sorted(asked) }
            }
        }
    }
}

fn sorted(mut set: Set) -> Set {
    set.sort_unstable();
    set.dedup();
    set
}

/// Cuts texts into words and shingles; keeps its buffers.
#[derive(Debug, Default)]
pub(super) struct ShingleBuffer {
    folded: String,
    ends: Vec<(usize, usize)>,
}

impl ShingleBuffer {
    /// Adds the shingles of a text: runs of [`SHINGLE_WORDS`] words, or the whole text if it is shorter.
    /// A word is a run of letters and digits, lower-cased, compatibility forms folded (NFKC).
    fn add(&mut self, text: &str, set: &mut Set) {
        self.folded.clear();
        self.ends.clear();
        if text.is_ascii() {
            self.folded.extend(text.chars().map(|c| c.to_ascii_lowercase()));
        } else {
            self.folded.extend(text.nfkc().flat_map(char::to_lowercase));
        }
        let mut start = None;
        for (at, character) in self.folded.char_indices().chain([(self.folded.len(), ' ')]) {
            match (character.is_alphanumeric(), start) {
                (true, None) => start = Some(at),
                (false, Some(from)) => {
                    self.ends.push((from, at));
                    start = None;
                }
                _ => {}
            }
        }
        let hash = |words: &[(usize, usize)]| {
            words.iter().fold(0, |hash, (from, to)| key_of(hash, &self.folded[*from..*to]))
        };
        if self.ends.len() <= SHINGLE_WORDS {
            // A text of signs only still says something.
            set.push(if self.ends.is_empty() { key_of(1, &self.folded) } else { hash(&self.ends) });
        } else {
            set.extend(self.ends.windows(SHINGLE_WORDS).map(hash));
        }
    }
}

/// Size of the intersection over size of the union; two empty sets are alike.
pub(super) fn jaccard(a: &Set, b: &Set) -> f64 {
    let (mut i, mut j, mut shared) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, shared) = (i + 1, j + 1, shared + 1),
        }
    }
    let all = a.len() + b.len() - shared;
    if all == 0 { 1.0 } else { shared as f64 / all as f64 }
}
