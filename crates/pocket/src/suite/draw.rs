//! Seeded draws, and how often they give what is rare.

use plimsoll_core::Seed;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

/// How facts are presented: how uneven their frequencies are, and which wordings occur.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Feed {
    /// Exponent of the frequencies of facts: the fact of rank r comes with a weight of r^-zipf.
    pub(crate) zipf: f64,
    /// How many of the usual templates occur; the last of a list is not one of them.
    pub(crate) templates: usize,
    /// How often the last template of a list is taken, the rare one.
    pub(crate) rare_template: f64,
}

impl Feed {
    /// What evaluations ask: rare facts more often than training states them, every template.
    pub(crate) const EVALUATION: Self = Self { zipf: 0.35, templates: usize::MAX, rare_template: 0.15 };
}

/// Draws from a world, from one seed.
#[derive(Debug)]
pub(crate) struct Sampler {
    rng: ChaCha8Rng,
    feed: Feed,
}

impl Sampler {
    pub(crate) fn new(seed: Seed, feed: Feed) -> Self {
        Self { rng: seed.rng(), feed }
    }

    /// A number below `count`, which is not 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        self.rng.random_range(0..count)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u32, high: u32) -> u32 {
        self.rng.random_range(low..=high)
    }

    /// Whether something of this probability happens.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.rng.random::<f64>() < probability
    }

    /// One of several, all alike.
    pub(crate) fn pick<'t, T: ?Sized>(&mut self, options: &[&'t T]) -> &'t T {
        options[self.below(options.len())]
    }

    /// An index, drawn with these weights.
    pub(crate) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.rng.random::<f64>() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
        }
        // Rounding may leave a hair's breadth: the last index that can be drawn at all.
        weights.iter().rposition(|weight| *weight > 0.0).unwrap_or(0)
    }

    /// A rank below `count`, the first the most frequent.
    pub(crate) fn ranked(&mut self, count: usize) -> usize {
        let zipf = self.feed.zipf;
        let weights: Vec<f64> = (1..=count).map(|rank| (rank as f64).powf(-zipf)).collect();
        self.weighted(&weights)
    }

    /// The number of a template out of `count`, which is at least 2.
    pub(crate) fn template(&mut self, count: usize) -> usize {
        let usual = self.feed.templates.min(count - 1);
        if self.chance(self.feed.rare_template) { count - 1 } else { self.below(usual) }
    }

    /// Shuffles a list.
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for index in (1..list.len()).rev() {
            let other = self.below(index + 1);
            list.swap(index, other);
        }
    }

    /// Different numbers below `count`, in any order.
    pub(crate) fn distinct(&mut self, count: usize, wanted: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..count).collect();
        self.shuffle(&mut all);
        all.truncate(wanted);
        all
    }

    /// An answer among others that are wrong, `count` in all, in any order. Fewer if there are not as many.
    pub(crate) fn options<'t>(&mut self, right: &str, others: &[&'t str], count: usize) -> Vec<String> {
        let mut wrong: Vec<&'t str> = Vec::new();
        for other in others {
            if *other != right && !wrong.contains(other) {
                wrong.push(other);
            }
        }
        self.shuffle(&mut wrong);
        wrong.truncate(count - 1);
        let mut options: Vec<String> = wrong.into_iter().map(str::to_owned).collect();
        options.push(right.to_owned());
        self.shuffle(&mut options);
        options
    }
}

/// A template with its slots filled: `{a}` stands for the value of `a`.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |text, (slot, value)| text.replace(&format!("{{{slot}}}"), value))
}
