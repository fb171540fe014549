//! Keys and values in tensors: segments that may be shared, and a tail that grows.

use candle_core::Tensor;

/// Minimum capacity of a new tail, in tokens.
const MIN_ROOM: usize = 32;

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
    /// Maximum number of tokens that there is room for where a tail of so many has grown.
    pub(crate) fn max_tokens(tokens: usize) -> usize {
        (2 * tokens).next_multiple_of(MIN_ROOM)
    }

    fn frozen_len(&self) -> usize {
        self.frozen.iter().map(|segment| segment.len).sum()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.segments().map(Segment::bytes).sum()
    }

    /// All segments in order. Only the first `len` tokens of each count.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.frozen.iter().chain(&self.tail)
    }

    /// Another of the same tokens, which shares what is there.
    pub(crate) fn fork(&mut self) -> Self {
        self.freeze();
        Self { frozen: self.frozen.clone(), tail: None }
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
