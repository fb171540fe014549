//! Attention over a cache that is cut into pages: scores of queries and keys, shares, and sums of values.
//!
//! Keys of a page lie entry by entry, [`PAGE`] tokens side by side, and values token by token, so that both products
//! read memory as it lies and need no sum across lanes. Every sum runs over entries, or over tokens, in an order of
//! its own: what a query gets does not depend on the queries beside it.

use crate::simd::{exp, largest, sum};
use crate::wide;

/// Tokens of a page.
pub const PAGE: usize = 16;
/// Queries whose scores, or whose sums, are computed together.
const TOGETHER: usize = 4;

/// Entries of one page and one head.
type Lanes = [f32; PAGE];

/// Scores of queries with the keys of one page.
///
/// `queries` are rows of `width`, `keys` is `[width, PAGE]`; the scores of query i go to `scores[i * stride..][..PAGE]`.
///
/// # Panics
/// If a slice is too short: a mistake of the caller.
pub fn page_scores(queries: &[f32], width: usize, keys: &[f32], scores: &mut [f32], stride: usize) {
    let keys = &keys.as_chunks::<PAGE>().0[..width];
    scores_wide(queries, width, keys, scores, stride);
}

wide! {
    fn scores_wide(queries: &[f32], width: usize, keys: &[Lanes], scores: &mut [f32], stride: usize) {
        for (index, rows) in queries.chunks(TOGETHER * width).enumerate() {
            let scores = &mut scores[index * TOGETHER * stride..];
            match rows.len() / width {
                1 => scores_of::<1>(rows, width, keys, scores, stride),
                2 => scores_of::<2>(rows, width, keys, scores, stride),
                3 => scores_of::<3>(rows, width, keys, scores, stride),
                _ => scores_of::<TOGETHER>(rows, width, keys, scores, stride),
            }
        }
    }
}

/// Products of `ROWS` queries. Even and odd entries are summed apart, so that one sum need not wait for the other.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
fn scores_of<const ROWS: usize>(
    rows: &[f32],
    width: usize,
    keys: &[Lanes],
    scores: &mut [f32],
    stride: usize,
) {
    let (pairs, rest) = keys.as_chunks::<2>();
    let rows: [&[f32]; ROWS] = std::array::from_fn(|row| &rows[row * width..][..width]);
    let starts = rows.map(|row| &row.as_chunks::<2>().0[..pairs.len()]);
    let (mut even, mut odd) = ([[0.0; PAGE]; ROWS], [[0.0; PAGE]; ROWS]);
    for (entry, [one, other]) in pairs.iter().enumerate() {
        for row in 0..ROWS {
            let [first, second] = starts[row][entry];
            for lane in 0..PAGE {
                even[row][lane] = first.mul_add(one[lane], even[row][lane]);
            }
            for lane in 0..PAGE {
                odd[row][lane] = second.mul_add(other[lane], odd[row][lane]);
            }
        }
    }
    for key in rest {
        for row in 0..ROWS {
            let last = rows[row][width - 1];
            for lane in 0..PAGE {
                even[row][lane] = last.mul_add(key[lane], even[row][lane]);
            }
        }
    }
    for row in 0..ROWS {
        for lane in 0..PAGE {
            even[row][lane] += odd[row][lane];
        }
        scores[row * stride..][..PAGE].copy_from_slice(&even[row]);
    }
}

/// Asks for memory that is read soon, while something else is computed. Pages lie anywhere, and what a machine reads ahead by
/// itself ends at the end of each.
pub fn prefetch(numbers: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    for line in numbers.chunks(PAGE) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        #[expect(unsafe_code, reason = "a hint takes a pointer")]
        // SAFETY: a hint reads nothing, and every x86-64 has it.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = numbers;
}

wide! {
    /// Turns the scores of one query into shares of 1.
    pub fn shares(scores: &mut [f32]) {
        let highest = largest(scores);
        for score in scores.iter_mut() {
            *score = exp(*score - highest);
        }
        let all = sum(scores);
        for score in scores {
            *score /= all;
        }
    }
}

/// Adds the values of the first tokens of a page, times the queries' shares of them.
///
/// `values` is `[tokens, width]`, at most [`PAGE`] tokens; `shares` of query i are `shares[i * stride..][..tokens]`, `sums`
/// are rows of `width`.
///
/// # Panics
/// If a slice is too short: a mistake of the caller.
pub fn add_page_values(shares: &[f32], stride: usize, values: &[f32], width: usize, sums: &mut [f32]) {
    add_wide(shares, stride, values, width, sums);
}

wide! {
    fn add_wide(shares: &[f32], stride: usize, values: &[f32], width: usize, sums: &mut [f32]) {
        for (index, sums) in sums.chunks_mut(TOGETHER * width).enumerate() {
            let shares = Shares { shares: &shares[index * TOGETHER * stride..], stride };
            match sums.len() / width {
                1 => add_rows::<1, 4>(shares, values, width, sums),
                2 => add_rows::<2, 4>(shares, values, width, sums),
                3 => add_rows::<3, 6>(shares, values, width, sums),
                _ => add_rows::<TOGETHER, 8>(shares, values, width, sums),
            }
        }
    }
}

/// Shares of some queries, each `stride` apart from the last.
#[derive(Debug, Clone, Copy)]
struct Shares<'a> {
    shares: &'a [f32],
    stride: usize,
}

