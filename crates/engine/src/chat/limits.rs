//! The limits of rendering; `render` says what each is for.

use std::time::Duration;

/// Units of work of one rendering. A long chat with tools takes some thousands.
pub const FUEL: u64 = 500_000;
/// Bytes of the longest text.
pub const MAX_TEXT: usize = 16 << 20;
/// Bytes of the longest template. The longest known ones have some tens of thousands.
pub const MAX_SOURCE: usize = 1 << 20;
/// Seconds until a rendering is given up. Fuel ends after one at the latest, on any machine known.
pub const MAX_SECONDS: u64 = 10;
/// The same as a duration.
pub(super) const MAX_TIME: Duration = Duration::from_secs(MAX_SECONDS);
/// Calls of macros, and blocks, inside one another, in minijinja's measure.
pub(super) const RECURSION: usize = 400;
