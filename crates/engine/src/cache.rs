//! The keys and values of one sequence, layer by layer.
//!
//! A cache is made by [`Decoder::cache`](crate::Decoder::cache) and grows with each step that it is handed to.
//! [`KvCache::fork`] costs no copy of what is there: both sides share it and grow apart.

use std::sync::Arc;

use candle_core::Tensor;

/// Minimum capacity of a new tail, in tokens.
const MIN_ROOM: usize = 32;

/// The keys and values of one sequence, with its tokens.
#[derive(Debug)]
pub struct KvCache {
    /// Of which decoder: its own, compared by address.
    pub(crate) owner: Arc<()>,
    pub(crate) layers: Vec<LayerCache>,
    tokens: Vec<u32>,
    /// For each rotary embedding, whether the keys are rotated by the set for long sequences.
    pub(crate) long: Vec<bool>,
    /// Set while all of it is computed anew: if that fails, keys and values are not those of the tokens.
    pub(crate) stale: bool,
}

impl KvCache {
    pub(crate) fn new(owner: Arc<()>, layers: usize, ropes: usize) -> Self {
        let layers = (0..layers).map(|_| LayerCache::default()).collect();
        Self { owner, layers, tokens: Vec::new(), long: vec![false; ropes], stale: false }
    }

    /// How many tokens it holds.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The tokens that it holds, in order.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Another cache of the same tokens. Keys and values up to here are shared, and what either side adds is
    /// its own.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        for layer in &mut self.layers {
            layer.freeze();
        }
        let layers =
            self.layers.iter().map(|layer| LayerCache { frozen: layer.frozen.clone(), tail: None }).collect();
        let (owner, long) = (Arc::clone(&self.owner), self.long.clone());
        Self { owner, layers, tokens: self.tokens.clone(), long, stale: self.stale }
    }

    /// Forgets all but the first `len` tokens; nothing if there are not more.
    pub fn truncate(&mut self, len: usize) {
        self.tokens.truncate(len);
        for layer in &mut self.layers {
            layer.truncate(len);
        }
    }

    /// Bytes of keys and values that it refers to, room ahead included; those shared with other caches are
    /// counted in each.
    pub fn bytes(&self) -> usize {
        self.layers.iter().map(LayerCache::bytes).sum()
    }

    /// What a step that ended well has added.
    pub(crate) fn commit(&mut self, tokens: &[u32]) {
        self.tokens.extend_from_slice(tokens);
    }
}

/// Keys and values, each `[key_value_heads, tokens, head_width]`.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) keys: Tensor,
    pub(crate) values: Tensor,
    pub(crate) len: usize,
}

impl Segment {
    /// Tokens `from..to` of it.
    pub(crate) fn part(&self, from: usize, to: usize) -> candle_core::Result<(Tensor, Tensor)> {
        Ok((self.keys.narrow(1, from, to - from)?, self.values.narrow(1, from, to - from)?))
    }

    fn bytes(&self) -> usize {
        let elements = self.keys.elem_count() + self.values.elem_count();
        elements * self.keys.dtype().size_in_bytes()
    }
}

/// One layer: segments that never change and may be shared, and a tail with room that is its own.
#[derive(Debug, Default)]
pub(crate) struct LayerCache {
    frozen: Vec<Segment>,
    tail: Option<Segment>,
}

impl LayerCache {
    fn frozen_len(&self) -> usize {
        self.frozen.iter().map(|segment| segment.len).sum()
    }

    fn bytes(&self) -> usize {
        self.segments().map(Segment::bytes).sum()
    }

    /// All segments in order. Only the first `len` tokens of each count.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.frozen.iter().chain(&self.tail)
    }

    /// The tail becomes a read-only segment.
    fn freeze(&mut self) {
        self.frozen.extend(self.tail.take().filter(|tail| tail.len > 0));
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        let mut left = len;
        for segment in self.frozen.iter_mut().chain(&mut self.tail) {
            segment.len = segment.len.min(left);
            left -= segment.len;
        }
        self.frozen.retain(|segment| segment.len > 0);
    }

    /// Puts keys and values after the first `at` tokens; what was there from a step that failed is
    /// forgotten. Both are `[key_value_heads, tokens, head_width]` and contiguous.
    pub(crate) fn append(&mut self, at: usize, keys: &Tensor, values: &Tensor) -> candle_core::Result<()> {
        self.truncate(at);
        let begin = at - self.frozen_len().min(at);
        let (heads, count, width) = keys.dims3()?;
        let wanted = begin + count;
        let mut tail = match self.tail.take() {
            Some(tail) if tail.keys.dim(1)? >= wanted => tail,
            short => grown(short, [heads, room(begin, wanted), width], keys)?,
        };
        tail.keys.slice_set(keys, 1, begin)?;
        tail.values.slice_set(values, 1, begin)?;
        tail.len = wanted;
        self.tail = Some(tail);
        Ok(())
    }
}

/// Room for a tail of `wanted` tokens: a prompt's own size first, then twice as much each time.
fn room(begin: usize, wanted: usize) -> usize {
    wanted.max(2 * begin).next_multiple_of(MIN_ROOM)
}

/// A longer tail that begins with the tokens of `short`.
fn grown(short: Option<Segment>, shape: [usize; 3], like: &Tensor) -> candle_core::Result<Segment> {
    let make = || Tensor::zeros(&shape, like.dtype(), like.device());
    let (keys, values) = (make()?, make()?);
    let len = short.as_ref().map_or(0, |short| short.len);
    if let Some(short) = short.filter(|short| short.len > 0) {
        let (old_keys, old_values) = short.part(0, len)?;
        keys.slice_set(&old_keys.contiguous()?, 1, 0)?;
        values.slice_set(&old_values.contiguous()?, 1, 0)?;
    }
    Ok(Segment { keys, values, len })
}
