//! Keys and values in pages of a few tokens, shared by reference count and copied when one side writes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use plimsoll_kernels::attention::PAGE;

use crate::spec::DecoderSpec;

/// Pages that are given back are kept for the next sequence up to so many bytes: memory from the system has to be
/// cleared, page by page.
const MAX_FREE_BYTES: usize = 256 << 20;

/// How the numbers of a page lie: `[layer, key or value, key_value_head]`, and of each head [`PAGE`] tokens, keys entry by
/// entry (`[head_width, PAGE]`) and values token by token (`[PAGE, head_width]`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageLayout {
    pub(crate) layers: usize,
    pub(crate) key_value_heads: usize,
    pub(crate) head_width: usize,
}

impl PageLayout {
    pub(crate) fn new(spec: &DecoderSpec) -> Self {
        let DecoderSpec { key_value_heads, head_width, .. } = *spec;
        Self { layers: spec.layers.len(), key_value_heads, head_width }
    }

    /// Numbers of one head of a page, keys or values.
    fn head(&self) -> usize {
        self.head_width * PAGE
    }

    /// Numbers of a page.
    fn len(&self) -> usize {
        2 * self.layers * self.key_value_heads * self.head()
    }

    /// Bytes of a page.
    pub(crate) fn bytes(&self) -> usize {
        self.len() * size_of::<f32>()
    }

    fn keys_at(&self, layer: usize, head: usize) -> usize {
        (2 * layer * self.key_value_heads + head) * self.head()
    }

    fn values_at(&self, layer: usize, head: usize) -> usize {
        self.keys_at(layer, head) + self.key_value_heads * self.head()
    }
}

/// Where the pages of a decoder's caches come from and go back to.
#[derive(Debug)]
pub(crate) struct PagePool {
    layout: PageLayout,
    free: Mutex<Vec<Box<[f32]>>>,
    live: AtomicUsize,
}

impl PagePool {
    pub(crate) fn new(layout: PageLayout) -> Arc<Self> {
        Arc::new(Self { layout, free: Mutex::default(), live: AtomicUsize::new(0) })
    }

    /// Bytes of all pages that caches hold, each counted once however many share it.
    pub(crate) fn live_bytes(&self) -> usize {
        self.live.load(Ordering::Relaxed) * self.layout.bytes()
    }

    /// Maximum number of bytes of the pages of so many tokens, the first of which may stand anywhere in a page.
    pub(crate) fn bytes_for(&self, tokens: usize) -> usize {
        if tokens == 0 { 0 } else { (tokens.div_ceil(PAGE) + 1).saturating_mul(self.layout.bytes()) }
    }

    /// A page whose numbers are whatever the last sequence left there. Attention overwrites the scores of keys that are not
    /// written yet, and never reads their values.
    fn page(self: &Arc<Self>) -> Page {
        let kept = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let numbers = kept.unwrap_or_else(|| vec![0.0; self.layout.len()].into_boxed_slice());
        self.live.fetch_add(1, Ordering::Relaxed);
        Page { numbers, pool: Arc::clone(self) }
    }
}

/// Keys and values of up to [`PAGE`] tokens, in every layer.
#[derive(Debug)]
struct Page {
    numbers: Box<[f32]>,
    pool: Arc<PagePool>,
}

impl Page {
    fn copied(&self) -> Self {
        let mut page = self.pool.page();
        page.numbers.copy_from_slice(&self.numbers);
        page
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.pool.live.fetch_sub(1, Ordering::Relaxed);
        let mut free = self.pool.free.lock().unwrap_or_else(PoisonError::into_inner);
        if (free.len() + 1) * self.pool.layout.bytes() <= MAX_FREE_BYTES {
            free.push(std::mem::take(&mut self.numbers));
        }
    }
}

/// The pages of one sequence.
#[derive(Debug, Clone)]
pub(crate) struct Pages {
    pool: Arc<PagePool>,
    pages: Vec<Arc<Page>>,
}

impl Pages {
    pub(crate) fn new(pool: Arc<PagePool>) -> Self {
        Self { pool, pages: Vec::new() }
    }

    pub(crate) fn truncate(&mut self, tokens: usize) {
        self.pages.truncate(tokens.div_ceil(PAGE));
    }

    pub(crate) fn bytes(&self) -> usize {
        self.pages.len() * self.pool.layout.bytes()
    }

    /// Makes room for `count` tokens after the first `at`, in pages that no other sequence sees.
    pub(crate) fn reserve(&mut self, at: usize, count: usize) {
        self.truncate(at);
        if !at.is_multiple_of(PAGE)
            && let Some(last) = self.pages.last_mut()
            && Arc::get_mut(last).is_none()
        {
            *last = Arc::new(last.copied());
        }
        while self.pages.len() * PAGE < at + count {
            self.pages.push(Arc::new(self.pool.page()));
        }
    }

