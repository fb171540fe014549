//! The shape of a decoder that is trained here, and where each of its matrices lies.

use serde::{Deserialize, Serialize};

/// The shape of a decoder of the Llama architecture, with tied embeddings and no biases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
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

impl Shape {
    /// Numbers of a head.
    pub fn head(&self) -> usize {
        self.hidden / self.heads.max(1)
    }
}

/// What a matrix is, which decides how it begins and how it is updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The embedding, which is the output matrix too.
    Embedding,
    /// Weights of a norm.
    Norm,
    /// Makes queries.
    Query,
    /// Makes keys.
    Key,
    /// Reads from the residual stream.
    Reads,
    /// Writes to the residual stream.
    Writes,
}

/// A matrix by its name in the hub's layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name (`model.layers.0.self_attn.q_proj.weight`).
    pub name: String,
    /// What it is.
    pub part: Part,
    /// Rows; 1 for a norm.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Where its numbers begin, row by row.
    pub offset: usize,
}

impl Entry {
    /// How many numbers it has.
    pub fn len(&self) -> usize {
        self.rows * self.columns
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its numbers among those of all.
    pub fn of<'a>(&self, numbers: &'a [f32]) -> &'a [f32] {
        &numbers[self.offset..self.offset + self.len()]
    }

    /// Its numbers among those of all.
    pub fn of_mut<'a>(&self, numbers: &'a mut [f32]) -> &'a mut [f32] {
        &mut numbers[self.offset..self.offset + self.len()]
    }
}

/// All matrices of a decoder in one row of numbers. Those that read the same input lie side by side, so that
/// one product serves them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    entries: Vec<Entry>,
    block: usize,
    embedding: usize,
}

/// Where the parts of one block begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    pub(crate) input_norm: usize,
    pub(crate) query_key_value: usize,
    pub(crate) output: usize,
    pub(crate) middle_norm: usize,
    pub(crate) gate_up: usize,
    pub(crate) down: usize,
}

impl Layout {
    /// The layout of a shape.
    pub fn new(shape: &Shape) -> Self {
        let (hidden, wide) = (shape.hidden, shape.feed_forward);
        let mut entries = Vec::new();
        let mut offset = 0;
        let mut add = |name: String, part, rows, columns| {
            entries.push(Entry { name, part, rows, columns, offset });
            offset += rows * columns;
        };
        add("model.embed_tokens.weight".to_owned(), Part::Embedding, shape.vocabulary, hidden);
        for layer in 0..shape.layers {
            let mut add = |name: &str, part, rows, columns| {
                add(format!("model.layers.{layer}.{name}.weight"), part, rows, columns);
            };
            add("input_layernorm", Part::Norm, 1, hidden);
            add("self_attn.q_proj", Part::Query, hidden, hidden);
            add("self_attn.k_proj", Part::Key, hidden, hidden);
            add("self_attn.v_proj", Part::Reads, hidden, hidden);
            add("self_attn.o_proj", Part::Writes, hidden, hidden);
            add("post_attention_layernorm", Part::Norm, 1, hidden);
            add("mlp.gate_proj", Part::Reads, wide, hidden);
            add("mlp.up_proj", Part::Reads, wide, hidden);
            add("mlp.down_proj", Part::Writes, hidden, wide);
        }
        add("model.norm.weight".to_owned(), Part::Norm, 1, hidden);
        let block = 2 * hidden + 4 * hidden * hidden + 3 * hidden * wide;
        Self { entries, block, embedding: shape.vocabulary * hidden }
    }

    /// The matrices, in the order in which their numbers lie.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.entries.iter().map(Entry::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn block(&self, shape: &Shape, layer: usize) -> Block {
        let (hidden, wide) = (shape.hidden, shape.feed_forward);
        let input_norm = self.embedding + layer * self.block;
        let query_key_value = input_norm + hidden;
        let output = query_key_value + 3 * hidden * hidden;
        let middle_norm = output + hidden * hidden;
        let gate_up = middle_norm + hidden;
        Block { input_norm, query_key_value, output, middle_norm, gate_up, down: gate_up + 2 * wide * hidden }
    }

    pub(crate) fn final_norm(&self, shape: &Shape) -> usize {
        self.embedding + shape.layers * self.block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_begin_where_their_entries_do() {
        let shape = Shape {
            vocabulary: 11,
            hidden: 8,
            layers: 3,
            heads: 2,
            feed_forward: 12,
            context: 16,
            rope_theta: 1e4,
            norm_epsilon: 1e-5,
        };
        let layout = Layout::new(&shape);
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
