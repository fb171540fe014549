//! Invented names: two open syllables of a small stock, so that a tokenizer learns them soon.

use std::collections::BTreeSet;

use plimsoll_core::Seed;
use plimsoll_core::seed::key_of;

/// What a syllable begins with.
const CONSONANTS: &str = "bdgklmnrtvz";
/// What it ends with.
const VOWELS: &str = "aeiou";
/// Names that would be words, some of them numbers, some of them rude.
const WORDS: &[&str] = &[
    "bilo", "bone", "data", "demo", "diva", "gala", "kilo", "lava", "limo", "logo", "lulu", "memo", "mega",
    "mini", "menu", "nano", "solo", "tuna", "tutu", "vote", "zero", "bali", "mali", "mile", "like", "time",
    "take", "male", "bozo", "dago", "gato", "gaza", "goru", "nazi", "nero", "nuke", "rabi", "toro", "zulu",
];

/// What no name begins with.
const RUDE: &[&str] = &["nig", "neg"];

/// Gives names, each once.
#[derive(Debug)]
pub(super) struct Namer {
    left: Vec<String>,
}

impl Namer {
    pub(super) fn new(seed: Seed) -> Self {
        let syllables: Vec<String> =
            CONSONANTS.chars().flat_map(|c| VOWELS.chars().map(move |v| format!("{c}{v}"))).collect();
        let mut left = BTreeSet::new();
        for first in &syllables {
            // English words of this shape mostly end in e.
            for second in syllables.iter().filter(|second| *second != first && !second.ends_with('e')) {
                left.insert(format!("{first}{second}"));
            }
        }
        let usable = |name: &String| {
            !WORDS.contains(&name.as_str()) && !RUDE.iter().any(|rude| name.starts_with(rude))
        };
        let mut left: Vec<String> = left.into_iter().filter(usable).collect();
        left.sort_by_key(|name| key_of(seed.bits(), name));
        Self { left }
    }

    /// Names of people and places.
    pub(super) fn proper(&mut self, count: usize) -> Vec<String> {
        self.common(count).into_iter().map(|name| name[..1].to_uppercase() + &name[1..]).collect()
    }

    /// Names of beasts and things.
    pub(super) fn common(&mut self, count: usize) -> Vec<String> {
        self.left.split_off(self.left.len().saturating_sub(count))
    }
}
