//! Deterministic changes of inputs: the same seed gives the same inputs on every machine.

/// Tokens of the formats that are read, which random bytes would hardly hit.
const TOKENS: &[&str] = &[
    "null",
    "true",
    "-1",
    "1e999",
    "NaN",
    "18446744073709551616",
    "\"\"",
    "{}",
    "[]",
    "{\"",
    "\":",
    "\\u0000",
    "\\ud800",
    "../",
    "{{",
    "}}",
    "{%",
    "%}",
    "| ",
    "~",
    "****",
    "\\boxed{",
    "</think>",
    "Answer:",
    ",\n",
    "\r\n",
    "\u{feff}",
    "\u{1f600}",
    "PAR1",
    "GGUF",
];

/// Longest input that a mutation gives, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// Changes inputs at random, from a seed.
#[derive(Debug, Clone)]
pub struct Mutator {
    state: u64,
}

impl Mutator {
    /// A mutator; equal seeds give equal changes.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A number below `bound`, or 0 if that is 0.
    fn below(&mut self, bound: usize) -> usize {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % (bound.max(1) as u64)).unwrap_or(0)
    }

    /// One of the inputs with one to four changes.
    pub fn mutated(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let Some(input) = corpus.get(self.below(corpus.len())) else { return Vec::new() };
        let mut bytes = input.clone();
        for _ in 0..=self.below(4) {
            self.change(&mut bytes, corpus);
        }
        bytes.truncate(MAX_BYTES);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(bytes.len() + 1);
        let end = (at + 1 + self.below(32)).min(bytes.len());
        match self.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 if at < bytes.len() => bytes[at] = u8::try_from(self.below(256)).unwrap_or(0),
            2 if at < end => drop(bytes.drain(at..end)),
            3 if at < end => {
                let copy = bytes[at..end].to_vec();
                let to = self.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            4 => bytes.truncate(at),
            5 => {
                let other = corpus.get(self.below(corpus.len())).map_or(&[][..], Vec::as_slice);
                let from = self.below(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => {
                let token = TOKENS[self.below(TOKENS.len())].bytes();
                bytes.splice(at..at, token);
            }
        }
    }
}
