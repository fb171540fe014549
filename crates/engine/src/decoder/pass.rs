//! A step, cut into passes of bounded size.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};

use super::Decoder;
use super::block::Span;
use super::flat::{FlatDecoder, FlatSpan, PassRows};
use crate::cache::Store;
use crate::step::{RowOutput, StepError, StepRow};

/// Maximum number of tokens of a pass. Enough for matrix products at full speed.
const MAX_TOKENS: usize = 1024;

/// The computation of one row of the step.
struct RowPlan {
    /// All tokens to compute, those of the cache first if it is computed anew.
    tokens: Vec<u32>,
    /// Position of the first of them in the sequence.
    first: usize,
    /// How many of them the cache had.
    recomputed: usize,
    /// For each rotary embedding, whether the set for long sequences is used.
    long: Vec<bool>,
    /// Indices into `tokens` of the requested logits.
    logits: Vec<usize>,
    /// Layer and indices into `tokens` of the requested hidden states.
    hidden: Option<(usize, Vec<usize>)>,
    /// Whether the last layer's is wanted before the final norm.
    before_norm: bool,
}

/// A piece of a row within a pass.
#[derive(Clone, Copy)]
struct PassPiece {
    row: usize,
    /// Index of the first token in the plan's tokens.
    from: usize,
    tokens: usize,
}

