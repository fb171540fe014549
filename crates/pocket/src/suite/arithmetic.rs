//! Sums of two numbers, their sizes and their keys: shared by the datasets that ask for one.

use super::draw::Draw;
use super::item::Level;

/// A sum or a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sum {
    /// First operand; the larger one of a difference.
    pub(crate) a: u32,
    /// Second operand.
    pub(crate) b: u32,
    /// Whether the second is taken away.
    pub(crate) minus: bool,
    /// By the size of the operands.
    pub(crate) level: Level,
}

impl Sum {
    /// A sum: one digit and one digit, two and one, two and two.
    pub(crate) fn draw(draw: &mut Draw) -> Self {
        /// Few pairs of one digit exist, so that they come less often.
        const SHARES: [f64; 3] = [0.2, 0.4, 0.4];
        let level = Level::ALL[draw.weighted(&SHARES)];
        let (a, b) = match level {
            Level::Easy => (draw.between(1, 9), draw.between(1, 9)),
            Level::Medium => (draw.between(10, 49), draw.between(1, 9)),
            Level::Hard => (draw.between(10, 49), draw.between(10, 49)),
        };
        let minus = draw.chance(0.5);
        let swap = if minus { a < b } else { draw.chance(0.5) };
        let (a, b) = if swap { (b, a) } else { (a, b) };
        Self { a, b, minus, level }
    }

    /// What comes out.
    pub(crate) fn value(self) -> u32 {
        if self.minus { self.a - self.b } else { self.a + self.b }
    }

    /// The pair is held out, in either order and in whatever words.
    pub(crate) fn key(self) -> String {
        let sign = if self.minus { '-' } else { '+' };
        format!("sum/{}{sign}{}", self.a.max(self.b), self.a.min(self.b))
    }
}
