//! Numbers that look random and are the same everywhere, without a crate for them.

/// A linear congruential generator with the constants of Knuth's MMIX.
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    /// A generator; equal seeds give equal numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn advance(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }

    /// The next number in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.advance() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The next number below `bound`, which is above 0.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.advance() >> 33).unwrap() % bound
    }

    /// One of these words.
    pub fn choose<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}
