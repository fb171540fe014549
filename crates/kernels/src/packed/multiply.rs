//! Rows times a packed matrix, shared out among threads.

use std::ops::Range;

use rayon::prelude::*;

use super::activations::{Activations, ProductRows, RowMemory};
use super::choice::{Kernel, KernelKind};
use super::columns::Columns;
use super::layout::PANEL;
use super::matrix::PackedMatrix;
use super::portable;
use super::tiles::PackedPanel;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use super::{
    amx,
    amx_tiles::{TILE, Tiles},
};
use crate::product::Threads;

/// Rows whose activations stay in a cache while panel after panel is multiplied with them.
const ROWS_AT_ONCE: usize = 256;
/// Panels whose results are written together.
const PANELS_AT_ONCE: usize = 4;
/// Tasks for each thread, so that none waits long for the last.
const TASKS_PER_THREAD: usize = 4;
/// A task has at least so many products: they take about as long as it takes to wake a thread.
const MIN_TASK: usize = 1 << 18;
/// From so many rows on, a tile that is not full is faster than rows one by one.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
const MIN_TILE_ROWS: usize = 4;

impl PackedMatrix {
    /// Rows times the transposed matrix: `[n, inputs]` to `[n, outputs]`, row after row.
    ///
    /// Activations are rounded to 8 bits in blocks of 32 (of 256, where the packing has blocks of 256), as llama.cpp
    /// does; the integers of a block are summed exactly and the blocks in f32, one after the other. A row gets the same
    /// bits whatever rows stand beside it, on any threads, by any kernel. A row with NaN or an infinity gives NaN only.
    ///
    /// # Panics
    /// If `rows` are not whole rows: a mistake of the caller.
    pub fn multiply(&self, kernel: Kernel, threads: Threads, rows: &[f32]) -> Vec<f32> {
        let mut results = vec![0.0; rows.len() / self.inputs() * self.outputs()];
        self.multiply_into(kernel, threads, &mut RowMemory::default().rows(rows), &mut results);
        results
    }

    /// As [`PackedMatrix::multiply`], into memory that is there.
    ///
    /// # Panics
    /// If `rows` are not whole rows or `results` has not their number times the outputs: a mistake of the caller.
    pub fn multiply_into(
        &self,
        kernel: Kernel,
        threads: Threads,
        rows: &mut ProductRows<'_>,
        results: &mut [f32],
    ) {
        let length = rows.floats().len();
        assert!(length.is_multiple_of(self.inputs()), "rows as wide as the matrix");
        let (count, outputs) = (length / self.inputs(), self.outputs());
        assert_eq!(results.len(), count * outputs, "results for each row and output");
        if results.is_empty() {
            return;
        }
        let activations = rows.rounded(self.layout.coding, self.inputs(), threads);
        let panels = self.panels_of_task(count, threads);
        let columns = Columns::split(results, outputs, panels * PANEL);
        let size = panels * self.layout.panel_bytes();
        let task = |(mut columns, panels): (Columns<'_>, &[u8])| {
            self.task(kernel, panels, activations, &mut columns);
        };
        if columns.len() > 1 {
            columns.into_par_iter().zip(self.panels().par_chunks(size)).for_each(task);
        } else {
            columns.into_iter().zip(self.panels().chunks(size)).for_each(task);
        }
    }

    fn panels_of_task(&self, rows: usize, threads: Threads) -> usize {
        let panels = self.outputs().div_ceil(PANEL);
        let workers = match threads {
            Threads::One => 1,
            Threads::Pool => rayon::current_num_threads(),
        };
        if workers == 1 {
            return panels;
        }
        let tasks = rows * self.inputs() * self.outputs() / MIN_TASK;
        let tasks = tasks.min(workers * TASKS_PER_THREAD);
        // As many for each thread, or one for the caller.
        let tasks = if tasks < workers { 1 } else { tasks - tasks % workers };
        panels.div_ceil(tasks)
    }

