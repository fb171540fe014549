//! The sizes of one layer's attention.

/// Sizes and scale of one layer's attention; `window` is in tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct AttentionShape {
    pub(super) key_value_heads: usize,
    pub(super) group: usize,
    pub(super) head_width: usize,
    pub(super) scale: f64,
    pub(super) window: Option<usize>,
}
