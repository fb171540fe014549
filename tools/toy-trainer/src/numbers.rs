//! The numbers of a decoder before its first step.

use plimsoll_core::Seed;
use rand_distr::{Distribution, Normal, NormalError};

use super::shape::{Layout, Part, Shape};

/// Of the embedding and of matrices that read the stream, as a multiple of one over the root of its width.
const SPREAD: f32 = 0.5;
/// Share of the query matrix in the key matrix, that of its own draw, and what both are multiplied by.
/// Queries that begin close to keys look for tokens like themselves, from which recall grows much sooner.
const KEY_FROM_QUERY: f32 = 0.7;
const KEY_OWN: f32 = 0.5;
const SHARPER: f32 = 1.5;

/// Draws them.
///
/// # Errors
/// Never for a shape with a width: the spread is positive.
pub fn draw(shape: &Shape, layout: &Layout, seed: Seed) -> Result<Vec<f32>, NormalError> {
    let mut numbers = vec![0.0_f32; layout.len()];
    let spread = SPREAD / (shape.hidden as f32).sqrt();
    for entry in layout.entries() {
        let spread = match entry.part {
            Part::Norm => {
                entry.of_mut(&mut numbers).fill(1.0);
                continue;
            }
            Part::Embedding | Part::Query | Part::Key | Part::Reads => spread,
            // Each block adds twice to the stream.
            Part::Writes => spread / (2.0 * shape.layers as f32).sqrt(),
        };
        let normal = Normal::new(0.0_f32, spread)?;
        let mut rng = seed.derive(&entry.name).rng();
        entry.of_mut(&mut numbers).iter_mut().for_each(|number| *number = normal.sample(&mut rng));
    }
    for pair in layout.entries().windows(2).filter(|pair| pair[0].part == Part::Query) {
        let (before, from) = numbers.split_at_mut(pair[1].offset);
        for (query, key) in before[pair[0].offset..].iter_mut().zip(pair[1].rows_of(from)) {
            *key = SHARPER * (KEY_FROM_QUERY * *query + KEY_OWN * *key);
            *query *= SHARPER;
        }
    }
    Ok(numbers)
}

impl super::shape::Entry {
    /// Its numbers, in a slice that begins with them.
    fn rows_of<'a>(&self, numbers: &'a mut [f32]) -> impl Iterator<Item = &'a mut f32> {
        numbers[..self.len()].iter_mut()
    }
}
