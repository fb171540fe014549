//! Histograms of the confidence, the pool's and each dataset's.

use plimsoll_router::Histogram;

use super::{Grid, Plot};
use crate::drawing::{Axis, Ink, Panel, PlotMark, Tick};
use crate::error::ReportError;
use crate::inputs::{DatasetCounts, SeriesCounts};
use crate::statistics::pooled;
use crate::text::{count, file_part, percent, share};

/// The histograms of a series.
pub(crate) fn plot(pair_part: &str, counts: &SeriesCounts) -> Result<Plot, ReportError> {
    let pool = pooled(&counts.datasets);
    let all: Vec<&DatasetCounts> = std::iter::once(&pool).chain(&counts.datasets).collect();
    let highest = all.iter().flat_map(|counts| totals(counts)).fold(0.0, f64::max);
    let panels: Vec<Panel> = all.iter().map(|counts| panel(counts, &pool, highest)).collect();
    let about = "Share of the questions per bin of the confidence, right answers below, wrong ones above them. The dotted \
                 line is the pool's outline: thresholds transfer to a dataset as far as its histogram has the same \
                 shape."
        .to_owned();
    let legend = [
        (Ink::Main, "right"),
        (Ink::Wrong, "wrong"),
        (Ink::Ungraded, "ungraded"),
        (Ink::Random, "outline of the pool"),
    ];
    let name = format!("{pair_part}.{}.confidence", file_part(&counts.method));
    let title = format!("Confidence by dataset: {}, {}", counts.slm, counts.method);
    let mut plot = Plot::new(name, title, about, &legend, &panels)?;
    plot.table = Grid::new(&[
        "dataset",
        "rows",
        "without confidence",
        "mean confidence",
        "right",
        "right above ½",
        "KS to the pool",
    ]);
    plot.table.rows = all.iter().map(|counts| table_row(counts, &pool)).collect();
    Ok(plot)
}

/// Rows of each bin as a share of the scored rows.
fn totals(counts: &DatasetCounts) -> Vec<f64> {
    let scored = counts.scored().max(1) as f64;
    let bins = counts.right.iter().zip(&counts.wrong).zip(&counts.ungraded);
    bins.map(|((right, wrong), ungraded)| (right + wrong + ungraded) as f64 / scored).collect()
}

fn panel(counts: &DatasetCounts, pool: &DatasetCounts, highest: f64) -> Panel {
    let scored = counts.scored().max(1) as f64;
    let shares = |bins: &[u64]| -> Vec<f64> { bins.iter().map(|rows| *rows as f64 / scored).collect() };
    let mut below = vec![0.0; counts.right.len()];
    let mut marks = Vec::new();
    let layers = [(Ink::Main, &counts.right), (Ink::Wrong, &counts.wrong), (Ink::Ungraded, &counts.ungraded)];
    for (ink, bins) in layers.into_iter().filter(|(_, bins)| bins.iter().any(|rows| *rows > 0)) {
        let above: Vec<f64> = below.iter().zip(shares(bins)).map(|(low, more)| low + more).collect();
        let mut outline = steps(&above);
        outline.extend(steps(&below).into_iter().rev());
        marks.push(PlotMark::Region { ink, opacity: 1.0, outline });
        below = above;
    }
    marks.push(PlotMark::line(Ink::Random, steps(&totals(pool))));
    let y =
        Axis { low: 0.0, high: (highest * 1.05).max(0.01), label: "share of questions", tick: Tick::Percent };
    let x = Axis { tick: Tick::Plain, ..Axis::share("confidence") };
    Panel { title: counts.dataset.clone(), x, y, marks }
}

/// The corners of a histogram.
fn steps(heights: &[f64]) -> Vec<(f64, f64)> {
    let bins = heights.len() as f64;
    let corners = heights
        .iter()
        .enumerate()
        .flat_map(|(bin, height)| [(bin as f64 / bins, *height), ((bin as f64 + 1.0) / bins, *height)]);
    corners.collect()
}

fn table_row(counts: &DatasetCounts, pool: &DatasetCounts) -> Vec<String> {
    let bins = counts.right.len() as f64;
    let histogram = |counts: &DatasetCounts| {
        let rows = counts.right.iter().zip(&counts.wrong).zip(&counts.ungraded);
        Histogram::from_counts(rows.map(|((a, b), c)| a + b + c).collect(), counts.missing())
    };
    let own = histogram(counts);
    let weighted = own.counts.iter().enumerate().map(|(bin, rows)| (bin as f64 + 0.5) / bins * *rows as f64);
    let mean = (own.scored() > 0).then(|| weighted.sum::<f64>() / own.scored() as f64);
    let half = own.counts.len() / 2;
    let upper = |bins: &[u64]| bins.iter().skip(half).sum::<u64>();
    vec![
        counts.dataset.clone(),
        count(counts.rows()),
        count(counts.missing()),
        share(mean),
        percent(counts.slm_right, counts.rows()),
        percent(upper(&counts.right), upper(&own.counts)),
        share((own.scored() > 0).then(|| own.ks(&histogram(pool)))),
    ]
}
