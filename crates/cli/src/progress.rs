//! Progress bars, on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

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

impl plimsoll_calibset::Progress for Progress {
    fn rows(&self, total: u64) {
        self.0.set_position(total);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants of this file; a bad one would show a plain bar.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