impl<'a> Shares<'a> {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
    fn rows<const ROWS: usize>(self, tokens: usize) -> [&'a [f32]; ROWS] {
        std::array::from_fn(|row| &self.shares[row * self.stride..][..tokens])
    }
}

/// `ROWS` queries, `SUMS / ROWS` vectors of entries at a time.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
fn add_rows<const ROWS: usize, const SUMS: usize>(
    shares: Shares<'_>,
    values: &[f32],
    width: usize,
    sums: &mut [f32],
) {
    let step = SUMS / ROWS * PAGE;
    let mut column = 0;
    while column + step <= width {
        add_columns::<ROWS, SUMS>(shares, values, (width, column), sums);
        column += step;
    }
    while column + PAGE <= width {
        add_columns::<ROWS, ROWS>(shares, values, (width, column), sums);
        column += PAGE;
    }
    for column in column..width {
        for (row, shares) in shares.rows::<ROWS>(values.len() / width).iter().enumerate() {
            let sum = &mut sums[row * width + column];
            for (share, value) in shares.iter().zip(values.chunks_exact(width)) {
                *sum = share.mul_add(value[column], *sum);
            }
        }
    }
}

/// Sums stand query after query; that they are one list keeps them in registers.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
fn add_columns<const ROWS: usize, const SUMS: usize>(
    shares: Shares<'_>,
    values: &[f32],
    (width, column): (usize, usize),
    sums: &mut [f32],
) {
    let vectors = SUMS / ROWS;
    let shares = shares.rows::<ROWS>(values.len() / width);
    let mut own = [[0.0; PAGE]; SUMS];
    for (index, own) in own.iter_mut().enumerate() {
        let at = index / vectors * width + column + index % vectors * PAGE;
        own.copy_from_slice(&sums[at..at + PAGE]);
    }
    for (token, line) in values.chunks_exact(width).enumerate() {
        let line = line[column..column + vectors * PAGE].as_chunks::<PAGE>().0;
        for index in 0..SUMS {
            let (share, value) = (shares[index / vectors][token], &line[index % vectors]);
            for lane in 0..PAGE {
                own[index][lane] = share.mul_add(value[lane], own[index][lane]);
            }
        }
    }
    for (index, own) in own.iter().enumerate() {
        let at = index / vectors * width + column + index % vectors * PAGE;
        sums[at..at + PAGE].copy_from_slice(own);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Of sums of at most 80 products of values below 1, in f32.
    const TOLERANCE: f64 = 1e-5;

    fn values(count: usize, seed: u64) -> Vec<f32> {
        (0..count as u64)
            .map(|index| {
                ((index ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
            })
            .collect()
    }

    proptest! {
        #[test]
        fn products_are_those_of_the_definition_and_of_each_query_alone(
            rows in 1_usize..11, width in 1_usize..80, tokens in 1_usize..=PAGE, seed in any::<u64>(), spare in 0_usize..5,
        ) {
            let (queries, keys) = (values(rows * width, seed), values(width * PAGE, seed ^ 1));
            let stride = PAGE + spare;
            let mut scores = vec![9.0; rows * stride];
            page_scores(&queries, width, &keys, &mut scores, stride);
            let before = values(rows * width, seed ^ 2);
            let mut sums = before.clone();
            add_page_values(&scores, stride, &keys[..tokens * width], width, &mut sums);
            for row in 0..rows {
                let query = &queries[row * width..][..width];
                let own = &scores[row * stride..][..PAGE];
                for (token, score) in own.iter().enumerate() {
                    let expected: f64 = (0..width)
                        .map(|entry| f64::from(query[entry]) * f64::from(keys[entry * PAGE + token]))
                        .sum();
                    prop_assert!((f64::from(*score) - expected).abs() <= TOLERANCE);
                }
                prop_assert!(scores[row * stride + PAGE..(row + 1) * stride].iter().all(|rest| *rest == 9.0));
                let mut alone = vec![0.0; PAGE];
                page_scores(query, width, &keys, &mut alone, PAGE);
                prop_assert_eq!(own, alone.as_slice());
                for column in 0..width {
                    let added: f64 = (0..tokens)
                        .map(|token| f64::from(own[token]) * f64::from(keys[token * width + column]))
                        .sum();
                    let expected = f64::from(before[row * width + column]) + added;
                    let most = TOLERANCE * (1.0 + own.iter().map(|score| f64::from(score.abs())).sum::<f64>());
                    prop_assert!((f64::from(sums[row * width + column]) - expected).abs() <= most);
                }
                let mut alone = before[row * width..][..width].to_vec();
                add_page_values(own, PAGE, &keys[..tokens * width], width, &mut alone);
                prop_assert_eq!(&sums[row * width..][..width], alone.as_slice());
            }
        }

        #[test]
        fn shares_are_a_softmax(scores in prop::collection::vec(-40.0_f32..40.0, 1..70)) {
            let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let weights: Vec<f64> = scores.iter().map(|score| f64::from(score - highest).exp()).collect();
            let all: f64 = weights.iter().sum();
            let mut found = scores;
            shares(&mut found);
            for (share, weight) in found.iter().zip(weights) {
                prop_assert!((f64::from(*share) - weight / all).abs() <= TOLERANCE);
            }
        }
    }
}