impl Decoder {
    /// Reads the tokens of all rows and gives what each row requested, in the order of the rows.
    ///
    /// A long step is taken in passes of bounded size, so the memory for intermediate results does not
    /// grow with it; the logits and hidden states that are requested do.
    ///
    /// With `LongRoPE`, a row that grows past `original_context` (or was cut back to it) is computed anew from
    /// its first token; [`RowOutput::recomputed`] says so. Positions count from the step's tokens as always.
    ///
    /// # Errors
    /// [`StepError`] naming the row; all caches then are as they were.
    pub fn step(&self, rows: &mut [StepRow<'_>]) -> Result<Vec<RowOutput>, StepError> {
        // Inside the pool, so that the loops of a pass need not wake it one by one.
        if self.flat.is_some() && rayon::current_thread_index().is_none() {
            return rayon::scope(|_| step(self, rows));
        }
        step(self, rows)
    }
}

fn step(decoder: &Decoder, rows: &mut [StepRow<'_>]) -> Result<Vec<RowOutput>, StepError> {
    let plans: Vec<RowPlan> =
        rows.iter().enumerate().map(|(index, row)| plan(decoder, index, row)).collect::<Result<_, _>>()?;
    for (row, plan) in rows.iter_mut().zip(&plans) {
        row.cache.stale |= plan.recomputed > 0;
    }
    let mut results: Vec<[Gathered; 2]> = rows.iter().map(|_| <[Gathered; 2]>::default()).collect();
    for pieces in passes(&plans) {
        run(decoder, rows, &plans, &pieces, &mut results).map_err(StepError::Device)?;
    }
    let outputs = plans.iter().zip(results).map(|(plan, [logits, hidden])| {
        Ok(RowOutput { logits: logits.in_order()?, hidden: hidden.in_order()?, recomputed: plan.recomputed })
    });
    let outputs = outputs.collect::<candle_core::Result<_>>().map_err(StepError::Device)?;
    for (row, plan) in rows.iter_mut().zip(plans) {
        row.cache.long = plan.long;
        row.cache.stale = false;
        row.cache.commit(row.tokens);
    }
    Ok(outputs)
}

/// Checks a row before anything is computed.
fn plan(decoder: &Decoder, index: usize, row: &StepRow<'_>) -> Result<RowPlan, StepError> {
    let spec = &decoder.spec;
    if row.tokens.is_empty() {
        return Err(StepError::NoTokens { row: index });
    }
    if !Arc::ptr_eq(&row.cache.owner, &decoder.identity) {
        return Err(StepError::Cache { row: index });
    }
    let total = row.cache.len() + row.tokens.len();
    if total > spec.context {
        return Err(StepError::Context { row: index, tokens: total, context: spec.context });
    }
    let beyond = |token: &u32| *token as usize >= spec.vocabulary;
    if let Some(position) = row.tokens.iter().position(beyond) {
        let (token, vocabulary) = (row.tokens[position], spec.vocabulary);
        return Err(StepError::Token { row: index, position, token, vocabulary });
    }
    let long: Vec<bool> = decoder.ropes.iter().map(|rope| rope.is_long(total)).collect();
    let recomputed = if long == row.cache.long && !row.cache.stale { 0 } else { row.cache.len() };
    let mut tokens = row.cache.tokens()[..recomputed].to_vec();
    tokens.extend_from_slice(row.tokens);
    let shifted =
        |positions: Vec<usize>| positions.into_iter().map(|position| position + recomputed).collect();
    let hidden = match &row.hidden {
        Some(hidden) if hidden.layer > spec.layers.len() => {
            return Err(StepError::Layer { row: index, layer: hidden.layer, layers: spec.layers.len() });
        }
        Some(hidden) => Some((hidden.layer, shifted(hidden.positions.list(index, row.tokens.len())?))),
        None => None,
    };
    Ok(RowPlan {
        first: row.cache.len() - recomputed,
        logits: shifted(row.logits.list(index, row.tokens.len())?),
        tokens,
        recomputed,
        long,
        hidden,
        before_norm: row.hidden.as_ref().is_some_and(|hidden| hidden.before_norm),
    })
}

/// Rows concatenated, cut where a pass is full.
fn passes(plans: &[RowPlan]) -> Vec<Vec<PassPiece>> {
    let (mut passes, mut pass, mut room) = (Vec::new(), Vec::new(), MAX_TOKENS);
    for (row, plan) in plans.iter().enumerate() {
        let mut from = 0;
        while from < plan.tokens.len() {
            let tokens = room.min(plan.tokens.len() - from);
            pass.push(PassPiece { row, from, tokens });
            from += tokens;
            room -= tokens;
            if room == 0 {
                passes.push(std::mem::take(&mut pass));
                room = MAX_TOKENS;
            }
        }
    }
    passes.extend(Some(pass).filter(|pass| !pass.is_empty()));
    passes
}

fn run(
    decoder: &Decoder,
    rows: &mut [StepRow<'_>],
    plans: &[RowPlan],
    pieces: &[PassPiece],
    results: &mut [[Gathered; 2]],
) -> candle_core::Result<()> {
    let tokens = pieces.iter().flat_map(|piece| piece.tokens(plans)).copied().collect();
    if let Some((flat, _)) = &decoder.flat {
        return run_flat(decoder, flat, (rows, plans, pieces), tokens, results);
    }
    let angles = decoder.ropes.iter().enumerate().map(|(rope, rotary)| {
        let positions: Vec<(usize, bool)> =
            pieces.iter().flat_map(|piece| piece.positions(plans, rope)).collect();
        rotary.angles(positions.into_iter(), &decoder.placement)
    });
    let angles: Vec<_> = angles.collect::<candle_core::Result<_>>()?;
    let mut stream = decoder.embed(tokens)?;
    let mut spans = spans(rows, plans, pieces);
    for (layer, block) in decoder.blocks.iter().enumerate() {
        take_hidden(plans, pieces, layer, &stream, results)?;
        stream = block.forward(&stream, &angles, &mut spans)?;
    }
    finish(decoder, plans, pieces, &stream, results)
}

/// The caches of the pieces. A row has at most one piece in a pass, and pieces are in the order of rows.
fn spans<'a>(rows: &'a mut [StepRow<'_>], plans: &[RowPlan], pieces: &[PassPiece]) -> Vec<Span<'a>> {
    let mut pieces = pieces.iter().peekable();
    let with_piece = rows.iter_mut().enumerate().filter_map(|(index, row)| {
        let piece = pieces.next_if(|piece| piece.row == index)?;
        let Store::Tensors(layers) = &mut row.cache.store else { return None };
        Some(Span { layers, first: plans[index].first + piece.from, tokens: piece.tokens })
    });
    with_piece.collect()
}

/// As [`run`], on slices.
fn run_flat(
    decoder: &Decoder,
    flat: &FlatDecoder,
    (rows, plans, pieces): (&mut [StepRow<'_>], &[RowPlan], &[PassPiece]),
    tokens: Vec<u32>,
    results: &mut [[Gathered; 2]],
) -> candle_core::Result<()> {
    let angles = decoder.ropes.iter().enumerate().map(|(rope, rotary)| {
        let positions: Vec<(usize, bool)> =
            pieces.iter().flat_map(|piece| piece.positions(plans, rope)).collect();
        rotary.flat_angles(positions.into_iter())
    });
    let angles: Vec<_> = angles.collect();
    let mut stream = decoder.embed(tokens)?.flatten_all()?.to_vec1::<f32>()?;
    let hidden = decoder.spec.hidden;
    let spans = flat_spans(rows, plans, pieces);
    let (states, logits) = (
        picks(plans, pieces, |plan| plan.hidden_at(decoder.blocks.len())),
        picks(plans, pieces, |plan| &plan.logits),
    );
    let mut wanted: Vec<usize> =
        states.iter().chain(&logits).flat_map(|(_, picked)| picked.indices()).collect();
    wanted.sort_unstable();
    wanted.dedup();
    flat.blocks(&mut stream, PassRows { angles, spans, wanted: &wanted }, |layer, stream| {
        for (row, picked) in picks(plans, pieces, |plan| plan.hidden_at(layer)) {
            let taken = rows_of(stream, hidden, picked.indices());
            results[row][1].add(tensor(taken, hidden)?, picked.requests);
        }
        Ok(())
    })?;
    // The stream has only the rows that are wanted.
    let among = |index: usize| wanted.partition_point(|wanted| *wanted < index);
    for (row, picked) in states {
        let taken = rows_of(&stream, hidden, picked.indices().map(among));
        let state = if plans[row].before_norm { taken } else { flat.norm(&taken) };
        results[row][1].add(tensor(state, hidden)?, picked.requests);
    }
    if logits.is_empty() {
        return Ok(());
    }
    let all = logits.iter().flat_map(|(_, picked)| picked.indices()).map(among);
    let values = flat.logits(&flat.norm(&rows_of(&stream, hidden, all)))?;
    let mut values = values.chunks_exact(decoder.spec.vocabulary);
    for (row, picked) in logits {
        let own: Vec<f32> = values.by_ref().take(picked.positions.len()).flatten().copied().collect();
        results[row][0].add(tensor(own, decoder.spec.vocabulary)?, picked.requests);
    }
    Ok(())
}

/// As [`spans`], with room for the tokens.
fn flat_spans<'a>(rows: &'a mut [StepRow<'_>], plans: &[RowPlan], pieces: &[PassPiece]) -> Vec<FlatSpan<'a>> {
    let mut pieces = pieces.iter().peekable();
    let with_piece = rows.iter_mut().enumerate().filter_map(|(index, row)| {
        let piece = pieces.next_if(|piece| piece.row == index)?;
        let Store::Pages(pages) = &mut row.cache.store else { return None };
        let first = plans[index].first + piece.from;
        pages.reserve(first, piece.tokens);
        Some(FlatSpan { pages, first, tokens: piece.tokens })
    });
    with_piece.collect()
}

fn rows_of(stream: &[f32], width: usize, indices: impl Iterator<Item = usize>) -> Vec<f32> {
    indices.flat_map(|index| &stream[index * width..(index + 1) * width]).copied().collect()
}

fn tensor(values: Vec<f32>, width: usize) -> candle_core::Result<Tensor> {
    let count = values.len() / width;
    Tensor::from_vec(values, (count, width), &Device::Cpu)
}

fn take_hidden(
    plans: &[RowPlan],
    pieces: &[PassPiece],
    layer: usize,
    stream: &Tensor,
    results: &mut [[Gathered; 2]],
) -> candle_core::Result<()> {
    for (row, picked) in picks(plans, pieces, |plan| plan.hidden_at(layer)) {
        results[row][1].add(picked.take(stream)?.to_dtype(DType::F32)?, picked.requests);
    }
    Ok(())
}

/// The final norm and the logits, of those tokens only that are requested.
fn finish(
    decoder: &Decoder,
    plans: &[RowPlan],
    pieces: &[PassPiece],
    stream: &Tensor,
    results: &mut [[Gathered; 2]],
) -> candle_core::Result<()> {
    let last = decoder.blocks.len();
    for (row, picked) in picks(plans, pieces, |plan| plan.hidden_at(last)) {
        let taken = picked.take(stream)?;
        let state = if plans[row].before_norm { taken } else { decoder.norm.forward(&taken)? };
        results[row][1].add(state.to_dtype(DType::F32)?, picked.requests);
    }
    let picks = picks(plans, pieces, |plan| &plan.logits);
    if picks.is_empty() {
        return Ok(());
    }
    // One matrix product for all rows.
    let all = PickedTokens {
        positions: picks.iter().flat_map(|(_, picked)| picked.positions.iter().copied()).collect(),
        requests: Vec::new(),
    };
    let logits = decoder.logits(&decoder.norm.forward(&all.take(stream)?)?)?;
    let mut begin = 0;
    for (row, picked) in picks {
        let count = picked.positions.len();
        results[row][0].add(logits.narrow(0, begin, count)?, picked.requests);
        begin += count;
    }
    Ok(())
}

/// Tokens of a pass that one row requires.
struct PickedTokens {
    /// Their indices in the pass.
    positions: Vec<u32>,
    /// The index of each in the row's request.
    requests: Vec<usize>,
}

impl PickedTokens {
    fn indices(&self) -> impl Iterator<Item = usize> + '_ {
        self.positions.iter().map(|position| *position as usize)
    }

    fn take(&self, stream: &Tensor) -> candle_core::Result<Tensor> {
        let positions = Tensor::from_slice(&self.positions, self.positions.len(), stream.device())?;
        stream.index_select(&positions, 0)
    }
}

/// What is requested in this pass, row by row; rows that ask for nothing are left out.
fn picks(
    plans: &[RowPlan],
    pieces: &[PassPiece],
    wanted: impl for<'a> Fn(&'a RowPlan) -> &'a [usize],
) -> Vec<(usize, PickedTokens)> {
    let (mut all, mut begin) = (Vec::new(), 0);
    for piece in pieces {
        let mut picked = PickedTokens { positions: Vec::new(), requests: Vec::new() };
        for (request, position) in wanted(&plans[piece.row]).iter().enumerate() {
            if (piece.from..piece.from + piece.tokens).contains(position) {
                // A pass has at most 1,024 tokens: the index fits.
                picked.positions.push(u32::try_from(begin + position - piece.from).unwrap_or(u32::MAX));
                picked.requests.push(request);
            }
        }
        if !picked.positions.is_empty() {
            all.push((piece.row, picked));
        }
        begin += piece.tokens;
    }
    all
}

impl PassPiece {
    fn tokens<'a>(&self, plans: &'a [RowPlan]) -> &'a [u32] {
        &plans[self.row].tokens[self.from..self.from + self.tokens]
    }

    fn positions<'a>(&self, plans: &'a [RowPlan], rope: usize) -> impl Iterator<Item = (usize, bool)> + 'a {
        let plan = &plans[self.row];
        let first = plan.first + self.from;
        let long = plan.long[rope];
        (first..first + self.tokens).map(move |position| (position, long))
    }
}

impl RowPlan {
    fn hidden_at(&self, layer: usize) -> &[usize] {
        match &self.hidden {
            Some((at, positions)) if *at == layer => positions,
            _ => &[],
        }
    }
}

/// Results of a row so far: parts, with the index in the request of each of their rows.
#[derive(Default)]
struct Gathered {
    parts: Vec<Tensor>,
    requests: Vec<usize>,
}

impl Gathered {
    fn add(&mut self, part: Tensor, requests: Vec<usize>) {
        self.parts.push(part);
        self.requests.extend(requests);
    }

    /// All parts as one tensor, in the order of the request.
    fn in_order(mut self) -> candle_core::Result<Option<Tensor>> {
        let joined = match self.parts.len() {
            0 => return Ok(None),
            1 => self.parts.swap_remove(0),
            _ => Tensor::cat(&self.parts, 0)?,
        };
        if self.requests.is_sorted() {
            return Ok(Some(joined));
        }
        let mut order: Vec<u32> = (0..).take(self.requests.len()).collect();
        order.sort_by_key(|position| self.requests[*position as usize]);
        let order = Tensor::from_slice(&order, order.len(), joined.device())?;
        joined.index_select(&order, 0).map(Some)
    }
}
