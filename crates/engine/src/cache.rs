//! The keys and values of one sequence, layer by layer.
//!
//! A cache is made by [`Decoder::cache`](crate::Decoder::cache) and grows with each step that it is handed to.
//! [`KvCache::fork`] costs no copy of what is there: both sides share it and grow apart.

mod pages;
mod tensors;

use std::sync::Arc;

pub(crate) use pages::{PageLayout, PagePool, Pages};
pub(crate) use tensors::LayerCache;

/// The keys and values of one sequence, with its tokens.
#[derive(Debug)]
pub struct KvCache {
    /// Of which decoder: its own, compared by address.
    pub(crate) owner: Arc<()>,
    pub(crate) store: Store,
    tokens: Vec<u32>,
    /// For each rotary embedding, whether the keys are rotated by the set for long sequences.
    pub(crate) long: Vec<bool>,
    /// Set while all of it is computed anew: if that fails, keys and values are not those of the tokens.
    pub(crate) stale: bool,
}

/// Where keys and values are.
#[derive(Debug)]
pub(crate) enum Store {
    /// In the memory of the processor, in f32.
    Pages(Pages),
    /// In tensors, layer by layer.
    Tensors(Vec<LayerCache>),
}

impl KvCache {
    pub(crate) fn new(owner: Arc<()>, store: Store, ropes: usize) -> Self {
        Self { owner, store, tokens: Vec::new(), long: vec![false; ropes], stale: false }
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
        let store = match &mut self.store {
            Store::Pages(pages) => Store::Pages(pages.clone()),
            Store::Tensors(layers) => Store::Tensors(layers.iter_mut().map(LayerCache::fork).collect()),
        };
        let (owner, long) = (Arc::clone(&self.owner), self.long.clone());
        Self { owner, store, tokens: self.tokens.clone(), long, stale: self.stale }
    }

    /// Forgets all but the first `len` tokens; nothing if there are not more.
    pub fn truncate(&mut self, len: usize) {
        self.tokens.truncate(len);
        match &mut self.store {
            Store::Pages(pages) => pages.truncate(len),
            Store::Tensors(layers) => layers.iter_mut().for_each(|layer| layer.truncate(len)),
        }
    }

    /// Bytes of keys and values that it refers to, room ahead included; those shared with other caches are
    /// counted in each.
    pub fn bytes(&self) -> usize {
        match &self.store {
            Store::Pages(pages) => pages.bytes(),
            Store::Tensors(layers) => layers.iter().map(LayerCache::bytes).sum(),
        }
    }

    /// What a step that ended well has added.
    pub(crate) fn commit(&mut self, tokens: &[u32]) {
        self.tokens.extend_from_slice(tokens);
    }
}