    /// Some panels, one after the other, with all rows.
    fn task(&self, kernel: Kernel, panels: &[u8], activations: &Activations, columns: &mut Columns<'_>) {
        let mut worker = Worker::new(kernel, activations);
        for first in (0..activations.rows).step_by(ROWS_AT_ONCE) {
            let rows = first..activations.rows.min(first + ROWS_AT_ONCE);
            for (index, panels) in panels.chunks(PANELS_AT_ONCE * self.layout.panel_bytes()).enumerate() {
                let panels: Vec<PackedPanel<'_>> = panels
                    .chunks_exact(self.layout.panel_bytes())
                    .map(|panel| panel.split_at(self.layout.code_bytes()))
                    .map(|(codes, scales)| PackedPanel { codes, scales })
                    .collect();
                let mut columns = columns.narrow(index * PANELS_AT_ONCE * PANEL, PANELS_AT_ONCE * PANEL);
                worker.multiply(&panels, activations, rows.clone(), &mut columns);
            }
        }
    }
}

/// A thread at work on a product.
struct Worker {
    kind: KernelKind,
    joined: Vec<u8>,
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    tiles: Option<(Tiles, amx::TileScratch)>,
}

impl Worker {
    fn new(kernel: Kernel, activations: &Activations) -> Self {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        let tiles = (kernel.kind() == KernelKind::Amx && activations.rows >= TILE)
            .then(|| Tiles::new(activations.coding.runs))
            .flatten()
            .map(|tiles| (tiles, amx::TileScratch::default()));
        #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
        let _ = activations;
        Self {
            kind: kernel.kind(),
            joined: Vec::new(),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            tiles,
        }
    }

    fn multiply(
        &mut self,
        panels: &[PackedPanel<'_>],
        activations: &Activations,
        rows: Range<usize>,
        columns: &mut Columns<'_>,
    ) {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        let rows = self.multiply_tiles(panels, activations, rows, columns);
        if rows.is_empty() {
            return;
        }
        let scratch = &mut self.joined;
        match self.kind {
            KernelKind::Portable => portable::multiply(panels, activations, rows, columns, scratch),
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "only machines with these instructions may run them")]
            // SAFETY: a kernel of this kind is made only where the machine was asked for them.
            KernelKind::Avx2 => unsafe { super::avx2::multiply(panels, activations, rows, columns, scratch) },
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "only machines with these instructions may run them")]
            // SAFETY: a kernel of this kind is made only where the machine was asked for them.
            KernelKind::Avx512Vnni => unsafe {
                super::vnni::multiply(panels, activations, rows, columns, scratch);
            },
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            #[expect(unsafe_code, reason = "only machines with these instructions may run them")]
            // SAFETY: a kernel of this kind is made only where the machine was asked for AVX-512 VNNI, too.
            KernelKind::Amx => unsafe { super::vnni::multiply(panels, activations, rows, columns, scratch) },
        }
    }

    /// Multiplies what is worth a tile, and gives the rows that are left.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    fn multiply_tiles(
        &mut self,
        panels: &[PackedPanel<'_>],
        activations: &Activations,
        rows: Range<usize>,
        columns: &mut Columns<'_>,
    ) -> Range<usize> {
        let Some((tiles, scratch)) = &mut self.tiles else { return rows };
        let left = rows.len() % TILE;
        let end = if left < MIN_TILE_ROWS { rows.end - left } else { rows.end };
        // The last rows of many may be too few for any tile.
        if end == rows.start {
            return rows;
        }
        #[expect(unsafe_code, reason = "only machines with these instructions may run them")]
        // SAFETY: tiles are there only for a kernel that is made where the machine was asked for AVX-512 VNNI.
        unsafe {
            amx::multiply(tiles, panels, activations, (rows.start..end, columns), scratch);
        }
        end..rows.end
    }
}
