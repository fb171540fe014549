//! The shape of a decoder, and the offset of each of its matrices among the parameters.

use serde::{Deserialize, Serialize};

/// The shape of a decoder of the Llama architecture, with tied embeddings and no biases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelShape {
    /// Tokens.
    pub vocabulary: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Blocks.
    pub layers: usize,
    /// Heads of attention; they divide `hidden` into even parts.
    pub heads: usize,
    /// Width inside the feed-forward part.
    pub feed_forward: usize,
    /// Tokens of the longest sequence.
    pub context: usize,
    /// Base of the rotary embedding.
    pub rope_theta: f64,
    /// What is added to the mean square in norms.
    pub norm_epsilon: f64,
}

impl ModelShape {
    /// Width of a head.
    pub fn head(&self) -> usize {
        self.hidden / self.heads.max(1)
    }
}

/// What a matrix is for, which decides how it is initialised and updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatrixKind {
    /// The embedding, tied to the output matrix.
    Embedding,
    /// Weights of a norm.
    Norm,
    /// Projects to queries.
    Query,
    /// Projects to keys.
    Key,
    /// Reads from the residual stream.
    FromStream,
    /// Writes to the residual stream.
    ToStream,
}

/// A matrix by its name in the hub's layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterMatrix {
    /// The name (`model.layers.0.self_attn.q_proj.weight`).
    pub name: String,
    /// What it is.
    pub kind: MatrixKind,
    /// Rows; 1 for a norm.
    pub rows: usize,
    /// Columns: the width of the input.
    pub columns: usize,
    /// Offset of its values, row by row.
    pub offset: usize,
}

impl ParameterMatrix {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.rows * self.columns
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its values, out of all parameters.
    pub fn values<'a>(&self, parameters: &'a [f32]) -> &'a [f32] {
        &parameters[self.offset..self.offset + self.len()]
    }

    /// Its values, out of all parameters, mutable.
    pub fn values_mut<'a>(&self, parameters: &'a mut [f32]) -> &'a mut [f32] {
        &mut parameters[self.offset..self.offset + self.len()]
    }
}

/// All matrices of a decoder in one flat slice of parameters. Those that read the same input are adjacent, so
/// that one product serves them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterLayout {
    entries: Vec<ParameterMatrix>,
    block: usize,
    embedding: usize,
}

/// Offsets of the matrices of one block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockOffsets {
    pub(crate) input_norm: usize,
    pub(crate) query_key_value: usize,
    pub(crate) output: usize,
    pub(crate) middle_norm: usize,
    pub(crate) gate_up: usize,
    pub(crate) down: usize,
}

impl ParameterLayout {
    /// The layout of a shape.
    pub fn new(shape: &ModelShape) -> Self {
        let (hidden, wide) = (shape.hidden, shape.feed_forward);
        let mut entries = Vec::new();
        let mut offset = 0;
        let mut add = |name: String, kind, rows, columns| {
            entries.push(ParameterMatrix { name, kind, rows, columns, offset });
            offset += rows * columns;
        };
        add("model.embed_tokens.weight".to_owned(), MatrixKind::Embedding, shape.vocabulary, hidden);
        for layer in 0..shape.layers {
            let mut add = |name: &str, kind, rows, columns| {
                add(format!("model.layers.{layer}.{name}.weight"), kind, rows, columns);
            };
            add("input_layernorm", MatrixKind::Norm, 1, hidden);
            add("self_attn.q_proj", MatrixKind::Query, hidden, hidden);
            add("self_attn.k_proj", MatrixKind::Key, hidden, hidden);
            add("self_attn.v_proj", MatrixKind::FromStream, hidden, hidden);
            add("self_attn.o_proj", MatrixKind::ToStream, hidden, hidden);
            add("post_attention_layernorm", MatrixKind::Norm, 1, hidden);
            add("mlp.gate_proj", MatrixKind::FromStream, wide, hidden);
            add("mlp.up_proj", MatrixKind::FromStream, wide, hidden);
            add("mlp.down_proj", MatrixKind::ToStream, hidden, wide);
        }
        add("model.norm.weight".to_owned(), MatrixKind::Norm, 1, hidden);
        let block = 2 * hidden + 4 * hidden * hidden + 3 * hidden * wide;
        Self { entries, block, embedding: shape.vocabulary * hidden }
    }

    /// The matrices, by offset.
    pub fn entries(&self) -> &[ParameterMatrix] {
        &self.entries
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.entries.iter().map(ParameterMatrix::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn block(&self, shape: &ModelShape, layer: usize) -> BlockOffsets {
        let (hidden, wide) = (shape.hidden, shape.feed_forward);
        let input_norm = self.embedding + layer * self.block;
        let query_key_value = input_norm + hidden;
        let output = query_key_value + 3 * hidden * hidden;
        let middle_norm = output + hidden * hidden;
        let gate_up = middle_norm + hidden;
        BlockOffsets {
            input_norm,
            query_key_value,
            output,
            middle_norm,
            gate_up,
            down: gate_up + 2 * wide * hidden,
        }
    }

    pub(crate) fn final_norm(&self, shape: &ModelShape) -> usize {
        self.embedding + shape.layers * self.block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_begin_where_their_entries_do() {
        let shape = ModelShape {
            vocabulary: 11,
            hidden: 8,
            layers: 3,
            heads: 2,
            feed_forward: 12,
            context: 16,
            rope_theta: 1e4,
            norm_epsilon: 1e-5,
        };
        let layout = ParameterLayout::new(&shape);
        let at = |name: &str| layout.entries().iter().find(|entry| entry.name == name).unwrap().offset;
        let block = layout.block(&shape, 2);
        assert_eq!(block.input_norm, at("model.layers.2.input_layernorm.weight"));
        assert_eq!(block.query_key_value, at("model.layers.2.self_attn.q_proj.weight"));
        assert_eq!(block.output, at("model.layers.2.self_attn.o_proj.weight"));
        assert_eq!(block.middle_norm, at("model.layers.2.post_attention_layernorm.weight"));
        assert_eq!(block.gate_up, at("model.layers.2.mlp.gate_proj.weight"));
        assert_eq!(block.down, at("model.layers.2.mlp.down_proj.weight"));
        assert_eq!(layout.final_norm(&shape), at("model.norm.weight"));
        assert_eq!(layout.final_norm(&shape) + shape.hidden, layout.len());
    }
}
