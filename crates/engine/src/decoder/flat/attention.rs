//! Attention of rows to their own pages, shared out among threads.

use std::cell::RefCell;
use std::ops::Range;

use plimsoll_kernels::attention::{PAGE, add_page_values, page_scores, prefetch, shares};
use rayon::prelude::*;

use super::super::attention_shape::AttentionShape;
use super::super::softmax::Sight;
use super::{FlatSpan, sized};
use crate::cache::Pages;

/// Queries of a row that are computed together: their scores stay in a cache.
const QUERIES: usize = 16;

/// Queries of one row that one thread takes, with all of their heads or with those of one key head.
struct Task<'a> {
    pages: &'a Pages,
    /// Index of the first of them in the sequence.
    first: usize,
    tokens: usize,
    heads: Range<usize>,
    /// `[tokens, heads of this task * group * head_width]`.
    queries: &'a [f32],
    mixed: &'a mut [f32],
}

/// Memory of a thread.
#[derive(Default)]
struct Memory {
    queries: Vec<f32>,
    scores: Vec<f32>,
    mixed: Vec<f32>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// Queries of all spans, `[tokens, heads * head_width]`, and what each gets. The caches hold their keys already.
pub(super) fn attend(
    shape: &AttentionShape,
    layer: usize,
    spans: &[FlatSpan<'_>],
    queries: &[f32],
    mixed: &mut [f32],
) {
    let tasks = tasks(shape, spans, queries, mixed);
    let run = |task: Task<'_>| MEMORY.with_borrow_mut(|memory| task.run(shape, layer, memory));
    if tasks.len() > 1 {
        tasks.into_par_iter().for_each(run);
    } else {
        tasks.into_iter().for_each(run);
    }
}

/// Of a row with one token each key head is a task of its own, of others some tokens with all heads: so each writes
/// memory that lies together.
fn tasks<'a>(
    shape: &AttentionShape,
    spans: &'a [FlatSpan<'_>],
    mut queries: &'a [f32],
    mut mixed: &'a mut [f32],
) -> Vec<Task<'a>> {
    let group = shape.group * shape.head_width;
    let mut tasks = Vec::with_capacity(spans.len() * shape.key_value_heads);
    for FlatSpan { pages, first, tokens } in spans {
        let (end, mut first) = (first + tokens, *first);
        while first < end {
            let count = QUERIES.min(end - first);
            let (parts, heads) =
                if *tokens == 1 { (shape.key_value_heads, 1) } else { (1, shape.key_value_heads) };
            for part in 0..parts {
                let (own_queries, own_mixed);
                (own_queries, queries) = queries.split_at(count * heads * group);
                (own_mixed, mixed) = mixed.split_at_mut(count * heads * group);
                tasks.push(Task {
                    pages,
                    first,
                    tokens: count,
                    heads: part * heads..(part + 1) * heads,
                    queries: own_queries,
                    mixed: own_mixed,
                });
            }
            first += count;
        }
    }
    tasks
}

impl Task<'_> {
    fn run(self, shape: &AttentionShape, layer: usize, memory: &mut Memory) {
        let (group, width) =
            (shape.group * shape.head_width, self.heads.len() * shape.group * shape.head_width);
        let rows = self.tokens * shape.group;
        let own = sized(&mut memory.queries, self.tokens * group);
        let mixed = sized(&mut memory.mixed, self.tokens * group);
        for (index, head) in self.heads.clone().enumerate() {
            let lines = self.queries.chunks_exact(width).map(|line| &line[index * group..][..group]);
            for (own, line) in own.chunks_exact_mut(group).zip(lines) {
                scale(line, shape.scale, own);
            }
            mixed.fill(0.0);
            let keys = Keys { shape, pages: self.pages, layer, head, seen: self.seen(shape) };
            keys.mix((own, rows, self.first), &mut memory.scores, mixed);
            let lines = self.mixed.chunks_exact_mut(width).map(|line| &mut line[index * group..][..group]);
            for (line, mixed) in lines.zip(mixed.chunks_exact(group)) {
                line.copy_from_slice(mixed);
            }
        }
    }

    /// The tokens that any of the queries sees.
    fn seen(&self, shape: &AttentionShape) -> Range<usize> {
        let begin = shape.window.map_or(0, |window| (self.first + 1).saturating_sub(window));
        begin..self.first + self.tokens
    }
}

#[expect(clippy::cast_possible_truncation, reason = "queries are f32")]
fn scale(queries: &[f32], scale: f64, scaled: &mut [f32]) {
    for (scaled, query) in scaled.iter_mut().zip(queries) {
        *scaled = query * scale as f32;
    }
}

/// Keys and values of one head.
struct Keys<'a> {
    shape: &'a AttentionShape,
    pages: &'a Pages,
    layer: usize,
    head: usize,
    seen: Range<usize>,
}

impl Keys<'_> {
    /// `queries` and `mixed` are `[tokens, group, head_width]`, as `rows` rows, of which `first` is the first token.
    fn mix(&self, (queries, rows, first): (&[f32], usize, usize), scores: &mut Vec<f32>, mixed: &mut [f32]) {
        let shape = self.shape;
        let width = shape.head_width;
        let pages = self.seen.start / PAGE..self.seen.end.div_ceil(PAGE);
        let (begin, stride) = (pages.start * PAGE, pages.len() * PAGE);
        let scores = sized(scores, rows * stride);
        for page in pages.clone() {
            let keys = self.pages.keys(page, self.layer, self.head);
            // What comes next: the keys of the next page, or the first values.
            let next = if page + 1 < pages.end {
                self.pages.keys(page + 1, self.layer, self.head)
            } else {
                self.pages.values(pages.start, self.layer, self.head)
            };
            prefetch(next);
            page_scores(queries, width, keys, &mut scores[page * PAGE - begin..], stride);
        }
        let sight = Sight { queries: rows / shape.group, first: first - begin, window: shape.window };
        for (row, scores) in scores.chunks_exact_mut(stride).enumerate() {
            let (from, to) = sight.seen(row / shape.group, stride);
            scores[..from].fill(0.0);
            scores[to..].fill(0.0);
            shares(&mut scores[from..to]);
        }
        for page in pages.clone() {
            if page + 1 < pages.end {
                prefetch(self.pages.values(page + 1, self.layer, self.head));
            }
            let tokens = PAGE.min(self.seen.end - page * PAGE);
            let values = &self.pages.values(page, self.layer, self.head)[..tokens * width];
            add_page_values(&scores[page * PAGE - begin..], stride, values, width, mixed);
        }
    }
}