    /// Writes keys and values of the tokens from `at` on in one layer, both `[tokens, key_value_heads * head_width]`.
    /// False if [`Pages::reserve`] has not made room for them.
    #[must_use]
    pub(crate) fn write(&mut self, layer: usize, at: usize, keys: &[f32], values: &[f32]) -> bool {
        let layout = self.pool.layout;
        let width = layout.head_width;
        let tokens = keys
            .chunks_exact(layout.key_value_heads * width)
            .zip(values.chunks_exact(layout.key_value_heads * width));
        for (token, (keys, values)) in (at..).zip(tokens) {
            let Some(page) = self.pages.get_mut(token / PAGE).and_then(Arc::get_mut) else { return false };
            let lane = token % PAGE;
            let heads = keys.chunks_exact(width).zip(values.chunks_exact(width));
            for (head, (key, value)) in heads.enumerate() {
                let lines = &mut page.numbers[layout.keys_at(layer, head)..][..layout.head()];
                for (line, entry) in lines.as_chunks_mut::<PAGE>().0.iter_mut().zip(key) {
                    line[lane] = *entry;
                }
                page.numbers[layout.values_at(layer, head) + lane * width..][..width].copy_from_slice(value);
            }
        }
        true
    }

    /// Keys of one head in a page, `[head_width, PAGE]`.
    pub(crate) fn keys(&self, page: usize, layer: usize, head: usize) -> &[f32] {
        let layout = self.pool.layout;
        &self.pages[page].numbers[layout.keys_at(layer, head)..][..layout.head()]
    }

    /// Values of one head in a page, `[PAGE, head_width]`.
    pub(crate) fn values(&self, page: usize, layer: usize, head: usize) -> &[f32] {
        let layout = self.pool.layout;
        &self.pages[page].numbers[layout.values_at(layer, head)..][..layout.head()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: PageLayout = PageLayout { layers: 2, key_value_heads: 3, head_width: 5 };

    /// Keys or values of some tokens: each number says whose it is.
    fn numbers(from: usize, count: usize, mark: f32) -> Vec<f32> {
        (from * 15..(from + count) * 15).map(|index| index as f32 + mark).collect()
    }

    fn append(pages: &mut Pages, at: usize, count: usize, mark: f32) {
        pages.reserve(at, count);
        for layer in 0..LAYOUT.layers {
            let mark = mark + layer as f32 / 8.0;
            assert!(pages.write(layer, at, &numbers(at, count, mark), &numbers(at, count, mark + 0.5)));
        }
    }

    fn check(pages: &Pages, from: usize, to: usize, mark: f32) {
        for token in from..to {
            for (layer, head) in [(0, 0), (1, 2)] {
                let expected = &numbers(token, 1, mark + layer as f32 / 8.0)[head * 5..][..5];
                let keys = pages.keys(token / PAGE, layer, head);
                let key: Vec<f32> = (0..5).map(|entry| keys[entry * PAGE + token % PAGE]).collect();
                assert_eq!(key, expected, "token {token}");
                let value = &pages.values(token / PAGE, layer, head)[token % PAGE * 5..][..5];
                assert!(value.iter().zip(expected).all(|(value, key)| *value == key + 0.5), "token {token}");
            }
        }
    }

    #[test]
    fn forks_share_pages_and_grow_apart() {
        let pool = PagePool::new(LAYOUT);
        let mut one = Pages::new(Arc::clone(&pool));
        append(&mut one, 0, 40, 0.0);
        assert_eq!(pool.live_bytes(), 3 * LAYOUT.bytes());
        let mut other = one.clone();
        assert_eq!((pool.live_bytes(), other.bytes()), (3 * LAYOUT.bytes(), 3 * LAYOUT.bytes()));
        append(&mut other, 40, 3, 0.25);
        append(&mut one, 40, 30, 0.0);
        assert_eq!(
            pool.live_bytes(),
            (2 + 1 + 3) * LAYOUT.bytes(),
            "two shared, one copied, three of its own"
        );
        check(&one, 0, 70, 0.0);
        check(&other, 0, 40, 0.0);
        check(&other, 40, 43, 0.25);
        other.truncate(20);
        append(&mut other, 20, 1, 0.25);
        check(&one, 0, 70, 0.0);
        check(&other, 20, 21, 0.25);
        drop((one, other));
        assert_eq!(pool.live_bytes(), 0);
    }

    #[test]
    fn a_page_that_was_given_back_is_used_again() {
        let pool = PagePool::new(LAYOUT);
        let mut pages = Pages::new(Arc::clone(&pool));
        append(&mut pages, 0, 33, 0.0);
        pages.truncate(0);
        assert_eq!((pool.live_bytes(), pool.free.lock().unwrap().len()), (0, 3));
        append(&mut pages, 0, 17, 0.0);
        assert_eq!((pool.live_bytes(), pool.free.lock().unwrap().len()), (2 * LAYOUT.bytes(), 1));
    }
}
