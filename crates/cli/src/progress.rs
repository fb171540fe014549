//! Progress bars, on a terminal only.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plimsoll_hub::DownloadEvent;

use crate::console::Console;

const REDRAWS_PER_SECOND: u8 = 10;
const TICK: Duration = Duration::from_millis(200);

/// A bar, or nothing where nobody would see it. It vanishes when it is dropped.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar over a known number of steps.
    pub(crate) fn steps(console: &Console, what: &'static str, steps: u64) -> Self {
        let bar = Self::bar(console, Some(steps), what);
        bar.set_style(style("{prefix:9} {wide_bar} {pos}/{len} {msg} {eta}"));
        Self(bar)
    }

    /// A count of rows whose number is not known before.
    pub(crate) fn rows(console: &Console, what: &'static str) -> Self {
        let bar = Self::bar(console, None, what);
        bar.set_style(style("{prefix:9} {spinner} {pos} rows {elapsed}"));
        Self(bar)
    }

    /// A count of tokens whose number is not known before.
    pub(crate) fn tokens(console: &Console, what: &'static str) -> Self {
        let bar = Self::bar(console, None, what);
        bar.set_style(style("{prefix:9} {spinner} {pos} tokens {per_sec}"));
        Self(bar)
    }

    fn bar(console: &Console, steps: Option<u64>, what: &'static str) -> ProgressBar {
        if !console.progress() {
            return ProgressBar::hidden();
        }
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND);
        let bar = ProgressBar::with_draw_target(steps, target).with_prefix(what);
        bar.enable_steady_tick(TICK);
        bar
    }

    /// One more step is done.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }

    /// What is being worked on.
    pub(crate) fn doing(&self, what: impl Into<String>) {
        if !self.0.is_hidden() {
            self.0.set_message(what.into());
        }
    }
}

impl plimsoll_import::ImportObserver for Progress {
    fn rows(&self, total: u64) {
        self.0.set_position(total);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Downloads: a bar of bytes per file; what goes wrong on the way is logged.
#[derive(Debug)]
pub(crate) struct Downloads(ProgressBar);

impl Downloads {
    /// Nothing is shown until a file begins.
    pub(crate) fn new(console: &Console) -> Self {
        if !console.progress() {
            return Self(ProgressBar::hidden());
        }
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND);
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style("{wide_msg} {bar:20} {bytes}/{total_bytes} {bytes_per_sec} {eta}"));
        Self(bar)
    }
}

impl plimsoll_hub::DownloadObserver for Downloads {
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

fn style(template: &str) -> ProgressStyle {
    // The templates are constants of this file; a bad one would show a plain bar.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Answers of one model: how many, how fast, how long still.
#[derive(Debug)]
pub(crate) struct Answers {
    bar: ProgressBar,
    tokens: AtomicU64,
    dataset: Mutex<String>,
}

impl Answers {
    /// A bar over so many prompts.
    pub(crate) fn new(console: &Console, model: &str, prompts: u64) -> Self {
        let bar = Progress::bar(console, Some(prompts), "infer");
        bar.set_style(style("{prefix:9} {wide_bar} {pos}/{len} {per_sec} {msg} {eta}"));
        bar.set_message(model.to_owned());
        Self { bar, tokens: AtomicU64::new(0), dataset: Mutex::default() }
    }

    /// So many were answered by an earlier run.
    pub(crate) fn kept(&self, prompts: u64) {
        self.bar.inc(prompts);
        self.bar.reset_eta();
    }

    /// Which dataset is asked.
    pub(crate) fn doing(&self, dataset: &str) {
        if !self.bar.is_hidden() {
            self.bar.set_message(dataset.to_owned());
            dataset.clone_into(&mut self.dataset.lock().unwrap_or_else(PoisonError::into_inner));
        }
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

    /// `, N tokens a second`, where tokens are counted.
    pub(crate) fn tokens_per_second(&self, seconds: f64) -> String {
        match self.tokens.load(Ordering::Relaxed) {
            0 => String::new(),
            tokens => format!(", {:.0} tokens a second", tokens as f64 / seconds),
        }
    }
}

impl plimsoll_backend::BackendObserver for Answers {
    fn event(&self, event: &plimsoll_backend::BackendEvent<'_>) {
        match event {
            plimsoll_backend::BackendEvent::RequestAnswered => self.bar.inc(1),
            plimsoll_backend::BackendEvent::Computed { tokens } => self.computed(tokens.computed()),
            plimsoll_backend::BackendEvent::Retrying { problem, wait } => {
                let seconds = wait.as_secs_f64();
                self.bar.suspend(|| tracing::warn!("{problem}; trying again in {seconds:.1} s"));
            }
            plimsoll_backend::BackendEvent::Notice { text } => self.bar.suspend(|| tracing::warn!("{text}")),
            _ => {}
        }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
