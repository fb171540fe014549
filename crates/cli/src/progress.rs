//! A run's notes and progress on the terminal.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plimsoll_backend::{BackendEvent, BackendObserver};
use plimsoll_core::ModelId;
use plimsoll_hub::{DownloadEvent, DownloadObserver};
use plimsoll_pipeline::Failure;
use plimsoll_pipeline::model_estimate::ModelEstimate;
use plimsoll_pipeline::observer::{Observer, Progress, RequestProgress};
use plimsoll_pipeline::stage::{Stage, StageReport};

use crate::console::Console;
use crate::views::estimate::models_table;
use crate::views::stages::stage_line;

const REDRAWS_PER_SECOND: u8 = 10;
const TICK: Duration = Duration::from_millis(200);

impl Observer for Console {
    fn note(&self, text: &str) {
        Self::note(self, text);
    }

    fn stage(&self, report: &StageReport) -> Result<(), Failure> {
        if let Some(observer) = self.observer() {
            return observer.stage(report);
        }
        self.text(stage_line(report))
    }

    fn workload(&self, models: &[ModelEstimate]) -> Result<(), Failure> {
        if let Some(observer) = self.observer() {
            return observer.workload(models);
        }
        self.text(format!("{}\n", models_table(models).text(2)))
    }

    fn steps(&self, stage: Stage, steps: u64) -> Box<dyn Progress> {
        if let Some(observer) = self.observer() {
            return observer.steps(stage, steps);
        }
        let bar = bar(self, Some(steps), stage.name());
        Box::new(Bar(with_style(bar, "{prefix:9} {wide_bar} {pos}/{len} {msg} {eta}")))
    }

    fn rows(&self, task: &'static str) -> Box<dyn Progress> {
        if let Some(observer) = self.observer() {
            return observer.rows(task);
        }
        Box::new(Bar(with_style(bar(self, None, task), "{prefix:9} {spinner} {pos} rows {elapsed}")))
    }

    fn requests(&self, model: &ModelId, total: u64) -> Arc<dyn RequestProgress> {
        if let Some(observer) = self.observer() {
            return observer.requests(model, total);
        }
        Arc::new(Requests::new(self, model.as_str(), total))
    }

    fn downloads(&self) -> Box<dyn DownloadObserver> {
        if let Some(observer) = self.observer() {
            return observer.downloads();
        }
        Box::new(Downloads::new(self))
    }
}

/// Tokens of one answer, whose number is not known before.
pub(crate) fn tokens(console: &Console, task: &'static str) -> impl Progress {
    Bar(with_style(bar(console, None, task), "{prefix:9} {spinner} {pos} tokens {per_sec}"))
}

/// A bar, or nothing where it would not be seen. It vanishes when it is dropped.
#[derive(Debug)]
struct Bar(ProgressBar);

fn bar(console: &Console, steps: Option<u64>, prefix: &'static str) -> ProgressBar {
    if !console.progress() {
        return ProgressBar::hidden();
    }
    let target = ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND);
    let bar = ProgressBar::with_draw_target(steps, target).with_prefix(prefix);
    bar.enable_steady_tick(TICK);
    bar
}

fn with_style(bar: ProgressBar, template: &str) -> ProgressBar {
    // The templates are constants of this file; a bad one would show a plain bar.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    bar
}

impl Progress for Bar {
    fn step(&self) {
        self.0.inc(1);
    }

    fn rows(&self, total: u64) {
        self.0.set_position(total);
    }

    fn message(&self, text: &str) {
        if !self.0.is_hidden() {
            self.0.set_message(text.to_owned());
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Downloads: a bar of bytes per file; retries are logged.
#[derive(Debug)]
struct Downloads(ProgressBar);

impl Downloads {
    /// Nothing is shown until a file begins.
    fn new(console: &Console) -> Self {
        if !console.progress() {
            return Self(ProgressBar::hidden());
        }
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND);
        let bar = ProgressBar::with_draw_target(None, target);
        Self(with_style(bar, "{wide_msg} {bar:20} {bytes}/{total_bytes} {bytes_per_sec} {eta}"))
    }
}

impl DownloadObserver for Downloads {
    fn event(&self, event: &DownloadEvent<'_>) {
        match event {
            DownloadEvent::Started { file, bytes, have } => {
                self.0.reset();
                self.0.set_length(*bytes);
                self.0.set_position(*have);
                self.0.reset_eta();
                self.0.set_message((*file).to_owned());
            }
            DownloadEvent::Received { bytes, .. } => self.0.inc(*bytes),
            DownloadEvent::Retrying { cause, wait } => {
                self.0.suspend(|| tracing::warn!("{cause}; trying again in {} s", wait.as_secs_f64()));
            }
            DownloadEvent::WaitingForOther { file } => {
                self.0.suspend(|| tracing::warn!("another process is fetching `{file}`; waiting for it"));
            }
            DownloadEvent::Cached { file, .. } => tracing::debug!("`{file}` is cached"),
            DownloadEvent::Finished { file } => tracing::info!("fetched `{file}`"),
            _ => {}
        }
    }
}

impl Drop for Downloads {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Requests to one model: how many are answered, how fast, how long still.
#[derive(Debug)]
struct Requests {
    bar: ProgressBar,
    tokens: AtomicU64,
    dataset: Mutex<String>,
}

impl Requests {
    fn new(console: &Console, model: &str, total: u64) -> Self {
        let bar = bar(console, Some(total), Stage::Infer.name());
        let bar = with_style(bar, "{prefix:9} {wide_bar} {pos}/{len} {per_sec} {msg} {eta}");
        bar.set_message(model.to_owned());
        Self { bar, tokens: AtomicU64::new(0), dataset: Mutex::default() }
    }

    /// Counts tokens, and shows how fast they come.
    fn computed(&self, tokens: u64) {
        let all = self.tokens.fetch_add(tokens, Ordering::Relaxed) + tokens;
        let seconds = self.bar.elapsed().as_secs_f64();
        if !self.bar.is_hidden() && seconds > 0.0 {
            let dataset = self.dataset.lock().unwrap_or_else(PoisonError::into_inner);
            self.bar.set_message(format!("{dataset} {:.0} tokens/s", all as f64 / seconds));
        }
    }
}

impl RequestProgress for Requests {
    fn cached(&self, requests: u64) {
        self.bar.inc(requests);
        self.bar.reset_eta();
    }

    fn dataset(&self, dataset: &str) {
        if !self.bar.is_hidden() {
            self.bar.set_message(dataset.to_owned());
            dataset.clone_into(&mut self.dataset.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl BackendObserver for Requests {
    fn event(&self, event: &BackendEvent<'_>) {
        match event {
            BackendEvent::RequestAnswered => self.bar.inc(1),
            BackendEvent::Computed { tokens } => self.computed(tokens.computed()),
            BackendEvent::Retrying { problem, wait } => {
                let seconds = wait.as_secs_f64();
                self.bar.suspend(|| tracing::warn!("{problem}; trying again in {seconds:.1} s"));
            }
            BackendEvent::Notice { text } => self.bar.suspend(|| tracing::warn!("{text}")),
            _ => {}
        }
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
