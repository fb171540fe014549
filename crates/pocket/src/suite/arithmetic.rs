//! Sums of two and three numbers, their sizes and their keys: shared by the datasets that ask for one.

use std::ops::RangeInclusive;

use super::draw::Sampler;
use super::item::Difficulty;
use super::side::SuiteSide;

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
    pub(crate) level: Difficulty,
}

impl Sum {
    /// A sum: one digit and one digit, two and one, two and two.
    pub(crate) fn draw(draw: &mut Sampler) -> Self {
        /// Few pairs of one digit exist, so that they come less often.
        const SHARES: [f64; 3] = [0.2, 0.4, 0.4];
        let level = Difficulty::ALL[draw.weighted(&SHARES)];
        let (a, b) = match level {
            Difficulty::Easy => (draw.between(1, 9), draw.between(1, 9)),
            Difficulty::Medium => (draw.between(10, 49), draw.between(1, 9)),
            Difficulty::Hard => (draw.between(10, 49), draw.between(10, 49)),
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

/// Several sums in a row: cheap tokens for what takes many. No held-out sum.
pub(crate) fn statement(draw: &mut Sampler) -> String {
    const SUMS: usize = 2;
    let mut sums = Vec::with_capacity(SUMS);
    while sums.len() < SUMS {
        let sum = Sum::draw(draw);
        if SuiteSide::from_key(&sum.key()) == SuiteSide::Training {
            let sign = if sum.minus { '-' } else { '+' };
            sums.push(format!("{} {sign} {} = {}.", sum.a, sum.b, sum.value()));
        }
    }
    sums.join(" ")
}

/// A number that changes twice and never falls below 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steps {
    /// What there is at first.
    pub(crate) start: u32,
    /// By how much it goes up or down.
    pub(crate) by: [i64; 2],
}

impl Steps {
    /// Steps from a start within a range, by at most `max_step` each.
    pub(crate) fn draw(start: RangeInclusive<u32>, max_step: u32, draw: &mut Sampler) -> Self {
        loop {
            let start = draw.between(*start.start(), *start.end());
            let mut by = || {
                let by = i64::from(draw.between(1, max_step));
                if draw.chance(0.5) { by } else { -by }
            };
            let steps = Self { start, by: [by(), by()] };
            if i64::from(start) + steps.by[0] >= 0 && steps.value() >= 0 {
                return steps;
            }
        }
    }

    /// What there is in the end.
    pub(crate) fn value(&self) -> i64 {
        i64::from(self.start) + self.by[0] + self.by[1]
    }

    /// The three numbers are held out together.
    pub(crate) fn key(&self) -> String {
        format!("steps/{}/{}/{}", self.start, self.by[0], self.by[1])
    }

    /// The steps in signs.
    pub(crate) fn statement(&self) -> String {
        let sign = |by: i64| if by < 0 { '-' } else { '+' };
        let [x, y] = self.by;
        let (start, value) = (self.start, self.value());
        format!("{start} {} {} {} {} = {value}.", sign(x), x.abs(), sign(y), y.abs())
    }
}

/// What somebody does to have more or less of something.
pub(crate) fn clause(by: i64, of: &str, draw: &mut Sampler) -> String {
    const MORE: &[&str] = &["gets", "finds", "buys", "picks"];
    const LESS: &[&str] = &["loses", "eats", "sells", "drops"];
    let (verb, more) = if by < 0 { (draw.pick(LESS), "") } else { (draw.pick(MORE), " more") };
    let of = if of.is_empty() { String::new() } else { format!(" {of}") };
    format!("{verb} {}{more}{of}", by.abs())
}
