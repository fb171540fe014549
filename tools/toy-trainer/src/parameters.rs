//! The parameters of a decoder before its first step.

use plimsoll_core::Seed;
use rand_distr::{Distribution, Normal, NormalError};

use super::shape::{MatrixKind, ModelShape, ParameterLayout};

/// Of the embedding and of matrices that read the stream, as a multiple of one over the root of its width.
const SPREAD: f32 = 0.5;
/// Share of the query matrix in the key matrix, that of its own draw, and what both are multiplied by.
/// Queries that begin close to keys look for tokens like themselves, from which recall grows much sooner.
const KEY_FROM_QUERY: f32 = 0.7;
const KEY_OWN: f32 = 0.5;
const SHARPER: f32 = 1.5;

/// Draws the initial parameters.
///
/// # Errors
/// Never for a shape with a width: the spread is positive.
pub fn draw(shape: &ModelShape, layout: &ParameterLayout, seed: Seed) -> Result<Vec<f32>, NormalError> {
    let mut parameters = vec![0.0_f32; layout.len()];
    let spread = SPREAD / (shape.hidden as f32).sqrt();
    for entry in layout.entries() {
        let spread = match entry.kind {
            MatrixKind::Norm => {
                entry.values_mut(&mut parameters).fill(1.0);
                continue;
            }
            MatrixKind::Embedding | MatrixKind::Query | MatrixKind::Key | MatrixKind::FromStream => spread,
            // Each block adds to the stream twice.
            MatrixKind::ToStream => spread / (2.0 * shape.layers as f32).sqrt(),
        };
        let normal = Normal::new(0.0_f32, spread)?;
        let mut rng = seed.derive(&entry.name).rng();
        entry.values_mut(&mut parameters).iter_mut().for_each(|value| *value = normal.sample(&mut rng));
    }
    for pair in layout.entries().windows(2).filter(|pair| pair[0].kind == MatrixKind::Query) {
        let (before, from) = parameters.split_at_mut(pair[1].offset);
        for (query, key) in before[pair[0].offset..].iter_mut().zip(pair[1].rows_of(from)) {
            *key = SHARPER * (KEY_FROM_QUERY * *query + KEY_OWN * *key);
            *query *= SHARPER;
        }
    }
    Ok(parameters)
}

impl super::shape::ParameterMatrix {
    /// Its values, in a slice that begins with them.
    fn rows_of<'a>(&self, parameters: &'a mut [f32]) -> impl Iterator<Item = &'a mut f32> {
        parameters[..self.len()].iter_mut()
    }
}
